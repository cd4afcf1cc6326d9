"""Stage 4: placement and upcall; the words are read meanwhile."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..operation import ctl_layout
from ..upcall import UpcallUpdate
from .records import pass_on, subject, updated

__all__ = ["UpcallStage"]


class UpcallStage(wiring.Component):
    """Whether a vector becomes pending: that of a grant, or the upcall vector.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i, o : ``In(subject)``, ``Out(updated)``
        The operation.
    ctl : ``In(ctl_layout)``
        The CTL write in the pipeline.
    outstanding : ``In(1)``
        Work accepted by way of ports is not finished on the vCPU's lane.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({"i": In(subject(config)), "o": Out(updated(config)),
                          "ctl": In(ctl_layout()), "outstanding": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.update = update = UpcallUpdate(self.config)
        i, o, head = self.i, self.o, self.i.head
        inject = i.op.valid & update.inject
        m.d.comb += [
            update.op.eq(i.op), update.ctl.eq(self.ctl), update.outstanding.eq(self.outstanding),
            update.before.eq(i.before), update.renamed.eq(i.renamed), update.head.eq(head),
        ]
        pass_on(m, self)
        m.d.sync += [
            o.head.eq(update.head_next), o.inject.eq(inject),
            o.put.eq(inject | i.accept & ~i.op.illegal),
            o.applied.eq(update.applied), o.changed.eq(update.changed),
            o.old.online.eq(head.online), o.old.dom.eq(head.dom), o.old.k.eq(head.k),
        ]
        return m
