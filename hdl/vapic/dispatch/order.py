"""How the lanes of one request are ordered: by which policy, and what a tie and a grant do."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, Policy
from ..policy import POLICIES, built, falls_back
from .lanes import metrics_layout

__all__ = ["PolicyDecoder", "ordering", "rule_of"]


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
