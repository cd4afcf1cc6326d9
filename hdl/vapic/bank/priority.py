"""Priority of a vLAPIC: PPR, APR, its request and what wakes its vCPU."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import SchedState
from .head import head_layout

__all__ = ["Priority"]


class Priority(wiring.Component):
    """Rank what is pending against what is in service; combinational.

    Members
    -------
    head : ``In(head_layout)``
        State of the vCPU.
    ppr, apr : ``Out(8)``
        Processor and arbitration priority (LAPIC-10, 11).
    irq, upcall : ``Out(1)``
        The outputs: request (LAPIC-12, by class) and upcall line (EVT-05); 0 while frozen.
    wake : ``Out(1)``
        Blocked, not frozen, and one of the two: its rise is the wake pulse (LAPIC-63).
    """

    def __init__(self, config):
        super().__init__({
            "head": In(head_layout(config)), "ppr": Out(8), "apr": Out(8),
            "irq": Out(1), "upcall": Out(1), "wake": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        head = self.head
        tpr, irr, isr = head.tpr[4:], head.irrv[4:], head.isrv[4:]
        masked = Signal()           # class of TPR at least that in service
        m.d.comb += [
            masked.eq(tpr >= isr),
            self.ppr.eq(Mux(masked, head.tpr, Cat(Const(0, 4), isr))),
        ]
        above = Mux(irr >= isr, irr, isr)
        with m.If((tpr >= irr) & (tpr > isr)):
            m.d.comb += self.apr.eq(head.tpr)
        with m.Else():
            m.d.comb += self.apr.eq(Cat(Const(0, 4), Mux(tpr >= above, tpr, above)))
        m.d.comb += [
            self.irq.eq(head.en & head.svr_enabled & ~head.freeze & (irr > tpr) & (irr > isr)),
            self.upcall.eq(head.up_line & ~head.upvec_valid & ~head.freeze),
            self.wake.eq((head.sched == SchedState.BLOCKED) & (self.irq | self.upcall)),
        ]
        return m
