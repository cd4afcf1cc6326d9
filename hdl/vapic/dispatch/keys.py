"""How targets are ordered: the policy in force, and the key it gives a lane."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, Policy, SchedState

__all__ = ["LaneKey", "Metric", "PolicyDecoder", "ordering"]


class Metric(enum.Enum, shape=2):
    """What LOWPRI compares (LPCFG[1:0]), or nothing at all."""

    TPR = 0
    PPR = 1
    APR = 2
    ZERO = 3


#: How a selection orders its lanes.
ordering = data.StructLayout({
    "policy": Policy,           # as in the trace record
    "metric": Metric, "load": 1,    # key: the metric, or the load
    "pull": 1,                  # running lanes with room first (SEL-16)
    "by_v": 1,                  # ties to the smallest v, else by rotation (SEL-11)
    "rotate": 1,                # a grant moves RRPTR
    "dynamic": 1,
    "error": 1,                 # policy number reserved or not built (ERR-07)
})


class PolicyDecoder(wiring.Component):
    """Policy in force for a request (spec 4.2); combinational.

    Policies 0, 1, 2 and 6 are built, any other number acts as LOWPRI with ``error``. A static
    request has key 0 and the smallest v first, and leaves RRPTR alone.

    Members
    -------
    number : ``In(4)``
        Policy of the entry, 15 for the default one.
    default : ``In(4)``
        Register POLICY[3:0].
    lpcfg : ``In(4)``
        Register LPCFG; bit 2 (focus) is not built.
    dynamic : ``In(1)``
        The request is dynamic.
    order : ``Out(ordering)``
        How to order the lanes.
    """

    number: In(4)
    default: In(4)
    lpcfg: In(4)
    dynamic: In(1)
    order: Out(ordering)

    def elaborate(self, platform):
        m = Module()
        order = self.order
        number = Signal(4)
        rr = number == Policy.RR.value
        fixed_tie = self.lpcfg[3] & ~rr
        m.d.comb += [number.eq(Mux(self.number == 15, self.default, self.number)),
                     order.dynamic.eq(self.dynamic)]
        with m.If(~self.dynamic):
            m.d.comb += [order.policy.eq(Policy.STATIC), order.metric.eq(Metric.ZERO),
                         order.by_v.eq(1)]
        with m.Else():
            m.d.comb += [order.by_v.eq(fixed_tie), order.rotate.eq(~fixed_tie)]
            with m.Switch(number):
                with m.Case(Policy.RR.value):
                    m.d.comb += [order.policy.eq(Policy.RR), order.metric.eq(Metric.ZERO)]
                with m.Case(Policy.LEAST.value):
                    m.d.comb += [order.policy.eq(Policy.LEAST), order.load.eq(1)]
                with m.Case(Policy.PULL.value):
                    m.d.comb += [order.policy.eq(Policy.PULL), order.load.eq(1),
                                 order.pull.eq(1)]
                with m.Default():
                    m.d.comb += [
                        order.policy.eq(Policy.LOWPRI),
                        order.metric.eq(Mux(self.lpcfg[1], Metric.APR,
                                            Mux(self.lpcfg[0], Metric.PPR, Metric.TPR))),
                        order.error.eq(number != Policy.LOWPRI.value),
                    ]
        return m


class LaneKey(wiring.Component):
    """Key, tie-break and round of one lane; combinational.

    The load is ``min(255, out + count)`` (SEL-10). The round is when the lane takes part in the
    tournament: under PULL running lanes in the first and blocked ones in the second, otherwise
    all in the first.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    lane : int
        Number k of the lane.

    Members
    -------
    row, out : ``In(Layouts.lane)``, ``In(8)``
        The lane.
    order : ``In(ordering)``
        Policy in force.
    rrptr : ``In(lane_bits)``
        Rotation pointer of the domain.
    key : ``Out(8)``
        Smallest wins.
    tie : ``Out(vcpu_bits)``
        Smallest wins among equal keys, then the lower lane.
    first, second : ``Out(1)``
        The lane takes part in that round, if it is eligible.

    Raises
    ------
    ValueError
        If there is no such lane.
    """

    def __init__(self, config, *, lane: int):
        if not 0 <= lane < config.lanes:
            raise ValueError(f"lane must be 0..{config.lanes - 1}, not {lane!r}")
        self._config, self._lane = config, lane
        super().__init__({
            "row": In(Layouts(config).lane), "out": In(8), "order": In(ordering),
            "rrptr": In(config.lane_bits),
            "key": Out(8), "tie": Out(config.vcpu_bits), "first": Out(1), "second": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        row, order = self.row, self.order
        load, metric = Signal(9), Signal(8)
        with m.Switch(order.metric):
            for kind, value in ((Metric.TPR, row.tpr), (Metric.PPR, row.ppr),
                                (Metric.APR, row.apr)):
                with m.Case(kind):
                    m.d.comb += metric.eq(value)
        # In rotation the lanes from RRPTR on come first, and lower lanes first within each part.
        passed = self.rrptr > self._lane
        m.d.comb += [
            load.eq(row.count + self.out),
            self.key.eq(Mux(order.load, load[:8] | load[8].replicate(8), metric)),
            self.tie.eq(Mux(order.by_v, row.v,
                            passed << (self._config.vcpu_bits - 1))),
            self.first.eq(~order.pull | (row.sched == SchedState.RUNNING)),
            self.second.eq(order.pull & (row.sched == SchedState.BLOCKED)),
        ]
        return m
