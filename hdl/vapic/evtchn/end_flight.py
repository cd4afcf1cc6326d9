"""Ends all that is in flight of one PIRQ, when the request store asks for it."""

from amaranth import Cat, Module, Signal

from ..onehot import OneHot
from ..trees import decode, lowest
from .cursor import Cursor
from .step import PirqStep, PortStep
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

    def add_states(self, m: Module, states: OneHot, cursor: Cursor, store: Store, step: PortStep,
                   pirq: PirqStep) -> None:
        """States after IDLE, in which it goes to the PIRQ; its entry comes a cycle later."""
        c, row = self._unit.config, store.pirq
        k = Signal(c.lane_bits)

        with states.state("FLIGHT"):
            step.prepare(m, end=1)
            states.go("FLIGHT_ROW")

        with states.state("FLIGHT_ROW"):
            some, first = lowest(m, row.infl, name="flight")
            m.d.sync += k.eq(first)
            states.go("FLIGHT_LANE")
            with m.If(~some):
                m.d.comb += self._unit.end_flight.ready.eq(1)
                states.go("IDLE")

        with states.state("FLIGHT_LANE"):
            hot = Cat(decode(k, c.lanes))
            cursor.move(m, k=k, dom=pirq.entry.dom)
            step.found(m, bit=step.bit, is_pirq=1, pending=(row.pend & hot).any(),
                       masked=~(row.open & hot).any())
            states.go("FLIGHT_STEP")

        with states.state("FLIGHT_STEP"):
            step.decide(m)
            states.go("FLIGHT_END")

        with states.state("FLIGHT_END"):
            # The step; its row is read again.
            states.go("FLIGHT_ROW")
