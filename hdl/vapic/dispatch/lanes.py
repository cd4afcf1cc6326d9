"""What dispatch knows of every vCPU: one LUT RAM a lane, with a row a domain."""

from itertools import pairwise

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..rows import Read, RowMemory, Sweep
from .policy import built

__all__ = ["LaneStore", "kept", "metrics_layout"]

#: What every request needs of a lane, whatever its policy.
_MATCHED = ("frozen", "svr_enabled", "id", "ldr", "flat", "sched", "v")


def kept(config) -> data.StructLayout:
    """What is kept of `Layouts.lane`: what every request needs and what the policies built read.

    ``present`` is ``online`` and ``enabled``. An ``ldr`` that is neither ``flat`` nor ``cluster``
    is 0, which matches nothing.
    """
    read = {"count" if name == "load" else name
            for policy in built(config) for name in policy.lane}
    return data.StructLayout({"present": 1} | {
        name: field for name, field in Layouts(config).lane.members.items()
        if name in _MATCHED or name in read})


def metrics_layout(config) -> data.StructLayout:
    """One bit for each thing that the policies built read of a lane besides ``sched``."""
    return data.StructLayout({name: 1 for name in Layouts(config).lane.members | {"load": 8}
                              if name not in _MATCHED
                              and any(name in policy.lane for policy in built(config))})


class LaneStore(wiring.Component):
    """Keep the lane rows and out counts, a cycle behind the decisions that write them.

    A row decided in cycle T is read from cycle T+2 on. A selection that starts in C0 reads in
    C0+1, so it sees exactly the decisions before C0 (SEL-23). What is read passes a register, as a
    domain has many rows and all of them are compared. Notes, which come a cycle early, travel
    through two registers more. After reset the
    rows of all domains are written to 0, that is offline, in ``domains`` cycles (GEN-06); writes
    that arrive meanwhile say nothing else and are dropped. Out counts are kept if a policy built
    reads loads.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    lane_write, out_write : ``In(Layouts.lane_write)``, ``In(Layouts.out_write)``
        Writes: of a row in its decision cycle, of a count in the cycle after that.
    lane_note : ``In(Layouts.lane_note)``
        Notice of a change, a cycle before its decision.
    dom : ``In(domain_bits)``
        Domain to read.
    reads : ``In(metrics_layout(config))``
        What of its metrics; ``load`` is the count of the row and the out count.
    rows, outs : ``Out(ArrayLayout)``
        Row and out count of every lane of ``dom`` of the cycle before; what was not to be read
        is 0.
    notes : ``Out(ArrayLayout(Layouts.lane_note, 3))``
        Notes about decisions of this cycle, of one cycle ago and of two cycles ago.
    ready : ``Out(1)``
        All rows are written.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        super().__init__({
            "lane_write": In(layouts.lane_write), "out_write": In(layouts.out_write),
            "lane_note": In(layouts.lane_note), "dom": In(config.domain_bits),
            "reads": In(metrics_layout(config)),
            "rows": Out(data.ArrayLayout(kept(config), config.lanes)),
            "outs": Out(data.ArrayLayout(8, config.lanes)),
            "notes": Out(data.ArrayLayout(layouts.lane_note, 3)),
            "ready": Out(1),
        })

        def memories(shape, count):
            return [RowMemory(shape, config.domains, reads={"read": Read.NOW}, lut_ram=True,
                              sweep=True, quiet=True) for _ in range(count)]

        self.row_memories = memories(kept(config), config.lanes)
        self.out_memories = memories(8, config.lanes if "count" in kept(config).members else 0)

    def elaborate(self, platform):
        m = Module()
        layouts, layout = Layouts(self._config), kept(self._config)
        m.submodules.sweep = sweep = Sweep(self._config.domains)
        m.d.comb += self.ready.eq(~sweep.busy)

        lane, out, row = Signal(layouts.lane_write), self.out_write, Signal(layout)
        m.d.comb += [row[name].eq(lane.row[name]) for name in layout.members if name != "present"]
        m.d.comb += [row.present.eq(lane.row.online & lane.row.enabled),
                     row.ldr.eq(Mux(lane.row.flat | lane.row.cluster, lane.row.ldr, 0))]
        for memories, written, value, found in (
                (self.row_memories, lane, row, self.rows),
                (self.out_memories, out, out.out, self.outs)):
            for k, memory in enumerate(memories):
                m.submodules += memory
                m.d.comb += [
                    memory.sweep.busy.eq(sweep.busy), memory.sweep.row.eq(sweep.row),
                    memory.write.en.eq(written.en & written.lanes[k]),
                    memory.write.addr.eq(written.dom), memory.write.data.eq(value),
                    memory.read.addr.eq(self.dom),
                ]
                m.d.sync += found[k].eq(memory.read.data)
        self._leave_out(m)
        notes = [self.lane_note, *self.notes]
        # Until ready the registers stay at their reset value, which is the rows' too.
        with m.If(self.ready):
            m.d.sync += [lane.eq(self.lane_write), *(new.eq(old) for old, new in pairwise(notes))]
        return m

    def _leave_out(self, m):
        """Metrics that are not read are 0 by the reset of their registers, which takes no gate."""
        for name in metrics_layout(self._config).members:
            with m.If(~self.reads[name]):
                for row, out in zip(self.rows, self.outs, strict=True):
                    m.d.sync += [row.count.eq(0), out.eq(0)] if name == "load" else row[name].eq(0)
