"""Stage 5: valid words, highest vectors and counts after the operation."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...layouts import Layouts
from ..bitmaps import found_layout
from ..summary import BitmapSummary
from .records import pass_on, summed, updated

__all__ = ["BitmapStage"]


class BitmapStage(wiring.Component):
    """Bring the summary of the bitmaps in the head row up to date, and warn dispatch.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i, o : ``In(updated)``, ``Out(summed)``
        The operation.
    found : ``In(found_layout)``
        What `BitmapWords` found, in this cycle.
    lane_note : ``Out(Layouts.lane_note)``
        In this cycle, the one before the decision.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "i": In(updated(config)), "o": Out(summed(config)), "found": In(found_layout()),
            "lane_note": Out(Layouts(config).lane_note),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.summary = summary = BitmapSummary(self.config)
        i, found, note = self.i, self.found, self.lane_note
        head = i.head
        m.d.comb += [
            summary.head.eq(head), summary.vector.eq(i.vector), summary.put.eq(i.put),
            summary.take.eq(i.take), summary.end.eq(i.end), summary.reset.eq(i.reset),
            summary.hit.eq(found.hit), summary.emptied.eq(found.emptied),
            summary.left.eq(found.left),
            note.config.eq(i.changed), note.grew.eq(i.inject & ~found.hit),
            note.valid.eq(i.op.valid & (note.config | note.grew) & (head.online | i.old.online)),
            note.dom.eq(head.dom), note.k.eq(head.k),
        ]
        pass_on(m, self)
        m.d.sync += [
            self.o.head.eq(summary.head_next), self.o.hit.eq(found.hit),
            self.o.eoi.eq(i.end & found.level & ~head.suppress & (head.dom < self.config.domains)),
        ]
        return m
