"""C0 and C1 of a selection: what is asked as of its start, and how that orders the lanes."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .. import rules
from ..layouts import Layouts, Mode, Policy
from ..policy import POLICIES, built, falls_back
from .lanes import metrics_layout

__all__ = ["PolicyDecoder", "RequestSnapshot", "asked_layout", "criteria", "rule_of"]

_HINT = ("hint_valid", "hint", "slack", "learn")

#: What a request asks of a lane, prepared from its entry.
criteria = data.StructLayout({
    "physical": 1, "logical": 1,    # destination mode; both: broadcast; neither: no owner (E3)
    "evt": 1,                       # path EVT
    "allow": 4,                     # by SCHED code, all ones for a static request (E5)
})


def ordering(config) -> data.StructLayout:
    """How a selection orders its lanes; ``by`` and ``rule`` have one bit for each policy built.

    A static request is ordered by none: its keys are 0, and the smallest v comes first. Where a
    policy falls back, ``rule`` is the policy in force, and ``by`` the one that it falls back to;
    else both are the same, and without such a policy in the configuration ``by`` is all there is.
    """
    return data.StructLayout({
        "policy": Policy,           # as in the trace record
        "by": len(built(config)),   # whose key
        "two": 1,                   # the policy plays two rounds
        "load": 1,                  # the choice rests on the winner's load (SEL-20)
        "by_v": 1,                  # ties to the smallest v, else by rotation (SEL-11)
        "rotate": 1,                # a grant moves RRPTR
        "dynamic": 1,
        "error": 1,                 # the number is reserved or not built (ERR-07)
        **({"rule": len(built(config)),     # whose rounds and verdict
            "rotate_back": 1, "error_back": 1,      # the same, if the fallback decides
            } if falls_back(config) else {}),
    })


def rule_of(order):
    """One bit for each policy built: whose rounds are played."""
    return order["rule" if "rule" in order.shape().members else "by"]


def asked_layout(config) -> data.StructLayout:
    """What a selection asks for, all of it as of its start; but for ``tag``, ``now`` and
    ``settings``, which come from C0, it is valid from C2 on.
    """
    layouts = Layouts(config)
    return data.StructLayout({
        "tag": config.pirq_bits, "now": 32, "settings": layouts.globals,
        "dom": config.domain_bits, "rrptr": config.lane_bits,
        "ask": criteria, "open": config.lanes,      # open: term E6 of each lane
        "order": ordering(config),
        "several": 1,       # static, fixed: every match is a target
        "wrong_mode": 1,    # IOA-18
        "in_flight": config.lanes,      # path EVT and ser=1: where it is; if anywhere, blocked
        # Of a policy that falls back, if one is built.
        **({name: layouts.request[name].shape for name in _HINT} if falls_back(config) else {}),
        "illegal": 1,       # path LAPIC and the vector cannot be requested (IOA-18)
    })


class RequestSnapshot(wiring.Component):
    """Take over the request with all that it rests on (SEL-23).

    Time and settings are those of C0, as they are before the decisions of that cycle. Request,
    PIRQ row and rotation pointer arrive in C1, each as of before C0.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    idle, begin : ``In(1)``
        1 up to C0; C1.
    tag, now, settings : ``In``
        The request offered, time and settings; taken over while ``idle``.
    request, pirq_row, pointers : ``In``
        What ``tag`` named in the cycle before, and RRPTR of every domain; taken over in C1.
    reads : ``Out(metrics_layout(config))``
        What the policy reads of lanes, in C1.
    asked : ``Out(asked_layout(config))``
        All of it.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        super().__init__({
            "idle": In(1), "begin": In(1),
            "tag": In(config.pirq_bits), "now": In(32), "settings": In(layouts.globals),
            "request": In(layouts.request), "pirq_row": In(layouts.pirq_row),
            "pointers": In(data.ArrayLayout(config.lane_bits, config.domains)),
            "reads": Out(metrics_layout(config)), "asked": Out(asked_layout(config)),
        })

    def elaborate(self, platform):
        m = Module()
        c, asked, request = self._config, self.asked, self.request
        m.submodules.policy = policy = PolicyDecoder(c)
        dynamic, lowest, everyone = Signal(), Signal(), Signal()
        m.d.comb += [
            everyone.eq(request.dest == 0xFF),
            lowest.eq(rules.lowest_priority(request.mode)),
            dynamic.eq(rules.dynamic(request, asked.settings.dyn_off)),
            policy.number.eq(request.policy), policy.settings.eq(asked.settings),
            policy.dynamic.eq(dynamic), self.reads.eq(policy.reads),
        ]
        with m.If(self.idle):
            m.d.sync += [asked.tag.eq(self.tag), asked.now.eq(self.now),
                         asked.settings.eq(self.settings)]
        with m.If(self.begin):
            m.d.sync += [
                asked.ask.evt.eq(request.path),
                asked.ask.physical.eq(request.owned & (~request.logical | everyone)),
                asked.ask.logical.eq(request.owned & (request.logical | everyone)),
                asked.ask.allow.eq(Mux(dynamic, request.allow, 0xF)),
                asked.order.eq(policy.order), asked.several.eq(~dynamic & ~lowest),
                asked.dom.eq(request.dom), asked.rrptr.eq(self.pointers[request.dom]),
                asked.open.eq(Mux(
                    request.path, self.pirq_row.open & ~Mux(dynamic, self.pirq_row.infl, 0),
                    (1 << c.lanes) - 1)),
                asked.wrong_mode.eq((request.mode != Mode.FIXED) & ~lowest),
                asked.in_flight.eq(Mux(request.path & request.ser, self.pirq_row.infl, 0)),
                asked.illegal.eq(~request.path & ~rules.legal_vector(request.vector, c.vectors)),
            ]
            if falls_back(c):
                m.d.sync += [asked[name].eq(request[name]) for name in _HINT]
        return m


class PolicyDecoder(wiring.Component):
    """Policy in force for a request (spec 4.2); combinational.

    A number that is reserved or not built acts as LOWPRI, with ``error``.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    number : ``In(4)``
        Policy of the request, 15 for the default one.
    settings : ``In(Layouts.globals)``
        Registers POLICY and LPCFG.
    dynamic : ``In(1)``
        The request is dynamic.
    order : ``Out(ordering(config))``
        How to order the lanes.
    reads : ``Out(metrics_layout(config))``
        What of each lane that takes.
    """

    def __init__(self, config):
        self._policies, metrics = built(config), metrics_layout(config)
        super().__init__({"number": In(4), "settings": In(Layouts(config).globals),
                          "dynamic": In(1), "order": Out(ordering(config)), "reads": Out(metrics)})

    def elaborate(self, platform):
        m = Module()
        order, settings, number = self.order, self.settings, Signal(4)
        fixed_tie = settings.lpcfg[3]
        m.d.comb += [number.eq(Mux(self.number == 15, settings.policy, self.number)),
                     order.dynamic.eq(self.dynamic)]
        with m.If(~self.dynamic):
            m.d.comb += [order.policy.eq(Policy.STATIC), order.by_v.eq(1)]
        with m.Else():
            m.d.comb += [
                order.policy.eq(Policy.LOWPRI), order.by[0].eq(1), rule_of(order)[0].eq(1),
                order.error.eq(1), order.by_v.eq(fixed_tie), order.rotate.eq(~fixed_tie),
            ]
            with m.Switch(number):
                for i, policy in enumerate(self._policies):
                    with m.Case(policy.number.value):
                        m.d.comb += [
                            order.policy.eq(policy.number), rule_of(order).eq(1 << i),
                            order.two.eq(policy.rounds == 2), order.error.eq(0),
                            order.load.eq(policy.rests_on_load),
                        ]
                        if policy.falls_back:
                            self._fall_back(m, fixed_tie)
                        else:
                            self._decide(m, i, policy, order.rotate)
        for i, policy in enumerate(self._policies):
            metrics = policy.metrics(settings)
            used = rule_of(order)[i] if policy.falls_back else order.by[i]
            for name in policy.lane:
                with m.If(used & metrics.get(name, 1)):
                    m.d.comb += self.reads[name].eq(1)
        return m

    def _decide(self, m, i, policy, rotate):
        """The policy whose key decides, and what that means for ties."""
        m.d.comb += self.order.by.eq(1 << i)
        if policy.always_rotates:
            m.d.comb += [self.order.by_v.eq(0), rotate.eq(1)]

    def _fall_back(self, m, fixed_tie):
        """The policy of POLICY[7:4] decides; one of two rounds counts as LOWPRI (SEL-04, 13)."""
        order = self.order
        m.d.comb += [order.rotate_back.eq(~fixed_tie), order.error_back.eq(1)]
        with m.Switch(self.settings.policy_fallback):
            with m.Case(*(policy.number.value for policy in POLICIES.values()
                          if policy.rounds == 2)):
                m.d.comb += order.error_back.eq(0)
            for i, policy in enumerate(self._policies):
                if policy.rounds == 1:
                    with m.Case(policy.number.value):
                        m.d.comb += order.error_back.eq(0)
                        self._decide(m, i, policy, order.rotate_back)
