"""What dispatch knows of every vCPU: one LUT RAM a lane, with a row a domain."""

from itertools import pairwise

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts

__all__ = ["LaneStore"]


class LaneStore(wiring.Component):
    """Keep the lane rows and out counts, two cycles behind the decisions that write them.

    A row decided in cycle T is read from cycle T+3 on. A selection that starts in C0 reads in
    C0+2, so it sees exactly the decisions before C0 (SEL-23). Reading is combinational from
    ``dom``. The notes travel through the same two registers. After reset the rows of all domains
    are written to 0, that is offline, in ``domains`` cycles (GEN-06); writes that arrive
    meanwhile say nothing else and are dropped.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    lane_write, out_write : ``In(Layouts.lane_write)``, ``In(Layouts.out_write)``
        Writes, in their decision cycle.
    lane_note : ``In(Layouts.lane_note)``
        Notice of a change, in its decision cycle.
    dom : ``In(domain_bits)``
        Domain to read.
    rows, outs : ``Out(ArrayLayout)``
        Row and out count of every lane of ``dom``.
    notes : ``Out(ArrayLayout(Layouts.lane_note, 2))``
        Notes of one cycle ago and of two cycles ago.
    ready : ``Out(1)``
        All rows are written.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        super().__init__({
            "lane_write": In(layouts.lane_write), "out_write": In(layouts.out_write),
            "lane_note": In(layouts.lane_note), "dom": In(config.domain_bits),
            "rows": Out(data.ArrayLayout(layouts.lane, config.lanes)),
            "outs": Out(data.ArrayLayout(8, config.lanes)),
            "notes": Out(data.ArrayLayout(layouts.lane_note, 2)),
            "ready": Out(1),
        })

        def memories(shape):
            return [Memory(shape=shape, depth=config.domains, init=[],
                           attrs={"ram_style": "distributed"}) for _ in range(config.lanes)]

        self.row_memories = memories(layouts.lane)
        self.out_memories = memories(8)

    def elaborate(self, platform):
        m = Module()
        layouts = Layouts(self._config)
        init = Signal(range(self._config.domains + 1))
        m.d.comb += self.ready.eq(init == self._config.domains)

        lane = [self.lane_write, *(Signal(layouts.lane_write, name=f"lane_{i}") for i in (1, 2))]
        out = [self.out_write, *(Signal(layouts.out_write, name=f"out_{i}") for i in (1, 2))]
        for memories, stages, row, reads in (
                (self.row_memories, lane, lane[2].row, self.rows),
                (self.out_memories, out, out[2].out, self.outs)):
            written = stages[2]
            for k, memory in enumerate(memories):
                m.submodules += memory
                write, read = memory.write_port(), memory.read_port(domain="comb")
                m.d.comb += [
                    write.en.eq(~self.ready | written.en & written.lanes[k]),
                    write.addr.eq(Mux(self.ready, written.dom, init)),
                    write.data.eq(row),
                    read.addr.eq(self.dom), reads[k].eq(read.data),
                ]
        notes = [self.lane_note, self.notes[0], self.notes[1]]
        # Until ready the registers stay at their reset value, which is the rows' too.
        with m.If(self.ready):
            for stages in (lane, out, notes):
                m.d.sync += [new.eq(old) for old, new in pairwise(stages)]
        with m.Else():
            m.d.sync += init.eq(init + 1)
        return m
