"""The books of one run: what happened to each interrupt, seen from outside the controller."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vapic.layouts import Policy, SchedState

from ..traces.trace import Arrival
from ..world.world import World

__all__ = ["Edge", "Grant", "Lane", "Ledger"]

#: Cycles from the change of a pin to the first cycle in which the record of a grant can be seen
#: that the edge still merged into; the same from the acknowledge of a message.
_PIN_TO_GRANT, _MESSAGE_TO_GRANT = 6, 1


@dataclass(slots=True)
class Edge:
    """One arrival at the controller.

    Parameters
    ----------
    index : int
        Place in the trace, from 0.
    n : int
        Interrupt number.
    cycle : int
        When the line rose, or the message was issued.
    free : bool
        Nothing of the same source was under way, and a vCPU could take it at once.
    why : str
        If not free, what it had to wait for.
    latched : float
        A grant that is seen in this cycle or later serves it too.
    """

    index: int
    n: int
    cycle: int
    free: bool
    why: str
    latched: float


@dataclass(frozen=True, slots=True)
class Lane:
    """A driver vCPU when a grant was seen.

    Parameters
    ----------
    words : str
        State and work, in words.
    sched : SchedState
        By the VMM's last write.
    load : int
        Its load (SEL-10), as known from outside.
    """

    words: str
    sched: SchedState
    load: int


@dataclass(slots=True)
class Grant:
    """One grant, from its trace record.

    Parameters
    ----------
    record : dict
        The record's fields.
    cycle : int
        In which it was seen.
    edges : list of Edge
        Occurrences it serves: the oldest, and those merged into it.
    lanes : list of Lane
        Each driver vCPU then, without this grant.
    start, end : int
        Cycles of handler start and PIRQ EOI; 0 before.
    """

    record: dict[str, int]
    cycle: int
    edges: list[Edge]
    lanes: list[Lane]
    start: int = 0
    end: int = 0


class Ledger:
    """Follows interrupts from the line to the end of their handler.

    Parameters
    ----------
    world : World
        Time and outputs.
    arrivals : sequence of Arrival
        Of the trace.
    clock_hz : float
        For service times.
    vcpus : int
        vCPUs of the driver domain; they are v = 0 .. vcpus-1.
    policy : Policy
        In force for all sources.

    Attributes
    ----------
    edges : list of Edge
        All so far.
    grants : list of Grant
        All so far.
    raised : int
        Rises of ``irq[v]`` of driver vCPUs.
    wakes : int
        Pulses of ``wake[v]`` of driver vCPUs.
    """

    def __init__(self, world: World, arrivals: Sequence[Arrival], *, clock_hz: float, vcpus: int,
                 policy: Policy):
        self._world, self._arrivals, self._policy = world, arrivals, policy
        self._cycles_per_us = clock_hz / 1e6
        self._driver = (1 << vcpus) - 1
        self.sched = [SchedState.OFFLINE] * vcpus
        self._irq = 0
        # Per vCPU and n. The grant after a PIRQ EOI may come before its writer knows of the end.
        self._inflight: list[dict[int, deque[Grant]]] = [{} for _ in range(vcpus)]
        self._waiting: dict[int, deque[Edge]] = {}
        self._last: dict[int, Grant] = {}
        self._working: Callable[[int], bool] = lambda v: False
        self.edges: list[Edge] = []
        self.grants: list[Grant] = []
        self.raised = self.wakes = 0

    def attach(self, working: Callable[[int], bool]) -> None:
        """Set the function that tells whether vCPU v is between an interrupt and its EOI."""
        self._working = working

    @property
    def started(self) -> list[Grant]:
        """Grants whose handler has started."""
        return [g for g in self.grants if g.start]

    @property
    def settled(self) -> bool:
        """Whether every arrival so far was granted and its handler has ended."""
        return not any(self._waiting.values()) and not any(self._inflight)

    def edge(self, index: int, n: int) -> Edge:
        """Line n rises in this cycle."""
        now, why = self._world.now, self._obstacle(n)
        edge = Edge(index, n, now, not why, why, now + _PIN_TO_GRANT)
        self.edges.append(edge)
        self._waiting.setdefault(n, deque()).append(edge)
        return edge

    def message(self, index: int, n: int) -> Edge:
        """A message of source n is issued in this cycle; `acknowledged` must follow."""
        edge = self.edge(index, n)
        edge.latched = math.inf
        return edge

    def acknowledged(self, edge: Edge) -> None:
        """The write of a message has ended in this cycle."""
        edge.latched = self._world.now + _MESSAGE_TO_GRANT
        last = self._last.get(edge.n)
        if last is not None and last.cycle >= edge.latched:
            self._waiting[edge.n].remove(edge)
            last.edges.append(edge)

    def watch(self) -> None:
        """Look at the outputs of this cycle; to be called every clock edge."""
        world = self._world
        if world.events.grant is not None:
            self._grant(dict(world.events.grant))
        if world.irq != self._irq:
            self.raised += (world.irq & ~self._irq & self._driver).bit_count()
            self._irq = world.irq
        if world.wake:
            self.wakes += (world.wake & self._driver).bit_count()

    def sched_written(self, v: int, state: SchedState) -> None:
        """The VMM has written the scheduling state of vCPU v."""
        if v < len(self.sched):
            self.sched[v] = state

    def start(self, n: int, v: int) -> int:
        """The handler of n starts on vCPU v; its service time in cycles."""
        grant = next((g for g in self._inflight[v].get(n, ()) if not g.start), None)
        if grant is None:
            raise RuntimeError(f"vCPU {v} was told of interrupt {n} without a grant of it")
        grant.start = self._world.now
        service = self._arrivals[grant.edges[0].index].service_us
        return max(1, round(service * self._cycles_per_us))

    def finish(self, n: int, v: int) -> None:
        """The handler of n on vCPU v has written PIRQ EOI."""
        grants = self._inflight[v][n]
        grants.popleft().end = self._world.now
        if not grants:
            del self._inflight[v][n]

    def _grant(self, record: dict[str, int]) -> None:
        n, v, now = record["n"], record["target"], self._world.now
        waiting = self._waiting.get(n) or deque()
        edges = []
        while waiting and waiting[0].latched <= now:
            edges.append(waiting.popleft())
        if not edges:
            raise RuntimeError(f"grant of interrupt {n} in cycle {now} without an arrival")
        grant = Grant(record, now, edges, [
            Lane(self._words(v), self.sched[v], self._load(v)) for v in range(len(self.sched))])
        self._last[n] = grant
        self._inflight[v].setdefault(n, deque()).append(grant)
        self.grants.append(grant)

    def _load(self, v: int) -> int:
        """Work on vCPU v, in flight or by its vLAPIC (SEL-10), as known from outside."""
        return len(self._inflight[v]) + bool(self._working(v) or self._world.irq >> v & 1)

    def _obstacle(self, n: int) -> str:
        """Why an arrival of n cannot be granted at once; empty if it can."""
        if self._waiting.get(n):
            return "an earlier one of this source had not been granted yet"
        if any(n in flight for flight in self._inflight):
            return "an earlier one of this source was still being handled"
        if self._policy != Policy.PULL:
            return ""
        lanes = range(len(self.sched))
        if any(self.sched[v] == SchedState.RUNNING and not self._load(v) for v in lanes):
            return ""
        if (not any(self.sched[v] == SchedState.RUNNING for v in lanes)
                and any(self.sched[v] == SchedState.BLOCKED and not self._load(v) for v in lanes)):
            return ""
        return "no running vCPU had room"

    def _words(self, v: int) -> str:
        state = self.sched[v].name.lower()
        load = [f"{len(self._inflight[v])} in flight"] if self._inflight[v] else []
        if self._working(v):
            load.append("in its handler")
        elif self._irq >> v & 1:
            load.append("called, not yet answering")
        return f"{state}, {', '.join(load) or 'no work'}"

    def handled_by(self) -> list[int]:
        """How many handlers started on each vCPU."""
        counts = [0] * len(self.sched)
        for grant in self.started:
            counts[grant.record["target"]] += 1
        return counts

