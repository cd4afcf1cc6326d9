"""How the lanes of one request are ordered: by which policy, and what a tie and a grant do."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, Policy
from .policy import built

__all__ = ["PolicyDecoder", "ordering"]


def ordering(config) -> data.StructLayout:
    """How a selection orders its lanes; ``by`` has one bit for each policy built.

    A static request is ordered by none: its keys are 0, and the smallest v comes first.
    """
    return data.StructLayout({
        "policy": Policy,           # as in the trace record
        "by": len(built(config)),   # whose key and rounds
        "two": 1,                   # the policy plays two rounds
        "load": 1,                  # the choice rests on the winner's load (SEL-20)
        "by_v": 1,                  # ties to the smallest v, else by rotation (SEL-11)
        "rotate": 1,                # a grant moves RRPTR
        "dynamic": 1,
        "error": 1,                 # the number is reserved or not built (ERR-07)
    })


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
    """

    def __init__(self, config):
        self._policies = built(config)
        super().__init__({"number": In(4), "settings": In(Layouts(config).globals),
                          "dynamic": In(1), "order": Out(ordering(config))})

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
                order.policy.eq(Policy.LOWPRI), order.by[0].eq(1), order.error.eq(1),
                order.by_v.eq(fixed_tie), order.rotate.eq(~fixed_tie),
            ]
            with m.Switch(number):
                for i, policy in enumerate(self._policies):
                    rotates = policy.always_rotates
                    with m.Case(policy.number.value):
                        m.d.comb += [
                            order.policy.eq(policy.number), order.by.eq(1 << i),
                            order.two.eq(policy.rounds == 2), order.error.eq(0),
                            order.load.eq(policy.rests_on_load),
                        ]
                        if rotates:
                            m.d.comb += [order.by_v.eq(0), order.rotate.eq(1)]
        return m
