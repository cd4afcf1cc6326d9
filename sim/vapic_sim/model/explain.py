"""Decisions in words."""

from .policy import Policy, key, rotates
from .records import AcceptResult, Outcome
from .registers import LPCFG
from .selection import Choice
from .views import LaneView

__all__ = ["describe"]

_METRIC = ("TPR", "PPR", "APR", "APR")


def _names(lanes: tuple[LaneView, ...]) -> str:
    return ", ".join(str(lane.v) for lane in lanes) or "none"


def _policy(choice: Choice) -> str:
    if choice.policy == Policy.STATIC:
        return "static: all named" if choice.entry.mode == 0 else "static: the lowest number"
    policy, terms = Policy(choice.policy), choice.terms
    name = policy.name
    if choice.policy == Policy.LOWPRI:
        name += f" by {_METRIC[terms.kept[LPCFG] & 3]}"
    if choice.policy == Policy.STICKY:
        name += f" with hint {choice.entry.hint}, slack {choice.entry.slack}"
    if choice.policy == Policy.PULL:
        name += f" with depth {terms.depth}"
    if choice.unknown_policy:
        name += " (in place of a policy that is not there)"
    tie = f"rotation from lane {terms.rrptr}" if rotates(policy, terms) else "lowest number"
    keys = ", ".join(f"{key(policy, lane, terms):#x} for {lane.v}" for lane in choice.eligible)
    return f"policy {name}, keys {keys or 'none'}, ties by {tie}"


def describe(choice: Choice, results: list[tuple[LaneView, AcceptResult]]) -> str:
    """One paragraph of a decision: candidates, who was excluded and why, policy, winner.

    Parameters
    ----------
    choice : Choice
        What the snapshot gave.
    results : list of (LaneView, AcceptResult)
        What the targets answered.
    """
    entry = choice.entry
    source = f"pin {entry.n}" if entry.pin else f"MSI entry (PIRQ {entry.n})"
    path = "event channels" if entry.evt else f"vector {entry.vector:#x}"
    words = [f"{source}, {path}, domain {entry.dom}: candidates {_names(choice.candidates)}"]
    if choice.excluded:
        words.append("excluded " + ", ".join(
            f"{lane.v} ({reason})" for lane, reason in choice.excluded.items()))
    words.append(_policy(choice))
    if choice.outcome != Outcome.NONE:
        words.append(f"{choice.outcome.name}: {choice.why}")
    for lane, result in results:
        port = f" on port {lane.port}" if entry.evt else ""
        words.append(f"to vCPU {lane.v}{port}: {result.name}")
    return "; ".join(words) + "."
