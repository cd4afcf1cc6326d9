"""Stages 1 to 3: the head row; which vector it is about, what a register reads and becomes."""

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err
from ..trees import reduce_pairs
from .bitmaps import lookup_layout
from .decode import access_layout
from .head import head_layout, terms
from .operation import Op, fetched, op_layout, pass_on, subject
from .registers import RegisterRead, RegisterUpdate

__all__ = ["LookupStage", "SubjectStage"]


class LookupStage(wiring.Component):
    """Wait two cycles for a block RAM: one to read, one to bring the row here.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i : ``In(op_layout)``
        The operation issued.
    access : ``In(access_layout)``
        The bus access in the pipeline.
    v, row : ``Out(vcpu_bits)``, ``In(head_layout)``
        The row asked for, and what memory has of it a cycle later.
    clear : ``In(1)``
        Rows are being initialised: ``o`` shows one of zeros, whatever the memory holds.
    under_way : ``Out(op_layout)`` x 2
        The operations in stages 1 and 2.
    o : ``Out(fetched)``
        Three cycles after ``i``.
    """

    def __init__(self, config):
        op = op_layout(config)
        super().__init__({
            "i": In(op), "access": In(access_layout(config)),
            "v": Out(config.vcpu_bits), "row": In(head_layout(config)), "clear": In(1),
            "under_way": Out(op).array(2), "o": Out(fetched(config)),
        })

    def elaborate(self, platform):
        m = Module()
        op_1, op_2 = (Signal(self.i.shape(), name=f"op_{i}") for i in (1, 2))
        m.d.sync += [op_1.eq(self.i), op_2.eq(op_1), self.o.op.eq(op_2), self.o.head.eq(self.row)]
        with m.If(self.clear):
            m.d.sync += self.o.head.eq(0)
        access, target = self.access, self.access.target
        on_bus = op_2.valid & (op_2.kind == Op.BUS)
        m.d.sync += [
            self.o.bus.eq(on_bus), self.o.accept.eq(op_2.valid & (op_2.kind == Op.ACCEPT)),
            self.o.inta.eq(on_bus & target.INTA & ~access.we),
            self.o.eoi.eq(on_bus & target.EOI & access.we & access.whole),
            self.o.bitmap.eq(on_bus & (target.IRR | target.ISR | target.TMR)),
            self.o.upvec.eq(on_bus & target.UPVEC),
        ]
        m.d.comb += [self.v.eq(op_1.v), self.under_way[0].eq(op_1), self.under_way[1].eq(op_2)]
        return m


class SubjectStage(wiring.Component):
    """Name the vector and ask for its words; read and write registers, VCPU.CTL excepted.

    INTA and EOI act on the state before them (GEN-04).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i, o : ``In(fetched)``, ``Out(subject)``
        The operation.
    access : ``In(access_layout)``
        The bus access in the pipeline.
    lookup : ``Out(lookup_layout)``
        The words wanted, in this cycle.
    value, berr, err : ``Out(32)``, ``Out(1)``, ``Out(Err)``
        Of `RegisterRead` and `RegisterUpdate`, in this cycle.
    live : ``Out(1)``
        The access has its effect.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "i": In(fetched(config)), "o": Out(subject(config)),
            "access": In(access_layout(config)), "lookup": Out(lookup_layout(config)),
            "value": Out(32), "live": Out(1), "berr": Out(1), "err": Out(Err),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.read = read = RegisterRead(self.config)
        m.submodules.update = update = RegisterUpdate(self.config)
        i, head, access, lookup = self.i, self.i.head, self.access, self.lookup
        op = i.op
        m.d.comb += [
            read.access.eq(access), read.head.eq(head),
            update.bus.eq(i.bus), update.refused.eq(i.accept & op.illegal),
            update.access.eq(access), update.live.eq(read.live), update.head.eq(head),
            self.value.eq(read.value), self.live.eq(read.live),
            self.berr.eq(update.berr), self.err.eq(update.err),
            lookup.v.eq(op.v),
            # Chosen by flip-flops alone: for an access that has no effect it does not matter.
            lookup.vector.eq(_select(
                (i.accept, op.vector), (i.inta, head.irrv), (i.eoi, head.isrv),
                (i.bitmap, Cat(Const(0, 5), access.word)), (i.upvec, access.data[:8]),
                (~(i.accept | i.inta | i.eoi | i.bitmap | i.upvec), head.upvec))),
            lookup.edit.eq(~i.bitmap),
            # A request stands only while the vLAPIC is enabled.
            lookup.take.eq(i.inta & head.intr),
            lookup.end.eq(i.eoi & head.en & head.isr_words.any()),
            lookup.level.eq(i.accept & op.level),
            lookup.irr_top.eq(head.irrv[5:]), lookup.isr_top.eq(head.isrv[5:]),
            lookup.irr_words.eq(head.irr_words), lookup.isr_words.eq(head.isr_words),
            lookup.tmr_words.eq(head.tmr_words),
        ]
        pass_on(m, self)
        m.d.sync += [
            self.o.head.eq(update.head_next), self.o.before.eq(terms(head)),
            self.o.reset.eq(update.reset), self.o.renamed.eq(update.renamed),
            self.o.vector.eq(lookup.vector), self.o.take.eq(lookup.take),
            self.o.end.eq(lookup.end),
            self.o.spurious.eq(i.inta & head.en & ~head.intr & ~head.freeze),
            self.o.pure_read.eq(i.bus & ~access.we & ~lookup.take),
        ]
        return m


def _select(*cases):
    """Value of the one case whose condition holds."""
    return reduce_pairs([value & condition.replicate(8) for condition, value in cases],
                        lambda a, b: a | b)
