"""Which entries an EOI is for."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["EoiMatch"]


class EoiMatch(wiring.Component):
    """Vector, owner and path of every entry, compared with an EOI; combinational (IOA-11).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    low, reqx, owner : ``In(pirqs)``
        Entry whose register is written in this cycle, one-hot.
    word : ``In(32)``
        What is written, as on the bus.
    level : ``In(pirqs)``
        Entries that are level triggered.
    vector, dom, every : ``In``
        The EOI; ``every`` = of all domains.
    hit : ``Out(pirqs)``
        Level entries of that vector and domain.
    path : ``Out(pirqs)``
        Entries with path EVT.
    """

    def __init__(self, config):
        self._config = config
        c = config
        super().__init__({
            "low": In(c.pirqs), "reqx": In(c.pirqs), "owner": In(c.pirqs), "word": In(32),
            "level": In(c.pirqs), "vector": In(8), "dom": In(4), "every": In(1),
            "hit": Out(c.pirqs), "path": Out(c.pirqs),
        })

    def elaborate(self, platform):
        m = Module()
        for i in range(self._config.pirqs):
            vector = Signal(8, name=f"vector_{i}")
            dom = Signal(self._config.domain_bits, name=f"dom_{i}")
            ours = self.every | (dom == self.dom)
            m.d.comb += self.hit[i].eq(self.level[i] & (vector == self.vector) & ours)
            with m.If(self.low[i]):
                m.d.sync += vector.eq(self.word)
            with m.If(self.owner[i]):
                m.d.sync += dom.eq(self.word)
        to_path = self.word[0].replicate(len(self.path))
        m.d.sync += self.path.eq(self.path & ~self.reqx | to_path & self.reqx)
        return m
