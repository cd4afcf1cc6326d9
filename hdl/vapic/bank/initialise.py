"""Initialisation of the bank: every head row, every counter, every lane that dispatch knows."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..rows import Sweep
from .head import head_layout, reset_row

__all__ = ["Initialise"]


class Initialise(wiring.Component):
    """Name one row a cycle after reset, and say what is to be in it (GEN-06).

    vCPUs begin offline, placed one after the other in the lanes of domain 0, 1, ...

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    sweep : ``Out``: ``busy``, ``row``
        For memories with a row a vCPU.
    head : ``Out(head_layout)``
        The head row that is named.
    lanes, dom : ``Out(1)``, ``Out(domain_bits)``
        All lanes of this domain are without a vCPU.
    ready : ``Out(1)``
        All is done, ``max(vcpus, domains) + 1`` cycles after reset.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "sweep": Out(wiring.Signature({"busy": Out(1), "row": Out(config.vcpu_bits)})),
            "head": Out(head_layout(config)),
            "lanes": Out(1), "dom": Out(config.domain_bits), "ready": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.sweep = sweep = Sweep(max(config.vcpus, config.domains))
        dom, k = Signal(4), Signal(range(config.lanes + 1))
        m.d.sync += k.eq(k + 1)
        with m.If(k == config.lanes - 1):
            m.d.sync += [k.eq(0), dom.eq(dom + 1)]
        row = reset_row(config, v=sweep.row, dom=dom, k=k)
        m.d.comb += [self.head[name].eq(value) for name, value in row.items()]
        m.d.comb += [self.sweep.busy.eq(sweep.busy), self.sweep.row.eq(sweep.row)]
        m.d.sync += [
            self.lanes.eq(sweep.busy & (sweep.row < config.domains)), self.dom.eq(sweep.row),
            self.ready.eq(~sweep.busy),
        ]
        return m
