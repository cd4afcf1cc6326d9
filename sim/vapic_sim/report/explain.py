"""The decision about one interrupt, in words, from its trace record (GEN-08)."""

from collections.abc import Callable

from vapic.policy import POLICIES, Policy

from ..run.ledger import Edge, Grant, Lane, Ledger
from ..traces.trace import Trace
from ..traces.words import clipped, shown
from .figures import microseconds

__all__ = ["explain"]

_RULES = {one.number: one for one in POLICIES.values()}
#: Register PULL after reset, which the VMM leaves alone: a vCPU with less load has room.
_PULL_DEPTH = 1


def explain(number: int, ledger: Ledger, trace: Trace, policy: str, clock_hz: float) -> str:
    """Tell what became of interrupt `number`, counted from 1 in the order of arrival, and why.

    Parameters
    ----------
    number : int
        1 up to the number of arrivals.
    ledger : Ledger
        Books of the run.
    trace : Trace
        What was run.
    policy : str
        For the heading.
    clock_hz : float
        To tell cycles in microseconds.
    """
    edge = next(e for e in ledger.edges if e.index == number - 1)
    source = clipped(shown(trace.arrivals[edge.index].source))
    begin = ledger.edges[0].cycle

    def us(cycles: int) -> str:
        return f"{microseconds(cycles / clock_hz * 1e6)} us"

    lines = [f"{policy}: interrupt {number}, {source} (n={edge.n}), arrived "
             f"{us(edge.cycle - begin)} into the run."]
    grant = next((g for g in ledger.grants if edge in g.edges), None)
    if grant is None:
        lines.append("It was still waiting when the run ended."
                     + (f" {edge.why[0].upper()}{edge.why[1:]}." if edge.why else ""))
        return "\n  ".join(lines)
    if grant.edges[0] is not edge:
        lines.append(f"It merged into interrupt {grant.edges[0].index + 1} of the same source, "
                     "which had not been granted yet: one handler run serves both.")
    if edge.why:
        lines.append(f"At its arrival {edge.why}.")
    return "\n  ".join(lines + _decision(grant, edge, _rrptr(grant, ledger), us))


def _rrptr(grant: Grant, ledger: Ledger) -> int:
    """RRPTR at the selection: one past the vCPU of the grant before, in turn (SEL-11)."""
    before = ledger.grants[:ledger.grants.index(grant)]
    return (before[-1].record["target"] + 1) % len(grant.lanes) if before else 0


def _eligible(policy: Policy, lane: Lane) -> str:
    """What an eligible vCPU that was not chosen had to offer; keys as known from outside."""
    offer = _RULES[policy].offer(lane.sched, lane.load, _PULL_DEPTH) if policy in _RULES else ""
    return f"eligible, {offer}" if offer else "eligible"


def _decision(grant: Grant, edge: Edge, rrptr: int, us: Callable[[int], str]) -> list[str]:
    record = grant.record
    lanes = range(len(grant.lanes))
    eligible = [v for v in lanes if record["eligible"] >> v & 1]
    excluded = [v for v in lanes if (record["candidates"] & ~record["eligible"]) >> v & 1]
    target, policy = record["target"], Policy(record["policy"])
    lines = [f"Granted {grant.cycle - edge.cycle} cycles ({us(grant.cycle - edge.cycle)}) later. "
             "The vCPUs then:"]
    for v in lanes:
        if v == target:
            mark = "chosen" if policy == Policy.STATIC else f"chosen, key {record['key']}"
        elif v in eligible:
            mark = _eligible(policy, grant.lanes[v])
        else:
            mark = "matched, not eligible" if v in excluded else "not named by the entry"
        lines.append(f"  vCPU {v}: {grant.lanes[v].words}; {mark}")
    if policy == Policy.STATIC:
        lines.append(f"The entry is static and names vCPU {target}, whatever its state.")
    else:
        tied = "" if len(eligible) == 1 else f" of {len(eligible)} eligible"
        lines.append(f"{policy.name} {_RULES[policy].because}: vCPU {target}{tied}, with key "
                     f"{record['key']}; RRPTR was {rrptr}.")
    lines.append(f"It was told by port {record['port']}.")
    if not grant.start:
        lines.append("Its handler had not started when the run ended.")
        return lines
    wait = grant.start - grant.cycle
    lines.append(f"The handler started {us(wait)} after the grant, {us(grant.start - edge.cycle)} "
                 "after the arrival"
                 + (f", and ended {us(grant.end - grant.start)} later." if grant.end else "."))
    return lines
