"""Who a request may go to: the terms E1 to E6 of SEL-03, for one lane."""

from amaranth import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .lanes import seen
from .request import criteria

__all__ = ["LaneTest"]

class LaneTest(wiring.Component):
    """Test one lane; combinational.

    Destinations come from 8-bit sources: 0xFF is everyone, physical (LAPIC-30) and logical
    (LAPIC-31) alike. A lane whose DFR is neither flat nor cluster matches the broadcast only, as
    it is kept without its LDR. MDA 0 matches nobody, since no bit of it can meet a bit of LDR.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    row : ``In(seen(config))``
        The lane.
    ask : ``In(criteria)``
        The request.
    open : ``In(1)``
        E6: path LAPIC, or a port is bound and open (and not in flight, if dynamic).
    candidate : ``Out(1)``
        E1 to E3: online, enabled and named by the destination (LAPIC-33).
    live : ``Out(1)``
        E1 to E4 and E6: what the static rule matches.
    eligible : ``Out(1)``
        E1 to E6.
    """

    def __init__(self, config):
        super().__init__({
            "row": In(seen(config)), "ask": In(criteria), "open": In(1),
            "candidate": Out(1), "live": Out(1), "eligible": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        row, ask = self.row, self.ask
        low, high, same = row.common_ldr[:2], row.common_ldr[2:], row.same_ldr
        named = Mux(row.flat, low.any() | high.any(), low.any() & same.all())
        match = Mux(ask.physical, ask.logical | row.same_id.all(), ask.logical & named)
        m.d.comb += [
            self.candidate.eq(match & row.present),
            self.live.eq(self.candidate & ~row.frozen & self.open),
            self.eligible.eq(self.live & Mux(
                row.sched.as_value()[1],
                Mux(row.sched.as_value()[0], ask.allow[3], ask.allow[2]),
                Mux(row.sched.as_value()[0], ask.allow[1], ask.allow[0]))),
        ]
        return m
