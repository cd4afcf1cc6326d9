"""What dispatch knows of every vCPU: one LUT RAM a lane, with a row a domain."""

from itertools import pairwise

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..policy import built
from ..rows import Read, RowMemory, Sweep

__all__ = ["LaneStore", "kept", "metrics_layout", "seen"]

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


def seen(config) -> data.StructLayout:
    """What a selection sees of a lane: `kept`, but for what is compared with the request first.

    ``present`` is 0 if SVR[8] is asked for and not set. ``same_id`` and ``same_ldr`` say for each
    pair of bits of ID, and of the high half of LDR, whether it is the destination's, ``common_ldr``
    for each pair of LDR whether a bit is set in both.
    """
    compared = {"same_id": 4, "common_ldr": 4, "same_ldr": 2}
    return data.StructLayout({name: field for name, field in kept(config).members.items()
                              if name not in ("svr_enabled", "id", "ldr")} | compared)


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
    dom, dest, evt : ``In(domain_bits)``, ``In(8)``, ``In(1)``
        Domain to read; destination, and whether SVR[8] is not asked for.
    reads : ``In(metrics_layout(config))``
        What of its metrics; ``load`` is the count of the row and the out count.
    rows, outs : ``Out(ArrayLayout)``
        What is `seen`, and the out count, of every lane of ``dom`` of the cycle before; what was
        not to be read is 0.
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
            "dest": In(8), "evt": In(1),
            "reads": In(metrics_layout(config)),
            "rows": Out(data.ArrayLayout(seen(config), config.lanes)),
            "outs": Out(data.ArrayLayout(8, config.lanes)),
            "notes": Out(data.ArrayLayout(layouts.lane_note, 3)),
            "ready": Out(1),
        })

        def memories(shape, count):
            return [RowMemory(shape, config.domains, reads={"read": Read.NOW}, lut_ram=True)
                    for _ in range(count)]

        self.row_memories = memories(kept(config), config.lanes)
        self.out_memories = memories(8, config.lanes if "count" in kept(config).members else 0)

    def elaborate(self, platform):
        m = Module()
        layouts, layout = Layouts(self._config), kept(self._config)
        m.submodules.sweep = sweep = Sweep(self._config.domains)
        m.d.comb += self.ready.eq(~sweep.busy)

        # Until ready the register stays at its reset value: rows of 0, for every lane.
        every = (1 << self._config.lanes) - 1
        lane = Signal(layouts.lane_write, init={"lanes": every})
        out, row = self.out_write, Signal(layout)
        m.d.comb += [row[name].eq(lane.row[name]) for name in layout.members if name != "present"]
        m.d.comb += [row.present.eq(lane.row.online & lane.row.enabled),
                     row.ldr.eq(Mux(lane.row.flat | lane.row.cluster, lane.row.ldr, 0))]
        sweeping = sweep.busy.replicate(self._config.lanes)
        for memories, written, lanes, value in (
                (self.row_memories, lane, lane.lanes, row),
                (self.out_memories, out, out.lanes & out.en.replicate(len(out.lanes)) | sweeping,
                 out.out)):
            for k, memory in enumerate(memories):
                m.submodules += memory
                m.d.comb += [
                    memory.write.en.eq(lanes[k]), memory.write.data.eq(value),
                    memory.write.addr.eq(Mux(sweep.busy, sweep.row, written.dom)),
                    memory.read.addr.eq(self.dom),
                ]
        for memory, count in zip(self.out_memories, self.outs, strict=False):
            m.d.sync += count.eq(memory.read.data)
        self._compare(m)
        self._leave_out(m)
        notes, new = [self.lane_note, *self.notes], self.lane_write
        with m.If(self.ready):
            m.d.sync += [lane.eq(new), lane.lanes.eq(new.lanes & new.en.replicate(len(new.lanes))),
                         *(later.eq(note) for note, later in pairwise(notes))]
        return m

    def _compare(self, m):
        """What is seen of the rows that are read."""
        for memory, found in zip(self.row_memories, self.rows, strict=True):
            row, dest = memory.read.data, self.dest
            same_id, common = ~(row.id ^ dest), row.ldr & dest
            same_ldr = ~(row.ldr ^ dest)[4:]
            m.d.sync += [found[name].eq(row[name]) for name in kept(self._config).members
                         if name in found.shape().members]
            m.d.sync += [
                found.present.eq(row.present & (row.svr_enabled | self.evt)),
                found.same_id.eq(Cat(same_id[i:i + 2].all() for i in range(0, 8, 2))),
                found.same_ldr.eq(Cat(same_ldr[:2].all(), same_ldr[2:].all())),
                found.common_ldr.eq(Cat(common[i:i + 2].any() for i in range(0, 8, 2))),
            ]

    def _leave_out(self, m):
        """Metrics that are not read are 0 by the reset of their registers, which takes no gate."""
        for name in metrics_layout(self._config).members:
            with m.If(~self.reads[name]):
                for row, out in zip(self.rows, self.outs, strict=True):
                    m.d.sync += [row.count.eq(0), out.eq(0)] if name == "load" else row[name].eq(0)
