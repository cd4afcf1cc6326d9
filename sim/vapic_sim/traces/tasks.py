"""When a CPU was busy, by the switches of its tasks and the vectors that came out of idle."""

import re
from array import array
from collections.abc import Iterable

__all__ = ["Cpu", "Tasks"]

Spans = tuple[tuple[int, int], ...]

#: Forms in which kernels and tools print a switch: comm and pid of who leaves and who comes.
_LONG = re.compile(rb"prev_comm=(.*?) prev_pid=(\d{1,10}) .*?next_comm=(.*) next_pid=(\d{1,10})\b")
_SHORT = re.compile(rb"(.*):(\d{1,10}) \[-?\d+\] \S+ ==> (.*):(\d{1,10}) \[-?\d+\]")
_IDLE = (b"swapper", b"<idle>")
#: Longer texts are no switches: names of tasks are short.
_LONGEST = 1000


class Cpu:
    """Switches and vectors of one CPU."""

    def __init__(self):
        self.times, self._pids, self._vectors = array("q"), array("q"), array("q")
        self._first: int | None = None
        self._opened: int | None = None
        #: Pids of idle tasks.
        self.idle: set[int] = set()

    def switch(self, time: int, text: bytes) -> bool:
        """A switch, in any form that is understood; False if it is in none."""
        if len(text) > _LONGEST:
            return False
        found = _LONG.search(text) or _SHORT.match(text.strip())
        if found is None:
            return False
        leaves, before, comes, after = found.groups()
        before, after = int(before), int(after)
        if not before or leaves.strip().startswith(_IDLE):
            self.idle.add(before)
        if not after or comes.strip().startswith(_IDLE):
            self.idle.add(after)
        if self._first is None:
            self._first = before
        self.times.append(time)
        self._pids.append(after)
        return True

    def vector(self, time: int, entry: bool) -> None:
        """A vector's handler begins or ends."""
        if entry:
            self._opened = time
        elif self._opened is not None:
            self._vectors.extend((self._opened, time))
            self._opened = None

    def busy(self, begin: int, end: int) -> Spans:
        """Busy intervals, all the time if it was never idle."""
        times, pids, idle = self.times, self._pids, self.idle
        spans = [] if self._first in idle else [(begin, times[0])]
        spans += [(time, times[i + 1] if i + 1 < len(times) else end)
                  for i, time in enumerate(times) if pids[i] not in idle]
        spans += zip(self._vectors[::2], self._vectors[1::2], strict=True)
        return tuple(_join(spans))


class Tasks:
    """All CPUs by number."""

    def __init__(self):
        self._cpus: dict[int, Cpu] = {}

    def cpu(self, number: int) -> Cpu:
        """One CPU."""
        return self._cpus.setdefault(number, Cpu())

    @property
    def never_idle(self) -> tuple[int, ...]:
        """CPUs on which no idle task ever ran, or none is named as such."""
        return tuple(sorted(number for number, cpu in self._cpus.items()
                            if cpu.times and not cpu.idle))

    def busy(self, begin: int, end: int) -> dict[int, Spans]:
        """Busy intervals per CPU that has switches."""
        return {number: cpu.busy(begin, end)
                for number, cpu in sorted(self._cpus.items()) if cpu.times}


def _join(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > begin:
            joined.append((begin, end))
    return joined
