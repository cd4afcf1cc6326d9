"""Stage 6: priority and decision, what others are told of it, and the outputs of the vCPUs."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import AcceptResult, Layouts, SchedState
from ..rules import saturate
from ..trees import decode
from .head import head_layout
from .operation import Op, summed

__all__ = ["DecideStage", "Priority", "VcpuOutputs"]


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


class VcpuOutputs(wiring.Component):
    """Four flip-flops a vCPU behind one address decoder.

    What is written in cycle N is on the outputs from N+1; ``wake`` falls again in N+2 unless it is
    written anew.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    v : ``In(vcpu_bits)``
        N-1: the vCPU.
    write : ``In(1)``
        N: take the new values.
    irq_new, upcall_new, wake_new, frozen_new : ``In(1)``
        N: the values.
    irq, upcall, wake, frozen : ``Out(vcpus)``
        The outputs.
    """

    def __init__(self, config):
        self.config = config
        names = ("irq", "upcall", "wake", "frozen")
        super().__init__({"write": In(1), "v": In(config.vcpu_bits)}
                         | {f"{name}_new": In(1) for name in names}
                         | {name: Out(config.vcpus) for name in names})

    def elaborate(self, platform):
        m = Module()
        count = self.config.vcpus
        # Decoded a cycle ahead: registers keep synthesis from decoding anew for every vCPU.
        columns, rows = Signal(16), Signal(-(-count // 16))
        m.d.sync += [columns.eq(decode(self.v[:4], 16)),
                     rows.eq(decode(self.v[4:], len(rows)) if len(self.v) > 4 else 1)]
        # A signal a flip-flop, so that each is seen to have its own clock enable.
        outputs = {name: [] for name in ("irq", "upcall", "wake", "frozen")}
        for i in range(count):
            bit = {name: Signal(name=f"{name}_{i}") for name in outputs}
            hit = Signal(name=f"hit_{i}")
            m.d.comb += hit.eq(self.write & rows[i // 16] & columns[i % 16])
            m.d.sync += bit["wake"].eq(hit & self.wake_new)
            with m.If(hit):
                m.d.sync += [bit["irq"].eq(self.irq_new), bit["upcall"].eq(self.upcall_new),
                             bit["frozen"].eq(self.frozen_new)]
            for name, bits in outputs.items():
                bits.append(bit[name])
        m.d.comb += [getattr(self, name).eq(Cat(bits)) for name, bits in outputs.items()]
        return m
