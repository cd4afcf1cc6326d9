"""Whether anything that a choice rests on changed since its selection started (SEL-20)."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..trees import decode

__all__ = ["ChangeWatch"]


class ChangeWatch(wiring.Component):
    """Gather the notes since the start C0, and say in each cycle whether a grant may commit.

    A dynamic choice rests on the winner's lane (under some policies on its load too), a static one
    on all lanes of the domain and, by way of ports, on which ports of the source are open. The
    domain is known in C1 only: notes are taken from the second register of the lane store, and
    ``begin`` stays 1 until C1.

    The bank sends a note a cycle before its decision. So all that speaks against a decision of the
    bank's lanes is in a flip-flop in the cycle of a sink's decision, for which the winner must be
    known a cycle before: a sink decides a cycle after it was sent the target, at the earliest. The
    event channels decide one operation a cycle, so what they note in the cycle in which they decide
    a grant is not looked at. Both ``ok`` are thus one gate behind flip-flops.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    idle : ``In(1)``
        No selection is under way; also 1 in C0.
    begin : ``In(1)``
        1 while ``idle`` and in C1.
    n : ``In(pirq_bits)``
        Source of the request, from C1 on.
    dom, k : ``In(domain_bits)``, ``In(lane_bits)``
        Domain of the request, from C2 on, and the winner.
    dynamic, load : ``In(1)``
        What the choice rests on: one lane or all, and its load. From C2 on.
    request_ok : ``In(1)``
        The request itself stands as it was in C0.
    first : ``In(1)``
        The target being decided is the first of its grant; others are not checked.
    next_note : ``In(Layouts.lane_note)``
        Note about a decision of the next cycle.
    notes : ``In(ArrayLayout(Layouts.lane_note, 3))``
        Notes about decisions of this cycle, and of one and two cycles ago.
    pirq_note : ``In(Layouts.pirq_note)``
        Changes of PIRQ rows, a cycle after their decision.
    accept_ok, evt_ok : ``Out(1)``
        A grant decided in this cycle by the bank, or by the event channels, commits.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        super().__init__({
            "idle": In(1), "begin": In(1), "n": In(config.pirq_bits),
            "dom": In(config.domain_bits), "k": In(config.lane_bits),
            "dynamic": In(1), "load": In(1), "request_ok": In(1), "first": In(1),
            "next_note": In(layouts.lane_note),
            "notes": In(data.ArrayLayout(layouts.lane_note, 3)),
            "pirq_note": In(layouts.pirq_note),
            "accept_ok": Out(1), "evt_ok": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        lanes = self._config.lanes
        changed, any_changed, opened = Signal(lanes), Signal(), Signal()

        def matters(note):
            return (note.valid & (note.dom == self.dom)
                    & (note.config | self.load & note.grew))

        def hits(note):
            return matters(note) & (~self.dynamic | (note.k == self.k))

        past, past_note = Signal(), self.notes[2]
        m.d.comb += past.eq(matters(past_note))
        m.d.sync += [changed.eq(changed | decode(past_note.k, lanes) & past.replicate(lanes)),
                     any_changed.eq(any_changed | past)]
        with m.If(self.begin):
            m.d.sync += [changed.eq(0), any_changed.eq(0)]
        note = self.pirq_note
        # It comes a cycle after its decision: what comes in C0 was decided before.
        m.d.sync += opened.eq((note.valid & note.open_changed & (note.n == self.n) | opened)
                              & ~self.idle)

        stale = Signal()
        m.d.sync += stale.eq(
            Mux(self.dynamic, changed.bit_select(self.k, 1), any_changed)
            | hits(self.notes[2]) | hits(self.notes[1]) | hits(self.notes[0])
            | hits(self.next_note))
        m.d.comb += [
            self.accept_ok.eq(~self.first | self.request_ok & ~stale),
            self.evt_ok.eq(~self.first | self.request_ok & ~(stale | opened & ~self.dynamic)),
        ]
        return m
