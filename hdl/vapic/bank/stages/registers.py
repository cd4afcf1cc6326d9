"""Stage 4: the registers after the operation."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...layouts import Err
from ..decode import access_layout
from ..operation import ctl_layout
from ..registers import RegisterUpdate
from .records import pass_on, subject, updated

__all__ = ["RegisterStage"]


class RegisterStage(wiring.Component):
    """Change the head row, bitmaps and outputs excepted; the words are read meanwhile.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i, o : ``In(subject)``, ``Out(updated)``
        The operation.
    access, ctl : ``In(access_layout)``, ``In(ctl_layout)``
        The bus access and the CTL write in the pipeline.
    live : ``In(1)``
        The access has its effect.
    outstanding : ``In(1)``
        Work accepted by way of ports is not finished on the vCPU's lane.
    berr, err : ``Out(1)``, ``Out(Err)``
        Of a bus access, in this cycle.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "i": In(subject(config)), "o": Out(updated(config)),
            "access": In(access_layout(config)), "ctl": In(ctl_layout()),
            "live": In(1), "outstanding": In(1), "berr": Out(1), "err": Out(Err),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.update = update = RegisterUpdate(self.config)
        op, head = self.i.op, self.i.head
        inject = op.valid & update.inject
        m.d.comb += [
            update.op.eq(op), update.access.eq(self.access), update.ctl.eq(self.ctl),
            update.live.eq(self.live), update.outstanding.eq(self.outstanding),
            update.head.eq(head),
            self.berr.eq(update.berr), self.err.eq(update.err),
        ]
        pass_on(m, self)
        m.d.sync += [
            self.o.head.eq(update.head_next),
            self.o.inject.eq(inject),
            self.o.put.eq(inject | self.i.accept & ~op.illegal),
            self.o.applied.eq(update.applied), self.o.changed.eq(update.changed),
            self.o.reset.eq(update.reset),
            self.o.old.online.eq(head.online), self.o.old.dom.eq(head.dom),
            self.o.old.k.eq(head.k),
        ]
        return m
