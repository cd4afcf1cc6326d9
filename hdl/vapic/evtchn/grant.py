"""Grants: one target of a physical interrupt that goes to an event-channel port (SEL-30)."""

from amaranth import Cat, Module, Mux, Signal

from ..layouts import AcceptResult
from .engine import STEP, Engine

__all__ = ["add_grant_check", "decide_grant", "take_grant"]


def take_grant(m: Module, e: Engine) -> None:
    """Branch of state IDLE: take the target, and stand at its lane and PIRQ."""
    payload = e.unit.grant.target.payload
    m.d.comb += [
        e.unit.grant.target.ready.eq(1),
        e.go.dom.eq(payload.dom), e.go.k.eq(payload.k), e.go.n.eq(payload.n),
    ]
    m.d.sync += [
        e.grant.eq(payload), e.granting.eq(1), e.granted.eq(1),
        e.step.eq(STEP.const({"notify": 1, "begin": 1, "bitwise": 1})),
    ]
    m.next = "TIE"


def add_grant_check(m: Module, e: Engine) -> None:
    """Whether the target is refused; its PIRQ bits are those of the cycle before (SEL-20)."""
    row, hot = e.store.pirq, Cat(e.lane_hot)
    closed = Signal()
    m.d.sync += closed.eq(~(row.open & hot).any())
    m.d.comb += e.refused.eq(e.granting & (
        closed | e.grant.dynamic & e.was_infl | e.grant.first & ~e.unit.grant.ok))


def decide_grant(m: Module, e: Engine) -> None:
    """Branch of state DECIDE: the grant commits or is refused now."""
    done, grant = e.unit.grant.done, e.grant
    m.d.comb += [e.fire.eq(1), done.valid.eq(1), done.port.eq(e.here.port)]
    with m.If(e.refused):
        m.d.comb += done.result.eq(Mux(grant.first, AcceptResult.ABORT, AcceptResult.SKIP))
    with m.Else():
        m.d.comb += done.result.eq(Mux(e.was_pending, AcceptResult.MERGED, AcceptResult.SET))
    m.d.sync += [
        e.granting.eq(0),
        e.multi.eq(~grant.last & ~(grant.first & e.refused)),
    ]
    e.record(m, "grant", v=grant.v, n=grant.n, last=grant.last, first=grant.first,
             result=done.result, port=e.here.port)
    m.next = "IDLE"
