"""Issue, cycle 0 of the bank's pipeline: where operations come from, and whose turn it is.

A source makes an operation of what it is handed and keeps its words.
"""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, NoteOp
from .decode import AccessDecoder, access_layout
from .operation import Op, ctl_layout, op_layout

__all__ = ["AcceptSource", "BusSource", "Issue", "NoteSource"]


class BusSource(wiring.Component):
    """Accesses to registers, one at a time: decoded in one cycle, an operation from the next on.

    All that others see of it comes from flip-flops.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i : ``In(stream.Signature(Layouts.bus_request))``
        The access.
    hold : ``In(1)``
        No writes now.
    decided : ``In(1)``
        The operation is in its last stage.
    o : ``Out(stream.Signature(op_layout))``
        The operation.
    waiting, busy : ``Out(1)``
        An access waits for issue; it is in the pipeline.
    access, request : ``Out(access_layout)``, ``Out(Layouts.bus_request)``
        The one in the pipeline, decoded and as it came.
    """

    def __init__(self, config):
        self.config = config
        request = Layouts(config).bus_request
        super().__init__({
            "i": In(stream.Signature(request)), "hold": In(1), "decided": In(1),
            "o": Out(stream.Signature(op_layout(config))), "waiting": Out(1), "busy": Out(1),
            "access": Out(access_layout(config)), "request": Out(request),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.decoder = decoder = AccessDecoder(self.config)
        m.d.comb += [
            decoder.request.eq(self.i.payload),
            self.i.ready.eq(~self.waiting & ~self.busy),
            self.o.valid.eq(self.waiting & ~(self.hold & self.access.we)),
            self.o.payload.kind.eq(Op.BUS), self.o.payload.v.eq(self.access.v),
        ]
        with m.If(self.i.ready):
            m.d.sync += [self.access.eq(decoder.access), self.request.eq(self.i.payload),
                         self.waiting.eq(self.i.valid)]
        with m.Elif(self.o.ready):
            m.d.sync += [self.waiting.eq(0), self.busy.eq(1)]
        with m.Elif(self.decided):
            m.d.sync += self.busy.eq(0)
        return m


class AcceptSource(wiring.Component):
    """Targets of grants.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i : ``In(stream.Signature(Layouts.accept))``
        The target.
    o : ``Out(stream.Signature(op_layout))``
        The operation.
    """

    def __init__(self, config):
        super().__init__({"i": In(stream.Signature(Layouts(config).accept)),
                          "o": Out(stream.Signature(op_layout(config)))})

    def elaborate(self, platform):
        m = Module()
        target, op = self.i.payload, self.o.payload
        m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready),
                     op.kind.eq(Op.ACCEPT)]
        m.d.comb += [op[name].eq(target[name]) for name in target.shape().members]
        return m


class NoteSource(wiring.Component):
    """Notes of the event channels; at most one write of CTL at a time.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i : ``In(stream.Signature(Layouts.note))``
        The note.
    hold : ``In(1)``
        No writes of CTL now.
    decided : ``In(1)``
        The write of CTL in the pipeline is in its last stage.
    port_taken : ``In(1)``
        The out count could not be looked up in time: stage 3 wants it for a CTL write and stage 6
        for a bus access (LOAD), by one port.
    o : ``Out(stream.Signature(op_layout))``
        The operation.
    busy : ``Out(1)``
        A write of CTL is in the pipeline.
    ctl : ``Out(ctl_layout)``
        It.
    """

    def __init__(self, config):
        super().__init__({
            "i": In(stream.Signature(Layouts(config).note)),
            "hold": In(1), "decided": In(1), "port_taken": In(1),
            "o": Out(stream.Signature(op_layout(config))), "busy": Out(1), "ctl": Out(ctl_layout()),
        })

    def elaborate(self, platform):
        m = Module()
        note, op = self.i.payload, self.o.payload
        is_ctl = note.op == NoteOp.CTL
        m.d.comb += [
            self.o.valid.eq(self.i.valid
                            & ~(is_ctl & (self.hold | self.busy | self.port_taken))),
            self.i.ready.eq(self.o.ready),
            op.kind.eq(Mux(is_ctl, Op.CTL, Op.UPCALL)), op.v.eq(note.v),
            op.pend.eq(note.pend), op.line.eq(note.line), op.rise.eq(note.rise),
        ]
        with m.If(self.o.ready & is_ctl):
            m.d.sync += self.busy.eq(1)
        with m.Elif(self.decided):
            m.d.sync += self.busy.eq(0)
        with m.If(~self.busy):
            m.d.sync += [self.ctl.eq(note.data), self.ctl.held.eq(note.held)]
        return m


class Issue(wiring.Component):
    """Choose the operation that enters the pipeline in this cycle.

    Combinational from source to `op`. The source served last comes last, the others follow it in
    turn (LAPIC-12). A source whose vCPU has an operation that is not decided yet is passed over.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    sources : int
        How many there are.
    stages : int
        Stages of the pipeline after issue.

    Members
    -------
    enable : ``In(1)``
        Operations may be issued (initialisation is done).
    sources : ``In(stream.Signature(op_layout))`` x ``sources``
        What they want.
    under_way : ``In(ArrayLayout)``
        The operations in stages 1, 2, ...
    op : ``Out(op_layout)``
        The operation issued; 0 if there is none.
    """

    def __init__(self, config, *, sources: int, stages: int):
        op = op_layout(config)
        super().__init__({
            "enable": In(1), "sources": In(stream.Signature(op)).array(sources),
            "under_way": In(data.ArrayLayout(op, stages)), "op": Out(op),
        })

    def elaborate(self, platform):
        m = Module()
        sources, count, op = self.sources, len(self.sources), self.op
        stages = [self.under_way[i] for i in range(len(self.under_way))]

        def free(v):
            # The last stage writes now, and what is issued now reads its row in the next cycle.
            return ~Cat(stage.valid & (stage.v == v) for stage in stages[:-1]).any()

        want, take, last = Signal(count), Signal(count), Signal(range(max(2, count)))
        for i, source in enumerate(sources):
            m.d.comb += [
                want[i].eq(source.valid & free(source.payload.v)),
                take[i].eq(self.enable & want[i] & ~Cat(
                    want[j] & _before(j, i, last, count) for j in range(count) if j != i).any()),
                source.ready.eq(take[i]),
            ]
            with m.If(take[i]):
                m.d.sync += last.eq(i)

        # At most one is taken.
        chosen = Const(0, len(op.as_value()))
        for i, source in enumerate(sources):
            chosen = chosen | source.payload.as_value() & take[i].replicate(len(chosen))
        m.d.comb += [op.as_value().eq(chosen), op.valid.eq(take.any())]
        return m


def _before(j: int, i: int, last: Signal, count: int):
    """Source `j` comes before source `i`, if source `last` was served last."""
    return Cat(last == n for n in range(count)
               if (j - n - 1) % count < (i - n - 1) % count).any()
