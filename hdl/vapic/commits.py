"""One numbering over the commit records of all units (GEN-09); simulation only."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .layouts import BankOp, EvtOp, Layouts, SelectOp

__all__ = ["UNITS", "CommitOrder"]

#: Units with a commit stream.
UNITS = ("access", "ioapic", "bank", "evt", "lines", "msi", "dispatch")


class CommitOrder(wiring.Component):
    """Give every record its place in the commit order; combinational.

    Within a cycle: register reads (access, ioapic), the end of a selection without a grant,
    register writes (ioapic), all accesses of bank and evt, then acceptances and upcalls of the
    bank, grants of the event channels, lines, messages, writes of global registers, and a selection
    start last.

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
        def rank(unit):
            record = inputs[unit].record
            match unit:
                case "access":
                    return Mux(record.we, 11, 0)
                case "ioapic":
                    return Mux(record.we, 4, 1)
                case "bank":
                    late = (record.op == BankOp.ACCEPT) | (record.op == BankOp.UPCALL)
                    return Mux(late, 7, 5)
                case "evt":
                    return Mux(record.op == EvtOp.GRANT, 8, 6)
                case "dispatch":
                    return Mux(record.op == SelectOp.END, 2, 12)
            return {"lines": 9, "msi": 10}[unit]

        ranks = {unit: Signal(4, name=f"rank_{unit}") for unit in UNITS}
        m.d.comb += [ranks[unit].eq(rank(unit)) for unit in UNITS]

        count = Signal(32)
        m.d.sync += count.eq(count + sum(port.valid for port in inputs.values()))
        for unit, port in inputs.items():
            before = sum(other.valid & (ranks[name] < ranks[unit])
                         for name, other in inputs.items() if name != unit)
            out = getattr(self, unit)
            m.d.comb += [out.valid.eq(port.valid), out.record.eq(port.record),
                         out.record.seq.eq(count + before)]
        return m
