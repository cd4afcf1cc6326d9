"""Ends all that is in flight of one PIRQ, when the request store asks for it."""

from amaranth import Cat, Module, Signal

from ..trees import decode, lowest
from .engine import STEP, Engine

__all__ = ["add_flight_states", "take_flight"]


def take_flight(m: Module, e: Engine) -> None:
    """Branch of state IDLE: stand at the PIRQ; its entry comes a cycle later."""
    m.d.comb += e.go.n.eq(e.unit.end_flight.payload)
    m.d.sync += e.step.eq(STEP.const({"end": 1}))
    m.next = "FLIGHT"


def add_flight_states(m: Module, e: Engine) -> None:
    """States that clear infl of one lane after the other (IOA-10, IOA-11b): 3 cycles a lane."""
    row, place, some = e.store.pirq, e.place, Signal()

    with m.State("FLIGHT"):
        found, first = lowest(m, row.infl, name="flight")
        m.d.sync += [place.k.eq(first), some.eq(found)]
        m.next = "FLIGHT_LANE"

    with m.State("FLIGHT_LANE"):
        hot = Cat(decode(place.k, e.config.lanes))
        m.d.comb += [e.go.k.eq(place.k), e.go.dom.eq(e.entry.dom)]
        m.d.sync += [
            e.is_pirq.eq(1),
            e.was_pending.eq((row.pend & hot).any()), e.was_masked.eq(~(row.open & hot).any()),
        ]
        m.next = "END_FLIGHT"
        with m.If(~some):
            m.d.comb += e.unit.end_flight.ready.eq(1)
            m.next = "IDLE"

    with m.State("END_FLIGHT"):
        m.d.comb += e.fire.eq(1)
        m.next = "FLIGHT"
