"""A recorded interrupt load: what arrived, when, from where, and how long its handler took."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .summary import Summary

__all__ = ["Arrival", "Trace", "TraceError", "densest"]


class TraceError(ValueError):
    """A recording that cannot be read; the message names file, line and what was expected."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One recorded interrupt.

    Parameters
    ----------
    time_us : float
        When its handler was entered in the recording, from the origin of the trace.
    source : str
        Who raised it, as ``36 virtio1-req.0``.
    service_us : float
        How long the handler took.
    cpu : int
        The CPU that took it.
    """

    time_us: float
    source: str
    service_us: float
    cpu: int


@dataclass(frozen=True)
class Trace:
    """Arrivals in the order of time, and what else the recording tells.

    Parameters
    ----------
    name : str
        File, for messages.
    arrivals : tuple of Arrival
        In the order of time.
    busy : mapping of int to tuple of (float, float)
        Per CPU the intervals in which it was not idle; empty if the recording has no switches
        of tasks.
    remarks : tuple of str
        What the reader passed over or guessed, in words.
    start_us : float
        Time that the intervals and arrivals count from, after the origin.
    never_idle : tuple of int
        CPUs whose switches name no idle task; they count as busy all the time.
    origin_ns : int
        The recording's own time that `start_us` counts from: an integer, since a float has no
        nanoseconds at the times of a wall clock.
    summary : Summary or None
        What was read of the whole file; None for a trace that was made otherwise.
    """

    name: str
    arrivals: tuple[Arrival, ...]
    busy: Mapping[int, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    start_us: float = 0.0
    never_idle: tuple[int, ...] = ()
    origin_ns: int = 0
    summary: Summary | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources in the order of their share, the busiest first."""
        counts = Counter(a.source for a in self.arrivals)
        return tuple(sorted(counts, key=lambda s: (-counts[s], s)))

    @property
    def seconds(self) -> float:
        """Time from the first to the last arrival."""
        if not self.arrivals:
            return 0.0
        return (self.arrivals[-1].time_us - self.arrivals[0].time_us) / 1e6

    @property
    def start_ns(self) -> int:
        """Time that the arrivals count from, in the recording's own time."""
        return self.origin_ns + round(self.start_us * 1000)

    def home(self, source: str) -> int:
        """CPU that took most interrupts of a source: what the recording had it bound to."""
        cpus = Counter(a.cpu for a in self.arrivals if a.source == source)
        return min(cpus, key=lambda cpu: (-cpus[cpu], cpu))

    def cut(self, first: int, last: int) -> "Trace":
        """Arrivals number `first` up to but not including `last`, with times from the first."""
        zero = self.arrivals[first].time_us
        end = self.arrivals[last - 1].time_us
        busy = {cpu: tuple((max(a, zero) - zero, b - zero) for a, b in spans
                           if b > zero and a <= end)
                for cpu, spans in self.busy.items()}
        arrivals = tuple(replace(a, time_us=a.time_us - zero)
                         for a in self.arrivals[first:last])
        return replace(self, arrivals=arrivals, busy=busy, start_us=self.start_us + zero)

    def compress(self, load: float) -> "Trace":
        """The same arrivals `load` times as fast; service times stay."""
        return replace(
            self,
            arrivals=tuple(replace(a, time_us=a.time_us / load) for a in self.arrivals),
            busy={cpu: tuple((a / load, b / load) for a, b in spans)
                  for cpu, spans in self.busy.items()})


def densest(trace: Trace, *, count: int | None = None, us: float | None = None) -> Trace:
    """The busiest part of a trace, the earliest of equals; always the same for the same trace.

    Parameters
    ----------
    trace : Trace
        Where to look.
    count : int, optional
        So many successive arrivals in the least time.
    us : float, optional
        The most arrivals in so much time; at least one, and those at the same time.
    """
    times = [a.time_us for a in trace.arrivals]
    if count is not None:
        count = min(count, len(times))
        first = min(range(len(times) - count + 1),
                    key=lambda i: (times[i + count - 1] - times[i], i))
        return trace.cut(first, first + count)
    assert us is not None
    spans = [(max(bisect_left(times, t + us), bisect_right(times, t)) - i, -i)
             for i, t in enumerate(times)]
    number, first = max(spans)
    return trace.cut(-first, -first + number)
