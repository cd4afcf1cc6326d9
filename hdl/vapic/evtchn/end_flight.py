"""Ends all that is in flight of one PIRQ, when the request store asks for it."""

from amaranth import Cat, Module, Signal

from ..trees import decode, lowest
from .cursor import Cursor
from .port_step import PortStep
from .states import States
from .store import Store

__all__ = ["EndFlight"]


class EndFlight:
    """Clear infl of one lane after the other (IOA-10, IOA-11b), 3 cycles a lane.

    Parameters
    ----------
    unit : EventChannels
        Whose ``end_flight`` is served.
    """

    def __init__(self, unit):
        self._unit = unit

    def take(self, m: Module, cursor: Cursor, step: PortStep) -> None:
        """Branch of state IDLE: stand at the PIRQ; its entry comes a cycle later."""
        cursor.move(m, n=self._unit.end_flight.payload)
        step.prepare(m, end=1)
        m.next = "FLIGHT"

    def add_states(self, m: Module, states: States, cursor: Cursor, store: Store,
                   step: PortStep) -> None:
        """States after that."""
        c, row = self._unit.config, store.pirq
        some, k = Signal(), Signal(c.lane_bits)

        with states.state("FLIGHT"):
            found, first = lowest(m, row.infl, name="flight")
            m.d.sync += [k.eq(first), some.eq(found)]
            m.next = "FLIGHT_LANE"

        with states.state("FLIGHT_LANE"):
            hot = Cat(decode(k, c.lanes))
            cursor.move(m, k=k, dom=self._unit.query_entry.dom)
            step.found(m, bit=step.bit, is_pirq=1, pending=(row.pend & hot).any(),
                       masked=~(row.open & hot).any())
            m.next = "END_FLIGHT"
            with m.If(~some):
                m.d.comb += self._unit.end_flight.ready.eq(1)
                m.next = "IDLE"

        with states.state("END_FLIGHT", writes_rows=1):
            m.d.comb += step.fire.eq(1)
            m.next = "FLIGHT"
