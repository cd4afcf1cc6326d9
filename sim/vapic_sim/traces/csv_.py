"""Reader of tables ``time_us,source,service_us``."""

import csv
import math
import re
from collections.abc import Iterable

from .trace import Arrival, Trace, TraceError

__all__ = ["read_csv"]

_HEAD = ["time_us", "source", "service_us"]
_NUMBER = re.compile(r"\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?", re.IGNORECASE)
#: What a number begins with, and is none yet.
_BEGUN = re.compile(r"\.?|(?:\d+\.?\d*|\.\d+)e[+-]?", re.IGNORECASE)


def read_csv(name: str, lines: Iterable[str]) -> Trace:
    """Read a table; the head line may be left out, lines that begin with ``#`` are comments.

    The recording names no CPU: sources are bound to CPU 0, 1, 2, ... in the order in which they
    appear. Arrivals need not be in the order of time.

    Raises
    ------
    TraceError
        With the line's number and what was expected; or if there is no interrupt. A last line
        without its end, with fewer columns or with the beginning of a number, is taken as cut
        off, passed over and counted.
    """
    arrivals: list[Arrival] = []
    cpus: dict[str, int] = {}
    truncated = 0
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        row = [cell.strip() for cell in next(csv.reader([text]))]
        if row == _HEAD and not arrivals:
            continue
        if not text.endswith("\n") and _cut_off(row):
            truncated = 1
            continue
        if len(row) < 3:
            raise TraceError(f"{name}:{number}: expected time_us,source,service_us, "
                             f"found {text.strip()!r}")
        try:
            time, service = float(row[0]), float(row[2])
        except ValueError:
            raise TraceError(f"{name}:{number}: expected numbers for time_us and service_us, "
                             f"found {text.strip()!r}") from None
        if len(row) > 3 or not row[1] or not (0 <= time < math.inf and 0 <= service < math.inf):
            raise TraceError(f"{name}:{number}: expected time_us,source,service_us with times "
                             f"of 0 or more, found {text.strip()!r}")
        cpu = cpus.setdefault(row[1], len(cpus))
        arrivals.append(Arrival(time, row[1], service, cpu))
    if not arrivals:
        raise TraceError(f"{name}: no interrupt in this table of time_us,source,service_us")
    remarks = ("last line is cut off: 1 line passed over",) if truncated else ()
    return Trace(name, tuple(sorted(arrivals, key=lambda a: a.time_us)), {}, remarks)


def _cut_off(row: list[str]) -> bool:
    """Whether the rest of a row is missing: columns, or the end of its last number."""
    return len(row) < 3 or (
        len(row) == 3 and _NUMBER.fullmatch(row[0]) is not None
        and _BEGUN.fullmatch(row[2]) is not None)
