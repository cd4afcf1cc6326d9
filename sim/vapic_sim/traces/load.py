"""Opens a trace file of any format that is understood, plain or gzip."""

import gzip
import io
import itertools
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from .csv_ import read_csv
from .ftrace import ftrace_line
from .kernel import read_events
from .perf import perf_line
from .trace import Trace, TraceError

__all__ = ["DEFAULT", "load"]

#: The recording in the package: a disk and a network load at once. Of the three it is the one
#: with several busy sources on both CPUs, so that a static binding is seen at its best.
DEFAULT = "net.ftrace.gz"

_BINARY = {
    b"PERFILE2": "this is perf.data; give the text that `perf script -F +flags` or "
                 "`perf script` prints",
    b"\x17\x08\x44tr": "this is trace.dat; give the text that `trace-cmd report` prints",
}
_PERF = re.compile(r".*\[\d+\]\s+(?:\S+\s+)?\d+\.\d+:\s+(?:\d+\s+)?\w+:\w+:")


def load(path: str | None) -> Trace:
    """Read a trace; without a path, the recording that comes with the package.

    Raises
    ------
    TraceError
        If the file cannot be read, its format is not known, a line is malformed, or it has no
        interrupts.
    """
    if path is None:
        content, name = files(__package__).joinpath("data", DEFAULT).read_bytes(), DEFAULT
    else:
        name = Path(path).name
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise TraceError(f"cannot read {path}: {error.strerror}") from None
    cut: list[str] = []
    lines = _lines(name, content, cut)
    head = list(itertools.islice(lines, 200))
    lines = itertools.chain(head, lines)
    telling = next((t for t in head if t.strip() and not t.startswith("#")), "")
    if telling.startswith("time_us") or re.match(r"[\d.]+\s*,", telling):
        trace = read_csv(name, lines)
    elif any(map(_PERF.match, head)):
        trace = read_events(name, lines, perf_line)
    else:
        trace = read_events(name, lines, ftrace_line)
    return replace(trace, remarks=(*trace.remarks, *cut))


def _lines(name: str, content: bytes, cut: list[str]) -> Iterator[str]:
    for magic, advice in _BINARY.items():
        if content.startswith(magic):
            raise TraceError(f"{name}: {advice}")
    raw: io.IOBase = io.BytesIO(content)
    if content.startswith(b"\x1f\x8b"):
        raw = gzip.GzipFile(fileobj=raw)
    try:
        for line in raw:
            yield line.decode("utf-8", "replace")
    except EOFError:
        cut.append("compressed file is cut off: its rest is missing")
    except (gzip.BadGzipFile, zlib.error) as error:
        raise TraceError(f"{name}: damaged gzip file: {error}") from None
