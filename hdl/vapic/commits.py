"""One numbering over the commit records of all units (GEN-09); simulation only."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .layouts import BankOp, EvtOp, Layouts

__all__ = ["UNITS", "CommitOrder"]

#: Units with a commit stream, in rank order of their register accesses.
UNITS = ("access", "ioapic", "bank", "evt", "lines", "msi", "dispatch")


class CommitOrder(wiring.Component):
    """Give every record its place in the commit order; combinational.

    Within a cycle: register accesses (access, ioapic, bank, evt), then acceptances and upcalls of the
    bank, grants of the event channels, lines, messages, and what dispatch says last.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    in_access, in_ioapic, ... : ``In(commit_port)``
        Records of the units; their ``seq`` is ignored.
    access, ioapic, ... : ``Out(commit_port)``
        The same with ``seq``, which counts from 0 over all units.
    """

    def __init__(self, config):
        port = Layouts(config).commit_port
        super().__init__({f"in_{unit}": In(port) for unit in UNITS}
                         | {unit: Out(port) for unit in UNITS})

    def elaborate(self, platform):
        m = Module()
        inputs = {unit: getattr(self, f"in_{unit}") for unit in UNITS}
        ranks = {}
        for place, unit in enumerate(UNITS):
            op = inputs[unit].record.op
            late = {"bank": (op == BankOp.ACCEPT) | (op == BankOp.UPCALL),
                    "evt": op == EvtOp.GRANT}.get(unit, 0)
            ranks[unit] = Signal(4, name=f"rank_{unit}")
            base = place if place < 4 else place + 2
            m.d.comb += ranks[unit].eq(Mux(late, place + 2, base))

        count = Signal(32)
        m.d.sync += count.eq(count + sum(port.valid for port in inputs.values()))
        for unit, port in inputs.items():
            before = sum(other.valid & (ranks[name] < ranks[unit])
                         for name, other in inputs.items() if name != unit)
            out = getattr(self, unit)
            m.d.comb += [out.valid.eq(port.valid), out.record.eq(port.record),
                         out.record.seq.eq(count + before)]
        return m
