"""Ends all that is in flight of one PIRQ, when the request store asks for it."""

from amaranth import Cat, Module, Signal

from ..trees import decode, lowest
from .cursor import Cursor
from .pirq_step import PirqStep
from .port_step import PortStep
from .store import Store

__all__ = ["EndFlight"]


class EndFlight:
    """Clear infl of one lane after the other (IOA-10, IOA-11b), 4 cycles a lane.

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

    def add_states(self, m: Module, cursor: Cursor, store: Store, step: PortStep,
                   pirq: PirqStep) -> None:
        """States after that."""
        c, row = self._unit.config, store.pirq
        k = Signal(c.lane_bits)

        with m.State("FLIGHT"):
            m.next = "FLIGHT_ROW"

        with m.State("FLIGHT_ROW"):
            some, first = lowest(m, row.infl, name="flight")
            m.d.sync += k.eq(first)
            m.next = "FLIGHT_LANE"
            with m.If(~some):
                m.d.comb += self._unit.end_flight.ready.eq(1)
                m.next = "IDLE"

        with m.State("FLIGHT_LANE"):
            hot = Cat(decode(k, c.lanes))
            cursor.move(m, k=k, dom=pirq.entry.dom)
            step.found(m, bit=step.bit, is_pirq=1, pending=(row.pend & hot).any(),
                       masked=~(row.open & hot).any())
            m.next = "FLIGHT_STEP"

        with m.State("FLIGHT_STEP"):
            step.decide(m)
            m.next = "FLIGHT_END"

        with m.State("FLIGHT_END"):
            # The step; its row is read again.
            m.next = "FLIGHT_ROW"
