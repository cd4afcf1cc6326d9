"""Stage 3: which vector the operation is about, and what a register reads."""

from amaranth import Cat, Const, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bitmaps import lookup_layout
from ..decode import access_layout
from ..operation import Op
from ..registers import RegisterRead
from .records import fetched, pass_on, subject

__all__ = ["SubjectStage"]


class SubjectStage(wiring.Component):
    """Name the vector, and ask for its words.

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
    value, live : ``Out(32)``, ``Out(1)``
        Of `RegisterRead`, in this cycle.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "i": In(fetched(config)), "o": Out(subject(config)),
            "access": In(access_layout(config)), "lookup": Out(lookup_layout(config)),
            "value": Out(32), "live": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.read = read = RegisterRead(self.config)
        op, head, access, lookup = self.i.op, self.i.head, self.access, self.lookup
        target = access.target
        on_bus = op.valid & (op.kind == Op.BUS)
        on_accept = op.valid & (op.kind == Op.ACCEPT)
        bitmap = target.IRR | target.ISR | target.TMR
        inta = on_bus & target.INTA & ~access.we & read.live
        m.d.comb += [
            read.access.eq(access), read.head.eq(head),
            self.value.eq(read.value), self.live.eq(read.live),
            lookup.v.eq(op.v),
            lookup.vector.eq(_choose(
                (on_accept, op.vector), (lookup.take, head.irrv), (lookup.end, head.isrv),
                (on_bus & bitmap, Cat(Const(0, 5), access.word)),
                (on_bus & target.UPVEC, access.data[:8]), default=head.upvec)),
            lookup.edit.eq(~(on_bus & bitmap)),
            lookup.take.eq(inta & head.intr),
            lookup.end.eq(on_bus & target.EOI & access.we & access.whole & read.live
                          & head.isr_words.any()),
            lookup.level.eq(on_accept & op.level),
            lookup.irr_words.eq(head.irr_words), lookup.isr_words.eq(head.isr_words),
            lookup.tmr_words.eq(head.tmr_words),
        ]
        pass_on(m, self)
        m.d.sync += [
            self.o.vector.eq(lookup.vector), self.o.take.eq(lookup.take),
            self.o.end.eq(lookup.end), self.o.spurious.eq(inta & ~head.intr & ~head.freeze),
            self.o.pure_read.eq(on_bus & ~access.we & ~lookup.take),
        ]
        return m


def _choose(*cases, default):
    """Value of the first case whose condition holds."""
    for condition, value in reversed(cases):
        default = Mux(condition, value, default)
    return default
