"""Pairs entry and exit of interrupt handlers, CPU by CPU, and never across a gap."""

import statistics
from collections import Counter
from collections.abc import Iterator

from .columns import Columns
from .summary import Gap, Remark
from .words import counted

__all__ = ["LONGEST_NS", "Handlers", "Lane", "Malformed"]

#: Between the actions of one shared line there is at most so much time.
_SHARED_NS = 2000
#: What a handler without an exit takes if no handler's time was measured.
_ASSUMED_NS = 1000
#: The longest service time, some 11 days: longer ones are mistakes, which no run could simulate.
LONGEST_NS = 10**15
#: Handlers that run inside each other on one CPU; with more, the outermost has lost its exit.
_DEEPEST = 64


class Malformed(ValueError):
    """A line looks like an interrupt and cannot be read.

    Parameters
    ----------
    expected : str
        What was expected.
    token : bytes
        The part of the line that is wrong, to find its column; empty if it is not one part.
    """

    def __init__(self, expected: str, token: bytes = b""):
        super().__init__(expected)
        self.token = token


class Lane:
    """Handlers of one CPU.

    Parameters
    ----------
    cpu : int
        Its number.
    columns : Columns
        Where interrupts go.
    """

    def __init__(self, cpu: int, columns: Columns):
        self.cpu, self._columns = cpu, columns
        #: Handlers that run, innermost last: (time, line, source).
        self._open: list[tuple[int, int, int]] = []
        #: Handlers whose exit is not in the recording: (time, source).
        self.unfinished: list[tuple[int, int]] = []
        #: The interrupt that ended last: (place, line, source, begin, end).
        self._last: tuple[int, int, int, int, int] | None = None
        self.orphans = self.backwards = self.gaps = self.lost = 0

    def entry(self, time: int, line: int, source: int) -> None:
        """A handler of a line begins. One of the same line that still runs has lost its exit."""
        if self._open and any(line == other for _, other, _ in self._open):
            self._inner(line)
            self._pop()
        elif len(self._open) == _DEEPEST:
            oldest = self._open.pop(0)
            self.unfinished.append((oldest[0], oldest[2]))
        self._open.append((time, line, source))

    def exit(self, time: int, line: int) -> None:
        """The innermost handler of a line ends; those inside it have lost their exits."""
        if not self._open or (self._open[-1][1] != line and not self._inner(line)):
            self.orphans += 1
            return
        begin, _, source = self._open.pop()
        if time < begin:
            self.backwards += 1
            self.unfinished.append((begin, source))
            return
        if time - begin > LONGEST_NS:
            raise Malformed("a handler that takes less than 11 days")
        last = self._last
        # The actions of a shared line follow each other at once: one interrupt, all their time.
        if (last is not None and last[1] == line and last[2] != source
                and last[4] <= begin <= last[4] + _SHARED_NS):
            place, _, source, begin, _ = last
            self._columns.prolong(place, time - begin)
        else:
            place = self._columns.add(begin, source, time - begin, self.cpu)
        self._last = (place, line, source, begin, time)

    def gap(self, lost: int = 0) -> None:
        """The recorder lost events: what runs now has no exit, what ended has no successor."""
        self.gaps += 1
        self.lost += lost
        self.close()

    def close(self) -> None:
        """Handlers that run have no exit."""
        self.unfinished += [(begin, source) for begin, _, source in self._open]
        self._open.clear()
        self._last = None

    def _inner(self, line: int) -> bool:
        """Close handlers inside the innermost one of a line; False if there is none."""
        if not any(line == other for _, other, _ in self._open):
            return False
        while self._open[-1][1] != line:
            self._pop()
        return True

    def _pop(self) -> None:
        """Close the innermost handler, whose exit is missing."""
        begin, _, source = self._open.pop()
        self.unfinished.append((begin, source))


class Handlers:
    """Lanes of all CPUs, and what is known at the end."""

    def __init__(self, columns: Columns | None = None):
        self.columns = Columns() if columns is None else columns
        self.lanes: dict[int, Lane] = {}
        self._gaps = Counter()

    def lane(self, cpu: int) -> Lane:
        """The lane of a CPU."""
        if cpu not in self.lanes:
            self.lanes[cpu] = Lane(cpu, self.columns)
        return self.lanes[cpu]

    def gap(self, cpu: int | None, lost: int) -> None:
        """Events of a CPU were lost, or of nobody knows which."""
        if cpu is not None:
            self.lane(cpu).gap(lost)
            return
        self._gaps += Counter(gaps=1, lost=lost)
        for lane in self.lanes.values():
            lane.close()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Gaps by CPU."""
        known = [Gap(cpu, lane.gaps, lane.lost)
                 for cpu, lane in sorted(self.lanes.items()) if lane.gaps]
        unknown = [Gap(None, self._gaps["gaps"], self._gaps["lost"])] if self._gaps["gaps"] else []
        return (*known, *unknown)

    def finish(self) -> tuple[Remark, ...]:
        """Give handlers without an exit a service time; what there is to remark."""
        return tuple(self._finish())

    def _finish(self) -> Iterator[Remark]:
        lanes = self.lanes.values()
        for lane in lanes:
            lane.close()
        gaps = sum(gap.count for gap in self.gaps)
        if gaps:
            yield Remark("gap", gaps, f"{counted(gaps, 'gap')} where the recorder lost events")
        orphans = sum(lane.orphans for lane in lanes)
        if orphans:
            yield Remark("exit_without_entry", orphans,
                         f"{counted(orphans, 'handler exit')} without an entry")
        backwards = sum(lane.backwards for lane in lanes)
        if backwards:
            yield Remark("exit_before_entry", backwards,
                         f"{counted(backwards, 'handler exit')} before the entry")
        unfinished = sum(len(lane.unfinished) for lane in lanes)
        if not unfinished:
            return
        measured = len(self.columns)
        usual = round(statistics.median(self.columns.service)) if measured else _ASSUMED_NS
        for lane in lanes:
            for begin, source in lane.unfinished:
                self.columns.add(begin, source, usual, lane.cpu, False)
        what = counted(unfinished, "handler") + " without an exit " + (
            "takes" if unfinished == 1 else "take")
        if measured:
            yield Remark("no_exit_median", unfinished, f"{what} the median time")
        else:
            yield Remark("no_exit_assumed", unfinished,
                         f"{what} 1 us, an assumption: no handler's time was measured")
