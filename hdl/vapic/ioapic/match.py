"""Which entries an EOI is for."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .flags import change_layout

__all__ = ["EoiMatch"]


class EoiMatch(wiring.Component):
    """Vector, owner and path of every entry, compared with an EOI; combinational (IOA-11).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    changed, change : ``In(pirqs)``, ``In(change_layout)``
        Entry of which a register is written in this cycle, one-hot, and what it is after that.
    vector, dom, every : ``In``
        The EOI; ``every`` = of all domains.
    hit : ``Out(pirqs)``
        Entries of that vector and domain, level triggered or not: those that are not have RIRR=0.
    path : ``Out(pirqs)``
        Entries with path EVT.
    """

    def __init__(self, config):
        self._config = config
        c = config
        super().__init__({
            "changed": In(c.pirqs), "change": In(change_layout),
            "vector": In(8), "dom": In(4), "every": In(1),
            "hit": Out(c.pirqs), "path": Out(c.pirqs),
        })

    def elaborate(self, platform):
        m = Module()
        for i in range(self._config.pirqs):
            vector = Signal(8, name=f"vector_{i}")
            dom = Signal(self._config.domain_bits, name=f"dom_{i}")
            ours = self.every | (dom == self.dom)
            m.d.comb += self.hit[i].eq((vector == self.vector) & ours)
            with m.If(self.changed[i]):
                m.d.sync += [vector.eq(self.change.vector), dom.eq(self.change.dom),
                             self.path[i].eq(self.change.path)]
        return m
