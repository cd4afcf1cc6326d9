"""Answer of a bus access, gathered on its way through the pipeline."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err, Layouts
from ..rules import load
from .decode import access_layout

__all__ = ["BusAnswer"]


class BusAnswer(wiring.Component):
    """There is at most one bus access in the pipeline, so its answer is held, not carried along.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    access : ``In(access_layout)``
        The bus access in the pipeline.
    read : ``In``: ``valid``, ``value``, ``live``, ``berr``, ``err``
        Stage 3.
    word : ``In``: ``valid``, ``value``, ``count``
        Stage 5: word of a bitmap, or a counter, if it is one that is read; else 0.
    decided : ``In``: ``valid``, ``ppr``, ``apr``, ``load``, ``out``, ``late``
        Stage 6; ``late`` is added to ``count``.
    rsp : ``Out(stream)``
        The answer, stage 7.
    """

    def __init__(self, config):
        layouts = Layouts(config)
        super().__init__({
            "access": In(access_layout(config)),
            "read": In(data.StructLayout({
                "valid": 1, "value": 32, "live": 1, "berr": 1, "err": Err})),
            "word": In(data.StructLayout({"valid": 1, "value": 32, "count": 32})),
            "decided": In(data.StructLayout({
                "valid": 1, "ppr": 8, "apr": 8, "load": 8, "out": 8, "late": 1})),
            "rsp": Out(stream.Signature(layouts.bus_response, always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()
        target, reading, payload = self.access.target, ~self.access.we, self.rsp.payload
        value, live = Signal(32), Signal()
        with m.If(self.read.valid):
            m.d.sync += [value.eq(self.read.value), live.eq(self.read.live),
                         payload.berr.eq(self.read.berr), payload.err.eq(self.read.err)]
        with m.If(self.word.valid & reading & (
                live & (target.IRR | target.ISR | target.TMR)
                | target.GRANTS | target.ABORTS | target.WAKES)):
            m.d.sync += value.eq(self.word.value | self.word.count)

        answer, load_7, out_7 = Signal(32), Signal(8), Signal(8)
        loads, late = Signal(), Signal()
        decided, live_read = self.decided, live & reading
        m.d.sync += [
            self.rsp.valid.eq(decided.valid),
            load_7.eq(decided.load), out_7.eq(decided.out), loads.eq(target.LOAD & reading),
            late.eq(decided.late),
            answer.eq(value
                      | Mux(live_read & target.PPR, decided.ppr, 0)
                      | Mux(live_read & target.APR, decided.apr, 0)),
        ]
        m.d.comb += payload.data.eq((answer + late) | load(out_7, load_7) & loads.replicate(8))
        return m
