"""The policies of target selection, as plain functions (spec 4.2)."""

from dataclasses import dataclass
from enum import IntEnum

from .records import Sched
from .registers import LPCFG, POLICY, RQPOS, SCHEDRANK
from .views import EntryView, LaneView, Terms

__all__ = ["Pick", "Policy", "in_force", "key", "name", "rotates"]

_RUNNING, _RUNNABLE, _BLOCKED = int(Sched.RUNNING), int(Sched.RUNNABLE), int(Sched.BLOCKED)


class Policy(IntEnum):
    """Policies of this feature set; STATIC stands in explanations only."""

    LOWPRI = 0
    RR = 1
    LEAST = 2
    RUNFIRST = 3
    STICKY = 4
    PULL = 6
    STATIC = 16


@dataclass(slots=True)
class Pick:
    """Whom a policy names.

    Parameters
    ----------
    lane : LaneView
        The winner.
    key : int
        Its key, as the explanation shows it.
    rotates : bool
        The grant moves RRPTR (SEL-11).
    unknown : bool
        STICKY fell back to a policy that is not there (ERR-07).
    learns : bool
        The winner becomes the hint, if the entry learns (SEL-13).
    """

    lane: LaneView
    key: int
    rotates: bool
    unknown: bool = False
    learns: bool = False


def in_force(asked: int, terms: Terms) -> tuple[Policy, bool]:
    """Policy of a request that asks for `asked`, and whether it stands in for one not there."""
    number = terms.kept[POLICY] & 0xF if asked == 0xF else asked
    return _known(number, terms)


def _known(number: int, terms: Terms) -> tuple[Policy, bool]:
    for policy in Policy:
        if policy == number and policy.name.lower() in terms.built:
            return policy, False
    return Policy.LOWPRI, True


def rotates(policy: Policy, terms: Terms) -> bool:
    """Ties go by rotation and the pointer moves (SEL-11)."""
    return not terms.kept[LPCFG] & 8 or policy == Policy.RR


def key(policy: Policy, lane: LaneView, terms: Terms) -> int:
    """Key of a lane; the smallest wins."""
    if policy == Policy.LOWPRI:
        return (lane.tpr, lane.ppr, lane.apr, lane.apr)[terms.kept[LPCFG] & 3]
    if policy in (Policy.LEAST, Policy.PULL, Policy.STICKY):
        return lane.load
    if policy == Policy.RUNFIRST:
        rank = terms.kept[SCHEDRANK] >> 2 * lane.sched & 3
        place = lane.kept[RQPOS] if lane.sched == _RUNNABLE else 0
        return rank << 16 | place << 8 | lane.load
    return 0


def name(policy: Policy, lanes: list[LaneView], entry: EntryView, terms: Terms) -> Pick | None:
    """Whom the policy in force names among the lanes that may have the request."""
    if policy == Policy.STICKY:
        return _sticky(lanes, entry, terms)
    if policy == Policy.PULL:
        lanes = _pullable(lanes, terms)
    winner = _best(policy, lanes, terms)
    return winner and Pick(winner, key(policy, winner, terms), rotates(policy, terms))


def _sticky(lanes: list[LaneView], entry: EntryView, terms: Terms) -> Pick | None:
    """The hint if it is not much more loaded than the least loaded, else the fallback (SEL-13)."""
    least = min((lane.load for lane in lanes), default=0)
    for lane in lanes:
        if lane.k == entry.hint and lane.load <= least + entry.slack:
            return Pick(lane, lane.load, rotates(Policy.STICKY, terms))
    number, policy, unknown = terms.kept[POLICY] >> 4, Policy.LOWPRI, False
    if number not in (Policy.STICKY, Policy.PULL):
        policy, unknown = _known(number, terms)
    won = name(policy, lanes, entry, terms)
    if won:
        won.unknown, won.learns = unknown, entry.learn
    return won


def _best(policy: Policy, lanes: list[LaneView], terms: Terms) -> LaneView | None:
    """Smallest key; ties by rotation or the smallest v (SEL-11)."""
    turns = rotates(policy, terms)

    def order(lane: LaneView) -> tuple[int, int]:
        tie = (lane.k - terms.rrptr) % terms.lanes if turns else lane.v
        return key(policy, lane, terms), tie

    return min(lanes, key=order, default=None)


def _pullable(lanes: list[LaneView], terms: Terms) -> list[LaneView]:
    """Eligible vCPUs that PULL may choose from (SEL-16)."""
    room = [lane for lane in lanes if lane.sched == _RUNNING and lane.load < terms.depth]
    if room:
        return room
    if terms.wake or all(lane.sched != _RUNNING for lane in lanes):
        return [lane for lane in lanes if lane.sched == _BLOCKED and lane.load < terms.depth]
    return []
