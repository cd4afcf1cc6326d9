"""Stage 6: whether the operation takes effect, and what others are told of it."""

from amaranth import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...layouts import AcceptResult, Layouts
from ...rules import saturate
from ..head import head_layout
from ..operation import Op
from ..priority import Priority
from .records import summed

__all__ = ["DecideStage"]


class DecideStage(wiring.Component):
    """Decision of an operation; combinational.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i : ``In(summed)``
        The operation.
    unmapped : ``In(1)``
        A bus access, if it is one, means no register.
    ok : ``In(1)``
        Of the sink: the target may commit (SEL-20).
    retry : ``In(1)``
        CTRL.retry_on_irr (IOA-20).
    commit : ``Out(1)``
        It takes effect: ``row`` is written.
    row : ``Out(head_layout)``
        State of the vCPU from now on.
    irq, upcall, wake : ``Out(1)``
        Its outputs; ``wake`` has just become true.
    ppr, apr, load : ``Out(8)``
        Of `Priority`; bits set in IRR and ISR.
    write_irr, write_isr, write_tmr : ``Out(1)``
        Words to be written.
    done, note_done, eoi, merged, spurious : ``Out``
        As `Bank` has them.
    """

    def __init__(self, config):
        self.config = config
        layouts = Layouts(config)
        super().__init__({
            "i": In(summed(config)), "unmapped": In(1), "ok": In(1), "retry": In(1),
            "commit": Out(1), "row": Out(head_layout(config)),
            "irq": Out(1), "upcall": Out(1), "wake": Out(1),
            "ppr": Out(8), "apr": Out(8), "load": Out(8),
            "write_irr": Out(1), "write_isr": Out(1), "write_tmr": Out(1),
            "done": Out(layouts.decision), "note_done": Out(layouts.note_done),
            "eoi": Out(layouts.eoi), "merged": Out(1), "spurious": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.priority = priority = Priority(self.config)
        i, op, now, told = self.i, self.i.op, self.i.head, self.note_done
        retry = self.retry & op.single & i.hit
        m.d.comb += [
            self.commit.eq(op.valid & ~(i.bus & self.unmapped)
                           & ~(i.accept & ~op.illegal & (~self.ok | retry))),
            priority.head.eq(now),
            self.irq.eq(priority.irq), self.upcall.eq(priority.upcall),
            self.wake.eq(priority.wake & ~now.wake),
            self.ppr.eq(priority.ppr), self.apr.eq(priority.apr),
            self.load.eq(saturate(now.irr_count + now.isr_count, 8)),
            self.row.eq(now), self.row.intr.eq(priority.irq), self.row.wake.eq(priority.wake),
            self.write_irr.eq(self.commit & (i.put | i.take)),
            self.write_tmr.eq(self.commit & i.put), self.write_isr.eq(i.take | i.end),
        ]
        m.d.comb += [
            self.done.valid.eq(i.accept),
            self.done.result.eq(
                Mux(op.illegal, AcceptResult.RECVILL,
                    Mux(~self.ok, AcceptResult.ABORT,
                        Mux(retry, AcceptResult.RETRY,
                            Mux(i.hit, AcceptResult.MERGED, AcceptResult.SET))))),
            self.merged.eq(self.commit & i.accept & i.put & i.hit),
            self.spurious.eq(i.spurious),
            self.eoi.valid.eq(i.eoi), self.eoi.dom.eq(now.dom), self.eoi.vector.eq(i.vector),
            told.valid.eq(op.valid & (op.kind == Op.CTL)), told.applied.eq(i.applied),
            told.old_dom.eq(i.old.dom), told.old_k.eq(i.old.k), told.old_online.eq(i.old.online),
            told.new_dom.eq(now.dom), told.new_k.eq(now.k), told.new_online.eq(now.online),
        ]
        return m
