"""Opens a trace file of any format that is understood, and reads it."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

from .csv_ import Table
from .detect import GRAMMARS, HEAD_BYTES, choose, scores
from .kernel import Scan
from .lines import LONGEST_LINE, blocks
from .packed import CUT, unpacked
from .reading import Reading
from .streams import CHUNK, Stream
from .summary import Remark
from .tools import HEAD, refuse_binary, told, tool_of
from .trace import Trace, TraceError
from .words import shown

__all__ = ["DEFAULT", "load", "read"]

#: The recording in the package: a disk and a network load at once. Of the three it is the one
#: with several busy sources on both CPUs, so that a static binding is seen at its best.
DEFAULT = "net.ftrace.gz"

#: A file may begin with so many blank lines, as a page does once its scripts are left out.
_MOST_BLANK = 16 << 20

#: Called with the bytes of the file that are read, and all there are (0 if nobody knows).
Progress = Callable[[int, int], None]


def load(path: str | None, format: str | None = None, progress: Progress | None = None) -> Trace:
    """Read a trace for a run; parameters and errors as of `read`."""
    return read(path, format, progress).trace()


def read(path: str | None, format: str | None = None,
         progress: Progress | None = None) -> Reading:
    """Read a trace.

    Parameters
    ----------
    path : str or None
        File; ``-`` is standard input; without one, the recording that comes with the package.
    format : str, optional
        One of `detect.FORMATS`; else the one that explains most of the first lines.
    progress : callable, optional
        Told how far it is.

    Raises
    ------
    TraceError
        If the file cannot be read, its format is not known, a line that looks like an interrupt
        is malformed, or there are no interrupts.
    """
    with ExitStack() as stack:
        stream, name, plain = _opened(path, stack, progress)
        cut: list[Remark] = []
        inner = unpacked(stream, name, stack,
                         lambda: cut.append(Remark("cut_file", 1, CUT)))
        tool = tool_of(inner.peek(16))
        if tool is not None:
            format = tool.format
            inner = told(tool, inner, plain if inner is stream else None, name, stack)
        else:
            refuse_binary(name, inner.peek(HEAD))
        try:
            return _read(name, blocks(inner, name), format, cut)
        except TraceError as error:
            if not cut:
                raise
            raise TraceError(f"{error} ({CUT})") from None


def _read(name: str, lines: Iterator[bytes], format: str | None,
          cut: list[Remark]) -> Reading:
    """Choose the format by the first lines, and read them all with it."""
    first, head = _first(lines)
    found = scores(head)
    chosen = format or choose(name, head, found)

    def whole() -> Iterator[bytes]:
        yield from first
        first.clear()
        yield from lines

    if chosen in GRAMMARS:
        scan = Scan(name, GRAMMARS[chosen])
        scan.read(whole())
        return Reading.of_scan(scan, chosen, found, cut)
    table = Table(name)
    table.read(whole())
    return Reading.of_table(table, chosen, found, cut)


def _first(lines: Iterator[bytes]) -> tuple[list[bytes], bytes]:
    """Blocks that are read already, and the first lines in them: 64 KiB without blank ones."""
    first, size, whole = [], 0, 0
    for block in lines:
        first.append(block)
        size += len(block.lstrip(b"\n") if size == 0 else block)
        whole += len(block)
        if size >= HEAD_BYTES or whole >= _MOST_BLANK:
            break
    head = b"".join(first).lstrip(b"\n")
    if len(head) > HEAD_BYTES:
        end = head.rfind(b"\n", 0, HEAD_BYTES)
        if end < 0:
            end = head.find(b"\n", 0, LONGEST_LINE)
        head = head[:end + 1] if end >= 0 else head
    return first, head


def _opened(path: str | None, stack: ExitStack,
            progress: Progress | None) -> tuple[Stream, str, str | None]:
    """The file as a stream, its name for people, and its path if it is a plain file."""
    if path is None:
        resource = stack.enter_context(files(__package__).joinpath("data", DEFAULT).open("rb"))
        return Stream(resource.read), DEFAULT, None
    if path == "-" and sys.stdin is None:
        raise TraceError("cannot read standard input: it is closed")
    if path == "-":
        return Stream(_counted(sys.stdin.buffer, "standard input", 0, progress)), \
            "standard input", None
    try:
        file = stack.enter_context(open(path, "rb"))
        status = os.fstat(file.fileno())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TraceError(f"cannot read {shown(path)}: {reason}") from None
    plain = stat.S_ISREG(status.st_mode)
    name = shown(Path(path).name)
    return (Stream(_counted(file, name, status.st_size if plain else 0, progress)), name,
            path if plain else None)


def _counted(file, name: str, total: int, progress: Progress | None) -> Callable[[int], bytes]:
    done = 0

    def read(size: int) -> bytes:
        nonlocal done
        try:
            found = file.read1(CHUNK if size < 0 else size)
        except OSError as error:
            raise TraceError(f"cannot read {name}: {error.strerror}") from None
        done += len(found)
        if progress is not None:
            progress(done, total)
        return found

    return read
