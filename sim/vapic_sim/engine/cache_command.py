"""The command ``vapic cache``: what the compiled engine keeps between runs."""

import argparse
import inspect
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vapic.cli import CommandError

from .cache import Cache, Entry
from .disk import DiskError
from .errors import BuildError

__all__ = ["cache"]


def cache(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Show or clear the cache of compiled designs.

    The compiled simulator translates a design to C and compiles that, which takes up to a minute;
    the result is kept, so that the next simulation of the same design starts at once. Any change
    of the design, of the compiler or of vapic makes another entry. Nothing is lost by removing
    one: it is made again when it is needed. Damaged entries are noticed and made again.

    When there is more than the limit, what has not been used for the longest time is removed.
    `clear` removes everything but what another process is compiling right now.
    """
    parser.description, parser.epilog = inspect.cleandoc(cache.__doc__ or ""), _EPILOG
    parser.add_argument("action", nargs="?", choices=("show", "clear"), default="show",
                        help="show what there is (default), or remove it")
    parser.add_argument("--json", action="store_true",
                        help="print one JSON object: sizes in bytes, times in ISO 8601")
    return _run


_EPILOG = """\
environment variables:
  VAPIC_CACHE        folder of the cache (default: vapic/engine in the folder for this user's
                     caches, on Linux ~/.cache)
  VAPIC_CACHE_LIMIT  limit in MiB (default: 1024)

examples:
  vapic cache
  vapic cache clear
  VAPIC_CACHE=/scratch/vapic vapic run

exit codes: 0 good, 1 the folder can't be written, 2 wrong use
"""


def _run(arguments: argparse.Namespace) -> int:
    try:
        store = Cache()
    except BuildError as error:
        raise CommandError(str(error)) from None
    try:
        (_clear if arguments.action == "clear" else _show)(store, arguments.json)
    except DiskError as error:
        print(f"vapic cache: {error}", file=sys.stderr)
        return 1
    return 0


def _clear(store: Cache, as_json: bool) -> None:
    freed = store.clear()
    left = store.entries()
    if as_json:
        print(json.dumps({"folder": str(store.folder), "freed": freed, "left": len(left)}))
        return
    more = f"; {len(left)} left, in use by other processes" if left else ""
    print(f"{_size(freed)} freed in {store.folder}{more}")


def _show(store: Cache, as_json: bool) -> None:
    entries = store.entries()
    total = sum(entry.bytes for entry in entries)
    if as_json:
        print(json.dumps({
            "folder": str(store.folder), "limit": store.limit, "bytes": total,
            "entries": [_to_dict(entry) for entry in entries]}, indent=2))
        return
    if entries:
        _print_table(entries)
    count = f"{len(entries)} compiled design{'s' if len(entries) != 1 else ''}"
    print(f"{count}, {_size(total)} of at most {_size(store.limit)}, in {store.folder}")


def _to_dict(entry: Entry) -> dict[str, str | int]:
    created, used = (datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
                     for time in (entry.created, entry.used))
    return {"key": entry.key, "name": entry.name, "bytes": entry.bytes, "created": created,
            "used": used}


def _print_table(entries: list[Entry]) -> None:
    table = Table(header_style="bold")
    table.add_column("design")
    table.add_column("size", justify="right")
    table.add_column("created")
    table.add_column("last used")
    for entry in entries:
        table.add_row(escape(entry.name), _size(entry.bytes), _time(entry.created),
                      _time(entry.used))
    console = Console()
    # A table in a pipe or a file is not folded to 80 columns.
    (console if console.is_terminal else Console(width=150)).print(table)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _size(count: int) -> str:
    """Write a number of bytes for people."""
    if count < 1024:
        return f"{count} B"
    size, unit = count / 1024, "KiB"
    for larger in ("MiB", "GiB"):
        if size >= 1024:
            size, unit = size / 1024, larger
    return f"{size:.1f} {unit}"
