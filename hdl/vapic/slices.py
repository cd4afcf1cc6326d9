"""Registers between two blocks, so that their paths do not add up."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .layouts import Layouts

__all__ = ["SinkSlice", "StreamSkid", "StreamSlice"]


class StreamSlice(wiring.Component):
    """Pass a stream through one register: a cycle of latency, one transfer a cycle.

    ``valid`` and ``payload`` come from flip-flops; ``ready`` goes back combinationally.

    Parameters
    ----------
    shape : ShapeLike
        Of the payload.

    Members
    -------
    i, o : ``In(stream)``, ``Out(stream)``
        In and out.
    """

    def __init__(self, shape):
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        return m


class StreamSkid(wiring.Component):
    """Pass a stream on at once, and tell from a flip-flop whether there is room.

    ``valid`` and ``payload`` have no latency. ``ready`` does not depend on that of who takes: what
    was not taken in its cycle is kept here, and goes first.

    Parameters
    ----------
    shape : ShapeLike
        Of the payload.

    Members
    -------
    i, o : ``In(stream)``, ``Out(stream)``
        In and out.
    """

    def __init__(self, shape):
        self._shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        kept, full = Signal(self._shape), Signal()
        m.d.comb += [
            self.i.ready.eq(~full), self.o.valid.eq(full | self.i.valid),
            self.o.payload.eq(Mux(full, kept, self.i.payload)),
        ]
        m.d.sync += full.eq(self.o.valid & ~self.o.ready)
        with m.If(~full):
            m.d.sync += kept.eq(self.i.payload)
        return m


class SinkSlice(wiring.Component):
    """Pass the targets of a sink on through a register.

    It takes a cycle, and one may go each cycle; ``ready`` comes from a flip-flop, ``ok`` and
    ``done`` go straight.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    payload : StructLayout
        Of a target.

    Members
    -------
    i, o : ``In``, ``Out(Layouts.sink(payload))``
        Dispatch and sink.
    """

    def __init__(self, config, payload):
        self._payload = payload
        sink = Layouts(config).sink(payload)
        super().__init__({"i": In(sink), "o": Out(sink)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.room = room = StreamSkid(self._payload)
        m.submodules.targets = targets = StreamSlice(self._payload)
        connect(m, flipped(self.i.target), room.i)
        connect(m, room.o, targets.i)
        connect(m, targets.o, flipped(self.o.target))
        m.d.comb += [self.o.ok.eq(self.i.ok), self.i.done.eq(self.o.done)]
        return m
