"""One grant on its way: targets out to the sink, decisions back."""

from amaranth import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import AcceptResult, Layouts
from ..rows import Read, RowMemory
from ..trees import lowest

__all__ = ["Delivery"]

#: Targets that may be under way to the sink at once, plus one.
_FLIGHT = 16


class Delivery(wiring.Component):
    """Send the targets of a grant in ascending k, and tell what became of each.

    A grant with a chosen target is offered in the cycle after ``start``, another one a cycle
    later. Several targets wait for ``hold_ack`` unless the sink is ``in_order``: it decides what
    it was given before the hold before any target anyway. Then the first goes alone, since an
    abort of it ends the grant, and the others follow one a cycle (at most 15 under way).
    Decisions come back in order, in the cycle after the transfer at the earliest; what became of
    them is told here a cycle later.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    start : ``In(1)``
        Begin a grant; only when the last one has ended.
    chosen, k : ``In(1)``, ``In(lane_bits)``
        Send to lane ``k`` alone.
    targets : ``In(lanes)``
        Otherwise the lanes to send to, at least one.
    v : ``In(ArrayLayout(vcpu_bits, lanes))``
        The vCPU in each lane; constant while a grant is under way.
    comes : ``Out(1)``
        The first of several targets may be offered in the next cycle.
    valid, ready : ``Out(1)``, ``In(1)``
        A target is offered, and taken.
    target : ``Out``
        ``target_layout``: lane, vCPU, whether it is the first, the last and the only one.
    in_order : ``In(1)``
        The sink is the one whose accesses are held.
    hold, hold_ack : ``Out(1)``, ``In(1)``
        The grant has several targets: from before the first is sent until the last decision.
    deciding : ``In(1)``
        The sink decides in this cycle.
    done, result : ``In(1)``, ``In(AcceptResult)``
        It did in the cycle before, and how.
    decided : ``Out``
        ``target_layout`` of the target that ``done`` is about.
    checked : ``Out(1)``
        A decision now would be the first of the grant.
    ended : ``Out(1)``
        ``done`` is the last decision of the grant.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        #: Shape of ``target`` and ``decided``.
        self.target_layout = data.StructLayout({
            "k": config.lane_bits, "v": config.vcpu_bits, "first": 1, "last": 1, "single": 1})
        super().__init__({
            "start": In(1), "chosen": In(1), "k": In(config.lane_bits),
            "targets": In(config.lanes),
            "v": In(data.ArrayLayout(layouts.lane["v"].shape, config.lanes)),
            "comes": Out(1), "valid": Out(1), "ready": In(1), "target": Out(self.target_layout),
            "in_order": In(1), "hold": Out(1), "hold_ack": In(1),
            "deciding": In(1), "done": In(1), "result": In(AcceptResult),
            "decided": Out(self.target_layout),
            "checked": Out(1), "ended": Out(1),
        })
        self.flight = RowMemory(self.target_layout, _FLIGHT, reads={"read": Read.NOW},
                                lut_ram=True)

    def elaborate(self, platform):
        m = Module()
        lanes = self._config.lanes
        k, left, first = Signal(self._config.lane_bits), Signal(lanes), Signal()
        idle = Signal()
        target, decided = self.target, self.decided
        _, next_k = lowest(m, left)
        rest = Signal(lanes)
        m.d.comb += rest.eq(left & (left - 1))

        def advance():
            return [k.eq(next_k), left.eq(rest)]

        # Targets sent and not decided, oldest first.
        m.submodules.flight = self.flight
        write, read = self.flight.write, self.flight.read
        oldest, newest = Signal(range(_FLIGHT)), Signal(range(_FLIGHT))
        full, sent = Signal(), Signal()
        m.d.comb += [
            full.eq((newest + 1)[:len(oldest)] == oldest),
            sent.eq(self.valid & self.ready),
            write.en.eq(sent), write.addr.eq(newest), write.data.eq(target),
            read.addr.eq(oldest),
        ]
        m.d.sync += [newest.eq(newest + sent), oldest.eq(oldest + self.deciding),
                     decided.eq(read.data)]

        abort = first & (self.result == AcceptResult.ABORT)
        m.d.comb += [
            target.k.eq(k), target.v.eq(self.v[k]), target.first.eq(first),
            target.last.eq(~left.any()), target.single.eq(~self.hold),
            self.checked.eq(first), self.ended.eq(self.done & (decided.last | abort)),
        ]
        with m.If(self.done):
            m.d.sync += first.eq(0)

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += idle.eq(1)
                m.d.sync += [k.eq(self.k), left.eq(self.targets), first.eq(1)]
                with m.If(self.start):
                    m.next = "FIRST"
                    with m.If(~self.chosen):
                        m.next = "LOWEST"
            with m.State("LOWEST"):
                m.d.comb += self.comes.eq(1)
                m.d.sync += [advance(), self.hold.eq(rest.any())]
                m.next = "FIRST"
                with m.If(rest.any() & ~self.in_order):
                    m.next = "HOLD"
            with m.State("HOLD"):
                m.d.comb += self.comes.eq(1)
                with m.If(self.hold_ack):
                    m.next = "FIRST"
            with m.State("FIRST"):
                m.d.comb += self.valid.eq(1)
                with m.If(self.ready):
                    m.next = "FIRST_DECISION"
            with m.State("FIRST_DECISION"):
                with m.If(self.done):
                    m.d.sync += advance()
                    m.next = "OTHERS"
                with m.If(self.ended):
                    m.next = "IDLE"
            with m.State("OTHERS"):
                m.d.comb += self.valid.eq(~full)
                with m.If(sent):
                    m.d.sync += advance()
                    with m.If(~left.any()):
                        m.next = "LAST_DECISION"
                with m.If(self.ended):
                    m.next = "IDLE"
            with m.State("LAST_DECISION"):
                with m.If(self.ended):
                    m.next = "IDLE"
        with m.If(idle & self.chosen):
            m.d.sync += left.eq(0)
        with m.If(self.ended):
            m.d.sync += self.hold.eq(0)
        return m
