"""Target selection: who may have a request, who is best, and why not the others."""

from dataclasses import dataclass, field

from .apic import matches
from .policy import Pick, Policy, in_force, name
from .records import Outcome, Sched
from .views import EntryView, LaneView, Terms

__all__ = ["Choice", "Selection", "choose", "exclusion", "pick"]

_OFFLINE = int(Sched.OFFLINE)
#: Bit of ALLOW for a scheduling state.
_ALLOW = {int(Sched.RUNNING): 0, int(Sched.RUNNABLE): 1, int(Sched.BLOCKED): 2}


@dataclass(slots=True)
class Choice:
    """What the snapshot of a selection's start gives.

    Parameters
    ----------
    entry, lanes, terms : EntryView, tuple of LaneView, Terms
        The snapshot itself.
    policy : int
        Policy in force; STATIC for a static request.
    unknown_policy : bool
        A reserved or unbuilt policy was asked for (ERR-07).
    excluded : dict of LaneView to str
        vCPUs of the domain that may not have it, with the reason.
    candidates, eligible : tuple of LaneView
        Destination-matched ones; those that may have it (static: the target set).
    targets : tuple of LaneView
        The winner, the static target set, or those to be told of an illegal vector.
    outcome : Outcome
        NONE if it is to be granted, else how it ends.
    why : str
        Reason of the outcome.
    """

    entry: EntryView
    lanes: tuple[LaneView, ...]
    terms: Terms
    policy: int
    unknown_policy: bool = False
    excluded: dict[LaneView, str] = field(default_factory=dict["LaneView", str])
    candidates: tuple[LaneView, ...] = ()
    eligible: tuple[LaneView, ...] = ()
    targets: tuple[LaneView, ...] = ()
    outcome: Outcome = Outcome.NONE
    why: str = ""


@dataclass(slots=True)
class Selection:
    """A selection under way: its choice, and what changed since its start."""

    choice: Choice
    entry_written: bool = False
    #: An EOI register write was decided: no grant commits until it has reached all (IOA-24).
    eoi_written: bool = False
    changed: set[int] = field(default_factory=set[int])
    grew: set[int] = field(default_factory=set[int])
    open_changed: bool = False
    begun: bool = False
    left: list[LaneView] = field(default_factory=list["LaneView"])
    retried: set[int] = field(default_factory=set[int])

    @property
    def n(self) -> int:
        """Number of the request."""
        return self.choice.entry.n

    @property
    def multi(self) -> bool:
        """A grant with several targets is between its first and its last commit."""
        return self.begun and bool(self.left)


def _unmatched(entry: EntryView, lane: LaneView) -> str:
    """Why a vCPU is no candidate (E1, E2, E3), or nothing."""
    if not entry.owned:
        return "the PIRQ has no owner"
    if not lane.online:
        return "offline (CTL.online=0)"
    if not matches(entry.dest, entry.logical, lane.id, lane.ldr, lane.dfr):
        return "not matched"
    if not lane.en:
        return "APIC disabled"
    if not lane.svr and not entry.evt:
        return "APIC disabled by software (SVR[8]=0)"
    return ""


def exclusion(entry: EntryView, lane: LaneView) -> str:
    """Why a vCPU is not eligible (SEL-03), or nothing."""
    return _unmatched(entry, lane) or _barred(entry, lane)


def _barred(entry: EntryView, lane: LaneView) -> str:
    """Why a candidate is not eligible, or nothing."""
    if lane.frozen:
        return "frozen"
    if entry.dynamic:
        if lane.sched == _OFFLINE:
            return "offline (SCHED)"
        if not entry.allow >> _ALLOW[lane.sched] & 1:
            return f"not allowed while {Sched(lane.sched).name.lower()}"
    if entry.evt:
        if lane.port is None:
            return "no port bound"
        if lane.masked:
            return f"port {lane.port} masked"
        if entry.dynamic and lane.infl:
            return "in flight there"
    return ""


def pick(choice: Choice, without: set[int]) -> Pick | None:
    """Whom the policy names among the eligible lanes that are not in `without`."""
    lanes = [lane for lane in choice.eligible if lane.k not in without]
    return name(Policy(choice.policy), lanes, choice.entry, choice.terms)


def choose(entry: EntryView, lanes: tuple[LaneView, ...], terms: Terms) -> Choice:
    """Decide a request on a snapshot (SEL-02..04, 4.2, IOA-18, IOA-21)."""
    policy, unknown = Policy.STATIC, False
    if entry.dynamic:
        policy, unknown = in_force(entry.policy, terms)
    if entry.mode not in (0, 1):
        return Choice(entry, lanes, terms, policy, outcome=Outcome.ERROR,
                      why=f"delivery mode {entry.mode} is reserved or not built")
    if entry.evt and entry.ser and entry.infl:
        return Choice(entry, lanes, terms, policy, outcome=Outcome.BLOCKED,
                      why="ser=1 and an occurrence is in flight")
    excluded: dict[LaneView, str] = {}
    matched: list[LaneView] = []
    fit: list[LaneView] = []
    for lane in lanes:
        reason = _unmatched(entry, lane)
        if not reason:
            matched.append(lane)
            reason = _barred(entry, lane)
            if not reason:
                fit.append(lane)
                continue
        excluded[lane] = reason
    candidates, eligible = tuple(matched), tuple(fit)
    frozen = [lane for lane in candidates if lane.frozen]
    outcome, why, targets = Outcome.NONE, "", eligible
    if not entry.dynamic:
        if entry.mode == 1 and eligible:
            eligible = targets = (min(eligible, key=lambda lane: lane.v),)
        if frozen:
            outcome, why = Outcome.PARK, f"vCPU {frozen[0].v}, which it names, is frozen"
    if not eligible:
        outcome, why = Outcome.PARK, "nobody may have it"
    choice = Choice(entry, lanes, terms, policy, unknown, excluded, candidates, eligible, targets,
                    outcome, why)
    if outcome == Outcome.NONE and entry.dynamic:
        winner = pick(choice, set())
        if winner is None:
            outcome, why = Outcome.WAIT, "nobody who may have it has room"
        targets = (winner.lane,) if winner else ()
    if outcome == Outcome.NONE and not entry.evt \
            and (entry.vector < 16 or entry.vector >= terms.vectors):
        outcome, why = Outcome.ERROR, f"vector {entry.vector:#x} is illegal"
        targets = tuple(lane for lane in candidates if not lane.frozen)
    return Choice(entry, lanes, terms, policy, unknown, excluded, candidates, eligible, targets,
                  outcome, why)
