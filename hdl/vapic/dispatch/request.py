"""C0 and C1 of a selection: what is asked, as of its start."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .. import rules
from ..layouts import Layouts, Mode
from ..policy import falls_back
from .eligible import criteria
from .lanes import metrics_layout
from .order import PolicyDecoder, ordering

__all__ = ["RequestSnapshot", "asked_layout"]


_HINT = ("hint_valid", "hint", "slack", "learn")


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
