"""Operands of an operation on a port, whether they are in range, and what it finds in the rows."""

from operator import or_

from amaranth import Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..regs.events import SELF
from ..trees import reduce_pairs
from .decode import Op
from .ops import OPERATIONS, Operand
from .rows import RowLayouts

__all__ = ["Found", "Operands", "below"]


def below(value: Value, limit: int) -> Value:
    """Whether a number is below a limit; a power of two costs a look at the high bits."""
    bits = max(1, (limit - 1).bit_length())
    small = value[bits:] == 0
    return small if limit == 1 << bits else small & (value[:bits] < limit)


class Operands(wiring.Component):
    """Find the operands of an operation, and compare them with the sizes, by the next cycle.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    op : ``In(Op)``
        The operation.
    data, arg0, arg1 : ``In(32)``
        Word written to a fast register; arguments of a command.
    command, latch : ``In(1)``
        They are those of a command, whose `op` stands for two cycles at least; keep what is found
        at the end of this cycle.
    window : ``In(domain_bits)``
        Domain whose window is addressed.
    port_exists, pirq_exists, lane_exists : ``Out(1)``
        The number named is below the size.
    domain_exists, domain_own, remote_exists : ``Out(1)``
        The first domain named is below the size, and is the window's; the second is below the size.
    place : ``Out(RowLayouts.at)``
        What a command names, in the cycle after that in which it is kept.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "op": In(Op), "data": In(32), "arg0": In(32), "arg1": In(32),
            "command": In(1), "latch": In(1), "window": In(config.domain_bits),
            "port_exists": Out(1), "pirq_exists": Out(1), "lane_exists": Out(1),
            "domain_exists": Out(1), "domain_own": Out(1), "remote_exists": Out(1),
            "place": Out(RowLayouts(config).at),
        })

    def elaborate(self, platform):
        m = Module()
        c = self._config
        number, lane, own = Signal(32), Signal(32), Signal()
        late_number, late_lane, no_lane, foreign = (Signal() for _ in range(4))

        def with_operand(field, *where):
            """Whether the operation has this operand there."""
            ops = [op for op, row in OPERATIONS.items() if getattr(row, field) in where]
            return reduce_pairs([self.op == op for op in ops], or_)

        m.d.sync += [
            late_number.eq(with_operand("number", Operand.ARG1)),
            late_lane.eq(with_operand("lane", Operand.ARG1)),
            no_lane.eq(with_operand("lane", Operand.NONE)),
            foreign.eq(with_operand("domain", True)),
        ]
        named = Mux(late_number, self.arg1, self.arg0)
        m.d.comb += [
            number.eq(Mux(self.command, named, self.data)),
            lane.eq(Mux(late_lane, self.arg1, self.arg0)),
            own.eq((self.arg0 == SELF) | (self.arg0 == self.window)),
            self.place.dom.eq(Mux(foreign & ~self.domain_own, self.arg0, self.window)),
            self.place.port.eq(named), self.place.n.eq(named),
            self.place.k.eq(Mux(no_lane, 0, lane)),
        ]
        with m.If(self.latch):
            m.d.sync += [
                self.port_exists.eq(below(number, c.ports)),
                self.pirq_exists.eq(below(number, c.pirqs)),
                self.lane_exists.eq(below(lane, c.lanes)),
                self.remote_exists.eq(below(self.arg1, c.domains)),
                self.domain_exists.eq(own | below(self.arg0, c.domains)),
                self.domain_own.eq(own),
            ]
        return m


class Found:
    """What an operation finds in the rows, latched in state OPERATE.

    Attributes
    ----------
    peer : ``RowLayouts.peer``
        Far end of the port; of BIND_INTERDOMAIN, the port itself.
    own_work, consumed : 1, ``lanes``
        PIRQ_EOI: in flight to the issuer; lanes that consumed what was.
    """

    def __init__(self, config):
        self.peer = Signal(RowLayouts(config).peer)
        self.own_work, self.consumed = Signal(), Signal(config.lanes)
