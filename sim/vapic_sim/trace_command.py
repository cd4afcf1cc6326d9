"""The command ``vapic trace``: what a reader finds in a recording, without simulating it."""

import argparse
import inspect
import sys
from collections.abc import Callable

from rich.console import Console

from .reading import add_reader, read_file
from .report.reading import print_reading, write_json

__all__ = ["trace"]


def trace(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Show what `vapic run` would read from a recording, without simulating it.

    Tells the format and how sure it is, the sources with their interrupts, the gaps in which the
    recorder lost events, how many lines were passed over and by which rules, and what had to be
    guessed. A line that looks like an interrupt and cannot be read is an error with its number.
    """
    parser.description, parser.epilog = inspect.cleandoc(trace.__doc__ or ""), _EPILOG
    add_reader(parser)
    parser.add_argument("--json", action="store_true",
                        help="print one JSON object, with every interrupt, no table")
    return _trace


_EPILOG = """\
what --json has:
  format, score    what the file was read as, and the share of its first lines that this explains
  sources          name, count, per_second
  gaps             cpu, count, lost (as far as the recording says how many)
  passed_over      by_rule: lines by rule; without_rule: lines that no rule explains
  remarks          kind, count
  interrupts       time_ns, source, service_ns, cpu, exact (false: the service time is estimated)

examples:
  vapic trace my.trace.xz                  the table
  trace-cmd report | vapic trace -         from another program
  vapic trace load.txt --format csv        whatever the file looks like
  vapic trace my.trace --json | jq '.gaps'

exit codes: 0 read, 2 wrong use or unreadable trace
"""


def _trace(arguments: argparse.Namespace) -> int:
    reading = read_file("vapic trace", arguments)
    if arguments.json:
        write_json(sys.stdout, reading)
        return 0
    console = Console()
    print_reading(console if console.is_terminal else Console(width=150), reading)
    return 0
