"""Issue of the bank's pipeline: three sources take turns, an operation waits for its vCPU."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, NoteOp
from .decode import AccessDecoder, access_layout
from .head import Kind, ctl_layout, op_layout

__all__ = ["Issue"]


class Issue(wiring.Component):
    """Choose the operation that enters the pipeline in this cycle.

    Combinational from request to `op`. The source served last comes last (bus, accept, note in
    turn). A source whose vCPU has an operation that is not decided yet is passed over, and so are
    bus writes under ``hold`` and CTL notes under ``hold_notes``. There is at most one bus access
    and one CTL note in the pipeline, so their words are held here, not carried along.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    stages : int
        Stages of the pipeline after issue.

    Members
    -------
    enable : ``In(1)``
        Operations may be issued (initialisation is done).
    request, accept, note : ``In(stream)``
        The sources.
    hold, hold_notes : ``In(1)``
        Held kinds of operations.
    hold_ack : ``Out(1)``
        None of those is in the pipeline.
    under_way : ``In(ArrayLayout)``
        The operations in stages 1, 2, ...
    op : ``Out(op_layout)``
        The operation issued; ``v`` counts even if it is not valid.
    access, request_held : ``Out``
        The bus access in the pipeline, decoded and as it came.
    ctl : ``Out(ctl_layout)``
        The CTL write in the pipeline.
    """

    def __init__(self, config, *, stages: int):
        self.config = config
        layouts = Layouts(config)
        self._op = op_layout(config)
        super().__init__({
            "enable": In(1),
            "request": In(stream.Signature(layouts.bus_request)),
            "accept": In(stream.Signature(layouts.accept)),
            "note": In(stream.Signature(layouts.note)),
            "hold": In(1), "hold_notes": In(1), "hold_ack": Out(1),
            "under_way": In(data.ArrayLayout(self._op, stages)),
            "op": Out(self._op),
            "access": Out(access_layout(config)),
            "request_held": Out(layouts.bus_request),
            "ctl": Out(ctl_layout()),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.decoder = decoder = AccessDecoder(config)
        access, accept, note = decoder.access, self.accept.payload, self.note.payload
        stages = [self.under_way[i] for i in range(len(self.under_way))]
        is_ctl = note.op == NoteOp.CTL

        def free(v):
            # The last stage writes now, and what is issued now reads its row in the next cycle.
            return ~Cat(stage.valid & (stage.v == v) for stage in stages[:-1]).any()

        bus_busy = Cat(s.valid & (s.kind == Kind.BUS) for s in stages).any()
        ctl_busy = Cat(s.valid & (s.kind == Kind.CTL) for s in stages).any()
        # CTL looks up its out count in stage 3 and a bus access (LOAD) in stage 6, by one port.
        port_taken = stages[2].valid & (stages[2].kind == Kind.BUS)

        want, take, last = Signal(3), Signal(3), Signal(2)
        m.d.comb += [
            decoder.request.eq(self.request.payload),
            want[0].eq(self.request.valid & ~bus_busy & ~(self.hold & access.we)
                       & free(access.v)),
            want[1].eq(self.accept.valid & free(accept.v)),
            want[2].eq(self.note.valid & free(note.v)
                       & ~(is_ctl & (self.hold_notes | ctl_busy | port_taken))),
            take[0].eq(self.enable & want[0] & ~((last == 0) & (want[1] | want[2]))
                       & ~((last == 1) & want[2])),
            take[1].eq(self.enable & want[1] & ~((last == 1) & (want[2] | want[0]))
                       & ~((last == 2) & want[0])),
            take[2].eq(self.enable & want[2] & ~((last == 2) & (want[0] | want[1]))
                       & ~((last == 0) & want[1])),
            Cat(self.request.ready, self.accept.ready, self.note.ready).eq(take),
            self.hold_ack.eq(~(bus_busy & self.access.we) & ~(self.hold_notes & ctl_busy)),
        ]

        op = self.op
        m.d.comb += [
            op.valid.eq(take.any()),
            op.kind.eq(Mux(take[1], Kind.ACCEPT, Mux(take[0], Kind.BUS,
                       Mux(is_ctl, Kind.CTL, Kind.UPCALL)))),
            op.v.eq(Mux(take[1], accept.v, Mux(take[0], access.v, note.v))),
            op.vector.eq(accept.vector), op.level.eq(accept.level),
            op.single.eq(accept.single), op.illegal.eq(accept.illegal),
            op.pend.eq(note.pend), op.line.eq(note.line), op.rise.eq(note.rise),
            op.n.eq(accept.n), op.first.eq(accept.first), op.last.eq(accept.last),
        ]

        with m.If(take[0]):
            m.d.sync += [self.access.eq(access), self.request_held.eq(self.request.payload),
                         last.eq(0)]
        with m.If(take[1]):
            m.d.sync += last.eq(1)
        with m.If(take[2]):
            m.d.sync += last.eq(2)
        with m.If(take[2] & is_ctl):
            m.d.sync += [self.ctl.eq(note.data), self.ctl.held.eq(note.held)]
        return m
