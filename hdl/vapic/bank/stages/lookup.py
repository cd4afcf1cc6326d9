"""Stages 1 and 2: the head row of the vCPU is read."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..decode import access_layout
from ..head import head_layout
from ..operation import Op, op_layout
from .records import fetched

__all__ = ["LookupStage"]


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
    under_way : ``Out(op_layout)`` x 2
        The operations in stages 1 and 2.
    o : ``Out(fetched)``
        Three cycles after ``i``.
    """

    def __init__(self, config):
        op = op_layout(config)
        super().__init__({
            "i": In(op), "access": In(access_layout(config)),
            "v": Out(config.vcpu_bits), "row": In(head_layout(config)),
            "under_way": Out(op).array(2), "o": Out(fetched(config)),
        })

    def elaborate(self, platform):
        m = Module()
        op_1, op_2 = (Signal(self.i.shape(), name=f"op_{i}") for i in (1, 2))
        m.d.sync += [op_1.eq(self.i), op_2.eq(op_1), self.o.op.eq(op_2), self.o.head.eq(self.row)]
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
