"""Selections from start to commit, abort or end."""

from dataclasses import replace

from .core import Core
from .explain import describe
from .policy import Pick, Policy
from .records import AcceptResult, Err, Outcome, Sched, Trace
from .registers import ABORTS, COALESCED, GRANTS, PARKED, VCPU_ABORTS
from .selection import Choice, Selection, choose, exclusion, pick
from .views import LaneView

__all__ = ["Dispatcher"]

_REQX = 0x2000


class Dispatcher:
    """Start selections and carry out what the sinks answer (SEL-20..23).

    Parameters
    ----------
    core : Core
        State of the controller.

    Attributes
    ----------
    traces : list of Trace
        The explanation record of each grant, in their order (GEN-08).
    said : dict of int to (Choice, list)
        The last decision of each request, for `explain`.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.traces: list[Trace] = []
        self.said: dict[int, tuple[Choice, list[tuple[LaneView, AcceptResult]]]] = {}
        self.last_granted = core.params.pirqs - 1

    def choice(self, n: int) -> Choice:
        """What a selection of n that starts now would give."""
        core = self.core
        return choose(core.entry_view(n), core.lane_views(n), core.terms(n))

    def start(self, n: int) -> Selection:
        """Start the selection of n: its snapshot is the state now."""
        selection = Selection(self.choice(n))
        self.core.selection = selection
        self.said[n] = selection.choice, []
        return selection

    def explain(self, n: int) -> str:
        """The last decision of request n in words."""
        if n not in self.said:
            return f"PIRQ {n} was not selected yet."
        return describe(*self.said[n])

    def stale(self, selection: Selection, lane: LaneView) -> str:
        """Why an abort of this target would be legal now, or nothing."""
        if reason := self.lost(selection, lane):
            return reason
        if selection.eoi_written:
            return "an EOI register write is on its way"
        choice = selection.choice
        if not choice.entry.dynamic or choice.outcome == Outcome.ERROR:
            if selection.changed:
                return f"lanes {sorted(selection.changed)} changed"
            if selection.open_changed:
                return "the open ports changed"
        if choice.entry.dynamic:
            if lane.k in selection.changed:
                return f"lane {lane.k} changed"
            if choice.policy == Policy.PULL and lane.k in selection.grew:
                return f"the load of lane {lane.k} grew"
        return ""

    def lost(self, selection: Selection, lane: LaneView) -> str:
        """Which term that the first commit needs fails now (SEL-20), or nothing."""
        core, choice = self.core, selection.choice
        if reason := core.request_fault(selection.n):
            return reason
        if core.blocked(selection.n):
            return "ser=1 and an occurrence is in flight"
        if selection.entry_written:
            return "the entry was written since the start"
        if choice.outcome == Outcome.ERROR:
            return ""
        lanes = core.lane_views(selection.n)
        if not choice.entry.dynamic:
            entry = replace(core.entry_view(selection.n), dynamic=False)
            now = choose(entry, lanes, core.terms(selection.n))
            if now.outcome != Outcome.NONE:
                return f"it would end with {now.outcome.name} now ({now.why})"
            same = [t.v for t in now.targets] == [t.v for t in choice.targets]
            return "" if same else "its targets are others now"
        winner = next((x for x in lanes if x.v == lane.v and x.k == lane.k), None)
        if winner is None:
            return f"vCPU {lane.v} does not hold lane {lane.k} any more"
        if reason := exclusion(choice.entry, winner):
            return f"vCPU {lane.v} may not have it now ({reason})"
        if choice.policy == Policy.PULL and (
                winner.sched not in (Sched.RUNNING, Sched.BLOCKED)
                or winner.load >= choice.terms.depth):
            return f"vCPU {lane.v} has no room now"
        return ""

    def winner(self, selection: Selection) -> LaneView | None:
        """Winner among those of a dynamic selection that have not answered RETRY."""
        won = self._won(selection)
        return won.lane if won else None

    def _won(self, selection: Selection) -> Pick | None:
        return pick(selection.choice, selection.retried)

    def retries(self, selection: Selection, lane: LaneView) -> bool:
        """Whether this target answers RETRY (IOA-20)."""
        choice = selection.choice
        single = choice.entry.dynamic or len(choice.targets) == 1
        apic = self.core.vcpus[lane.v].apic
        return (single and self.core.control.retry_on_irr
                and bool(apic.irr >> choice.entry.vector & 1))

    def abort(self, selection: Selection, lane: LaneView) -> None:
        """The selection is lost at its commit: nothing is delivered (SEL-20)."""
        self._note(selection, lane, AcceptResult.ABORT)
        self.core.control.kept[ABORTS] += 1
        if selection.choice.outcome == Outcome.NONE:
            self.core.vcpus[lane.v].kept[VCPU_ABORTS] += 1
        self.core.selection = None

    def retry(self, selection: Selection, lane: LaneView) -> None:
        """A target answers RETRY; the next best is tried, or the selection ends."""
        self._note(selection, lane, AcceptResult.RETRY)
        selection.retried.add(lane.k)
        if not selection.choice.entry.dynamic or self.winner(selection) is None:
            self.core.selection = None

    def grant(self, selection: Selection, lane: LaneView) -> AcceptResult:
        """Commit one target of a grant; what became of it."""
        core, choice = self.core, selection.choice
        first = not selection.begun
        if first:
            self._begin(selection, lane)
        selection.left = [t for t in selection.left if t.v != lane.v]
        result = self._deliver(choice, lane, first)
        self._note(selection, lane, result)
        if result != AcceptResult.SKIP:
            core.vcpus[lane.v].kept[GRANTS] += 1
            core.requests[selection.n].last.append(lane.k)
        if not selection.left:
            core.selection = None
        return result

    def _begin(self, selection: Selection, lane: LaneView) -> None:
        core, choice, n = self.core, selection.choice, selection.n
        entry, request = choice.entry, core.requests[selection.n]
        selection.begun = True
        selection.left = [lane] if entry.dynamic else list(choice.targets)
        core.rouse(n)
        request.take()
        won = self._won(selection) if entry.dynamic else None
        if choice.unknown_policy or (won and won.unknown):
            core.log(Err.POLICY, _REQX + 4 * n, entry.dom)
        if won and won.learns:
            request.reqx = request.reqx & ~(0x3F << 16) | lane.k << 16 | 1 << 15
        if won and won.rotates:
            core.control.rrptr[entry.dom] = (lane.k + 1) % core.params.lanes
        self.last_granted = n
        head = lane if entry.dynamic else choice.targets[0]
        self.traces.append(Trace(
            n=n, kind=0 if entry.pin else 1,
            candidates=sum(1 << x.k for x in choice.candidates),
            eligible=sum(1 << x.k for x in choice.eligible), policy=choice.policy,
            key=won.key if won else 0, target=head.v,
            port=head.port or 0 if entry.evt else 0))

    def _deliver(self, choice: Choice, lane: LaneView, first: bool) -> AcceptResult:
        core, entry, vcpu = self.core, choice.entry, self.core.vcpus[lane.v]
        request = core.requests[entry.n]
        if not entry.evt:
            fresh = core.accept(vcpu, entry.vector, entry.level)
            core.control.kept[COALESCED] += not fresh
            request.last_port = None
            return AcceptResult.SET if fresh else AcceptResult.MERGED
        if not first and not self.open(choice, lane):
            return AcceptResult.SKIP
        port = core.events.group[entry.n][lane.k]
        core.events.fly(entry.n, lane.k)
        request.last_port = port
        fresh = core.events.set_pending(entry.dom, port, lane.k)
        return AcceptResult.SET if fresh else AcceptResult.MERGED

    def open(self, choice: Choice, lane: LaneView) -> bool:
        """Whether the port of this target is bound and not masked."""
        port = self.core.events.group[choice.entry.n].get(lane.k)
        return port is not None \
            and not self.core.events.domains[choice.entry.dom].mask >> port & 1

    def report(self, selection: Selection, lane: LaneView) -> None:
        """Tell one vCPU of an illegal vector (IOA-18)."""
        if not selection.begun:
            selection.begun, selection.left = True, list(selection.choice.targets)
        selection.left = [t for t in selection.left if t.v != lane.v]
        self._note(selection, lane, AcceptResult.RECVILL)
        self.core.vcpus[lane.v].apic.received_illegal()

    def end(self, selection: Selection) -> None:
        """The selection ends without a commit, as its choice says."""
        core, request = self.core, self.core.requests[selection.n]
        outcome = selection.choice.outcome
        if outcome == Outcome.PARK:
            core.control.kept[PARKED] += not request.parked
            request.parked, request.waiting = True, False
            core.resting.add(selection.n)
        elif outcome == Outcome.WAIT:
            request.parked, request.waiting = False, True
            core.resting.add(selection.n)
        else:
            core.rouse(selection.n)
        if outcome == Outcome.ERROR:
            request.err = True
            if not request.level:
                request.pend = False
        core.selection = None
        if not core.recorded:
            core.refresh()

    def _note(self, selection: Selection, lane: LaneView, result: AcceptResult) -> None:
        self.said[selection.n][1].append((lane, result))
