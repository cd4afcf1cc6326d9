"""Interrupts as columns: integers of nanoseconds, some twenty bytes for each."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .summary import SourceCount

__all__ = ["MOST_NS", "Columns", "Interrupt"]

#: Times and service times are below this: 64 bits with a sign, 292 years.
MOST_NS = (1 << 63) - 1


class Interrupt(NamedTuple):
    """One interrupt as it was read.

    Parameters
    ----------
    time_ns : int
        When its handler was entered, in the recording's own time.
    source : str
        Who raised it.
    service_ns : int
        How long the handler took.
    cpu : int
        The CPU that took it.
    exact : bool
        Whether the service time was measured, and not guessed.
    """

    time_ns: int
    source: str
    service_ns: int
    cpu: int
    exact: bool


class Columns:
    """Interrupts in the order in which their handlers ended."""

    def __init__(self):
        self.time, self.service = array("q"), array("q")
        self.source, self.cpu, self.exact = array("l"), array("l"), bytearray()
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.time)

    def number(self, name: str) -> int:
        """The number of a source; new names get the next one."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found

    def add(self, time: int, source: int, service: int, cpu: int, exact: bool = True) -> int:
        """Add an interrupt; its place."""
        self.time.append(time)
        self.source.append(source)
        self.service.append(service)
        self.cpu.append(cpu)
        self.exact.append(exact)
        return len(self.exact) - 1

    def prolong(self, place: int, service: int) -> None:
        """Another service time for the interrupt at a place."""
        self.service[place] = service

    @property
    def order(self) -> list[int]:
        """Places in the order of time."""
        return sorted(range(len(self)), key=self.time.__getitem__)

    def interrupts(self) -> Iterator[Interrupt]:
        """All of them in the order of time."""
        for i in self.order:
            yield Interrupt(self.time[i], self.names[self.source[i]], self.service[i],
                            self.cpu[i], bool(self.exact[i]))

    def homes(self) -> dict[str, tuple[int, ...]]:
        """CPUs that took interrupts of each source, in ascending order."""
        cpus: dict[int, set[int]] = defaultdict(set)
        for source, cpu in set(zip(self.source, self.cpu, strict=True)):
            cpus[source].add(cpu)
        return {self.names[source]: tuple(sorted(found)) for source, found in cpus.items()}

    def services(self) -> dict[str, tuple[int, int, int]]:
        """Measured service times of each source that has any: least, middle one, most."""
        times: dict[int, array] = defaultdict(lambda: array("q"))
        for source, exact, service in zip(self.source, self.exact, self.service, strict=True):
            if exact:
                times[source].append(service)
        ascending = {self.names[source]: sorted(found) for source, found in times.items()}
        return {name: (found[0], found[len(found) // 2], found[-1])
                for name, found in ascending.items()}

    def counts(self) -> tuple[SourceCount, ...]:
        """Sources with their numbers, the busiest first."""
        seconds = (max(self.time) - min(self.time)) / 1e9
        rows = [(-count, self.names[source]) for source, count in Counter(self.source).items()]
        return tuple(SourceCount(name, -count, -count / seconds if seconds else None)
                     for count, name in sorted(rows))
