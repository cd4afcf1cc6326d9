"""One numbering over the records of all units."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from .table import TABLE, UNITS

__all__ = ["CommitOrder"]


class CommitOrder(wiring.Component):
    """Give every record its number in the commit order; combinational (GEN-09).

    Records of an earlier cycle come first, and within a cycle they stand as the rows of `TABLE`.

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
        places = {unit: Signal(range(len(TABLE)), name=f"place_{unit}") for unit in UNITS}
        for place, row in enumerate(TABLE):
            record = inputs[row.unit].record
            this = record.op == row.op
            if row.writes is not None:
                this = this & (record.we == row.writes)
            with m.If(this):
                m.d.comb += places[row.unit].eq(place)

        count = Signal(32)
        m.d.sync += count.eq(count + sum(port.valid for port in inputs.values()))
        for unit, port in inputs.items():
            before = sum(other.valid & (places[name] < places[unit])
                         for name, other in inputs.items() if name != unit)
            out = getattr(self, unit)
            m.d.comb += [out.valid.eq(port.valid), out.record.eq(port.record),
                         out.record.seq.eq(count + before)]
        return m
