"""Kernel trace events to interrupts: pairs handlers, finds out when a CPU was idle."""

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .trace import Arrival, Trace, TraceError

__all__ = ["Event", "Line", "is_known", "read_events"]

_IRQ = re.compile(r"irq=(\d+) name=(.*\S)")
_RET = re.compile(r"irq=(\d+) (?:ret|return)=\w+")
_VECTOR = re.compile(r"vector=\d+")
_SWITCH = re.compile(r"prev_comm=(.*) prev_pid=(\d+) .*?==> "
                     r"next_comm=(.*) next_pid=(\d+)")
_SWITCH_SHORT = re.compile(r"(.*):(\d+) \[-?\d+\] \S+ ==> (.*):(\d+) \[-?\d+\]")
#: Between the actions of one shared line there is at most so much time.
_SHARED_US = 2.0
#: Events of irq_vectors are pairs ``<vector>_entry`` and ``<vector>_exit``.
_VECTORS = frozenset((
    "local_timer", "spurious_apic", "error_apic", "x86_platform_ipi", "irq_work", "reschedule",
    "call_function", "call_function_single", "threshold_apic", "deferred_error_apic",
    "thermal_apic"))
#: Events whose fields are read.
_KNOWN = frozenset(("irq_handler_entry", "irq_handler_exit", "sched_switch", *(
    f"{vector}_{side}" for vector in _VECTORS for side in ("entry", "exit"))))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a kernel trace."""

    cpu: int
    time_us: float
    name: str
    text: str


#: What a format's reader makes of one line: an event, None to pass over, or a raised ValueError
#: that says what was expected.
Line = Callable[[str], Event | None]


def is_known(name: str) -> bool:
    """Whether events of this name are read, others being passed over."""
    return name in _KNOWN


class _Handlers:
    """Pairs entry and exit of handlers, a stack for each CPU."""

    def __init__(self):
        self.arrivals: list[Arrival] = []
        self.orphans = 0
        self._open: dict[int, list[tuple[float, str, str]]] = defaultdict(list)
        self._last: dict[int, Arrival] = {}

    def entry(self, event: Event) -> None:
        found = _IRQ.match(event.text)
        if found is None:
            raise ValueError("irq=NUMBER name=NAME")
        irq = found[1]
        self._open[event.cpu].append((event.time_us, irq, f"{irq} {found[2]}"))

    def exit(self, event: Event) -> None:
        found = _RET.match(event.text)
        if found is None:
            raise ValueError("irq=NUMBER ret=handled|unhandled")
        stack = self._open[event.cpu]
        if not stack or stack[-1][1] != found[1]:
            self.orphans += 1
            return
        begin, irq, source = stack.pop()
        service = event.time_us - begin
        # The actions of a shared line follow each other at once: one interrupt, all their time.
        last = self._last.get(event.cpu)
        if (last is not None and last.source != source
                and last.source.split()[0] == irq
                and begin - last.time_us - last.service_us <= _SHARED_US):
            self.arrivals.remove(last)
            begin, source, service = last.time_us, last.source, event.time_us - last.time_us
        self._last[event.cpu] = Arrival(begin, source, service, event.cpu)
        self.arrivals.append(self._last[event.cpu])

    def finish(self) -> int:
        """Give handlers still open at the end the median time; how many there were."""
        known = [a.service_us for a in self.arrivals]
        usual = statistics.median(known) if known else 1.0
        unfinished = [(begin, source, cpu) for cpu, stack in self._open.items()
                      for begin, _, source in stack]
        self.arrivals += [Arrival(b, source, usual, cpu) for b, source, cpu in unfinished]
        return len(unfinished)


class _Tasks:
    """Per CPU, when it was not idle."""

    def __init__(self):
        # Per CPU: (time, pid of who leaves, pid of who comes).
        self._switches: dict[int, list[tuple[float, int, int]]] = defaultdict(list)
        self._idle: set[tuple[int, int]] = set()
        self._vectors: dict[int, list[tuple[float, bool]]] = defaultdict(list)

    def switch(self, event: Event) -> None:
        found = _SWITCH.search(event.text) or _SWITCH_SHORT.search(event.text)
        if found is None:
            raise ValueError("prev_comm=.. prev_pid=.. prev_state=.. ==> next_comm=.. next_pid=..")
        before, after = int(found[2]), int(found[4])
        self._switches[event.cpu].append((event.time_us, before, after))
        for pid, name in ((before, found[1]), (after, found[3])):
            if pid == 0 or name.strip().startswith(("swapper", "<idle>")):
                self._idle.add((event.cpu, pid))

    def vector(self, event: Event) -> None:
        if not _VECTOR.match(event.text):
            raise ValueError("vector=NUMBER")
        self._vectors[event.cpu].append((event.time_us, event.name.endswith("_entry")))

    @property
    def never_idle(self) -> tuple[int, ...]:
        """CPUs on which no idle task ever ran, or none is named as such."""
        return tuple(sorted(set(self._switches) - {cpu for cpu, _ in self._idle}))

    def busy(self, begin: float, end: float) -> dict[int, tuple[tuple[float, float], ...]]:
        """Busy intervals per CPU, all the time if it was never idle."""
        result = {}
        for cpu, switches in sorted(self._switches.items()):
            spans = [] if (cpu, switches[0][1]) in self._idle else [(begin, switches[0][0])]
            ends = [time for time, _, _ in switches[1:]] + [end]
            spans += [(time, until) for (time, _, after), until in zip(switches, ends, strict=True)
                      if (cpu, after) not in self._idle]
            opened = None
            for time, entry in self._vectors[cpu]:
                if entry:
                    opened = time
                elif opened is not None:
                    spans.append((opened, time))
                    opened = None
            result[cpu] = tuple(_join(spans))
        return result


def _join(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > begin:
            joined.append((begin, end))
    return joined


def read_events(name: str, lines: Iterable[str], line: Line) -> Trace:
    """Read a kernel trace.

    Parameters
    ----------
    name : str
        File, for messages.
    lines : iterable of str
        Its lines.
    line : Line
        Reader of one line of the format.

    Raises
    ------
    TraceError
        With the line's number and what was expected there; or if there is no interrupt. A last
        line that is wrong and has no end is taken as cut off, passed over and counted.
    """
    handlers, tasks, lost, truncated = _Handlers(), _Tasks(), 0, 0
    begin, end = math.inf, 0.0
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        if re.search(r"\[(LOST )?\d+ EVENTS( DROPPED)?\]", text):
            lost += 1
            continue
        try:
            event = line(text)
            if text[-1] != "\n" and text[0] != "#" and (
                    event is None or event.name == "irq_handler_entry"):
                raise ValueError("a whole line")
            if event is not None:
                _use(event, handlers, tasks)
                begin, end = min(begin, event.time_us), max(end, event.time_us)
        except ValueError as error:
            if text.endswith("\n"):
                raise TraceError(f"{name}:{number}: expected {error}, "
                                 f"found {text.strip()!r}") from None
            truncated = 1
    unfinished = handlers.finish()
    if not handlers.arrivals:
        raise TraceError(
            f"{name}: no interrupt in this trace; record irq:irq_handler_entry and "
            "irq:irq_handler_exit")
    busy = tasks.busy(begin, end)
    remarks = [text for text, true in (
        ("last line is cut off: 1 line passed over", truncated),
        (f"{lost} gaps where the recorder lost events", lost),
        (f"{handlers.orphans} handler exits without an entry", handlers.orphans),
        (f"{unfinished} handlers without an exit take the median time", unfinished),
    ) if true]
    arrivals = sorted(handlers.arrivals, key=lambda a: a.time_us)
    return Trace(name, tuple(arrivals), busy, tuple(remarks), never_idle=tasks.never_idle)


def _use(event: Event, handlers: _Handlers, tasks: _Tasks) -> None:
    if event.name == "irq_handler_entry":
        handlers.entry(event)
        return
    if event.name == "irq_handler_exit":
        handlers.exit(event)
        return
    if event.name == "sched_switch":
        tasks.switch(event)
    elif is_known(event.name):
        tasks.vector(event)
