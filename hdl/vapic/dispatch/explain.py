"""The record of every grant that explains it (GEN-08)."""

from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts, Policy, SourceKind
from ..policy import key_bits

__all__ = ["TraceQueue"]


class TraceQueue(wiring.Component):
    """Queue of trace records that never delays a grant: a record that finds it full is dropped.

    A record offered in cycle N is on ``trace`` in N+2 at the earliest. Records are kept in the
    width that the configuration needs and widened on the way out. ``config.trace_depth`` records
    fit; a record taken from a full queue makes room in the next cycle.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    push : ``In(1)``
        ``record`` is to be queued in this cycle.
    record : ``In``
        `record_layout` of the configuration.
    trace : ``Out(stream.Signature(Layouts.trace))``
        Records, oldest first.
    dropped : ``Out(1)``
        Strobe: the record of this cycle is lost.
    quiet : ``Out(1)``
        ``trace`` stays as it is unless a record comes.
    """

    def __init__(self, config):
        self._config = config
        #: Shape of ``record``.
        self.record_layout = data.StructLayout({
            "now": 32, "n": config.pirq_bits, "kind": SourceKind, "candidates": config.lanes,
            "eligible": config.lanes, "policy": Policy, "key": key_bits(config),
            "target": config.vcpu_bits, "port": config.port_bits,
        })
        super().__init__({
            "push": In(1), "record": In(self.record_layout),
            "trace": Out(stream.Signature(Layouts(config).trace)), "dropped": Out(1),
            "quiet": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = SyncFIFOBuffered(width=self.record_layout.size,
                                                      depth=self._config.trace_depth)
        head, payload = data.View(self.record_layout, queue.r_data), self.trace.payload
        m.d.comb += [
            queue.w_data.eq(self.record), queue.w_en.eq(self.push),
            self.dropped.eq(self.push & ~queue.w_rdy),
            self.trace.valid.eq(queue.r_rdy), queue.r_en.eq(self.trace.ready),
            self.quiet.eq((queue.level == 0) | queue.r_rdy & ~self.trace.ready),
        ]
        m.d.comb += [payload[name].eq(head[name]) for name in self.record_layout.members]
        return m
