"""RRPTR: where the next tie of a domain begins (SEL-11)."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts

__all__ = ["Rotation"]


class Rotation(wiring.Component):
    """One pointer a domain, moved to the lane after each winner.

    A write goes through one register, so that a selection, which reads in C1, sees those decided
    before its C0 and no others. A rotation is told a cycle after its decision as well; of the two
    decided in one cycle the write comes after it and beats it.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    write : ``In(Layouts.rrptr_write)``
        By software, in its decision cycle; visible two cycles after it.
    rotate, dom, k : ``In(1)``, ``In(domain_bits)``, ``In(lane_bits)``
        A grant to lane ``k`` of the domain, a cycle ago; visible in the next cycle.
    pointers : ``Out(ArrayLayout(lane_bits, domains))``
        Where each domain goes on.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "write": In(Layouts(config).rrptr_write),
            "rotate": In(1), "dom": In(config.domain_bits), "k": In(config.lane_bits),
            "pointers": Out(data.ArrayLayout(config.lane_bits, config.domains)),
        })

    def elaborate(self, platform):
        m = Module()
        write = Signal(Layouts(self._config).rrptr_write)
        lanes, following = self._config.lanes, Signal(self._config.lane_bits)
        m.d.comb += following.eq(self.k + 1)
        if lanes < 1 << self._config.lane_bits:
            with m.If(self.k == lanes - 1):
                m.d.comb += following.eq(0)
        m.d.sync += write.eq(self.write)
        for dom in range(self._config.domains):
            written = write.en & (write.dom == dom)
            with m.If(written | self.rotate & (self.dom == dom)):
                m.d.sync += self.pointers[dom].eq(Mux(written, write.value, following))
        return m
