"""What dispatch sees of a vCPU."""

from amaranth import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..layouts.lanes import policy_registers
from ..trees import decode
from .head import head_layout

__all__ = ["LaneView"]


class LaneView(wiring.Component):
    """Row of a lane, made of the head row of the vCPU in it; combinational.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    write : ``In(1)``
        The vCPU's state may have changed and it is in its lane, or was.
    v, head : ``In(vcpu_bits)``, ``In(head_layout)``
        The vCPU.
    ppr, apr, load : ``In(8)``
        What follows from its state.
    clear, clear_dom : ``In(1)``, ``In(domain_bits)``
        Initialisation, while ``head`` is 0: no vCPU is in any lane of this domain.
    lane_write : ``Out(Layouts.lane_write)``
        For dispatch.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "write": In(1), "v": In(config.vcpu_bits), "head": In(head_layout(config)),
            "ppr": In(8), "apr": In(8), "load": In(8),
            "clear": In(1), "clear_dom": In(config.domain_bits),
            "lane_write": Out(Layouts(config).lane_write),
        })

    def elaborate(self, platform):
        m = Module()
        head, lanes, lane = self.head, self.config.lanes, self.lane_write.row
        m.d.comb += [
            self.lane_write.en.eq(self.clear | self.write),
            self.lane_write.dom.eq(Mux(self.clear, self.clear_dom, head.dom)),
            self.lane_write.lanes.eq(decode(head.k, lanes) | self.clear.replicate(lanes)),
            lane.online.eq(head.online), lane.frozen.eq(head.freeze), lane.enabled.eq(head.en),
            lane.svr_enabled.eq(head.svr_enabled), lane.id.eq(head.id), lane.ldr.eq(head.ldr),
            lane.flat.eq(head.dfr == 0xF), lane.cluster.eq(head.dfr == 0),
            lane.sched.eq(head.sched), lane.tpr.eq(head.tpr), lane.ppr.eq(self.ppr),
            lane.apr.eq(self.apr), lane.count.eq(self.load), lane.v.eq(self.v),
        ]
        m.d.comb += [lane[name].eq(head[name]) for name in policy_registers()
                     if name in head.shape().members]
        return m
