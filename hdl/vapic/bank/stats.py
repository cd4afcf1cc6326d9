"""A counter per vCPU, kept as a memory: grants, wakes, aborts."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts

__all__ = ["VcpuCounter"]


class VcpuCounter(wiring.Component):
    """Count strobes, 32 bits a vCPU, wrapping.

    A read in cycle N counts the strobes of cycles up to N+1; it answers in two parts that the
    reader adds. Strobes of one vCPU must be at least five cycles apart, which those of selections
    and of operations on one vCPU are; those of different vCPUs may be adjacent.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    strobe : ``In(Layouts.vcpu_strobe)``
        One more for vCPU ``v``.
    clear, clear_v : ``In(1)``, ``In(vcpu_bits)``
        Write 0 for that vCPU (initialisation); no strobe counts while ``clear`` is 1.
    read_v : ``In(vcpu_bits)``
        Cycle N: the vCPU read.
    count : ``Out(32)``
        N+1: its count so far.
    late : ``Out(1)``
        N+2: add one to it.
    """

    def __init__(self, config):
        super().__init__({
            "strobe": In(Layouts(config).vcpu_strobe),
            "clear": In(1), "clear_v": In(config.vcpu_bits), "read_v": In(config.vcpu_bits),
            "count": Out(32), "late": Out(1),
        })
        self.counts = Memory(shape=32, depth=config.vcpus, init=[])

    def elaborate(self, platform):
        m = Module()
        m.submodules.counts = counts = self.counts
        old, read, write = counts.read_port(), counts.read_port(), counts.write_port()
        read_1 = Signal.like(self.strobe)
        sum_2 = Signal.like(self.strobe)
        read_v_1, late_1 = Signal.like(self.read_v), Signal()
        m.d.comb += [
            old.addr.eq(self.strobe.v),
            write.en.eq(sum_2.valid), write.addr.eq(sum_2.v),
            read.addr.eq(self.read_v), self.count.eq(read.data),
        ]
        m.d.sync += [
            read_1.eq(self.strobe),
            sum_2.eq(read_1),
            write.data.eq(old.data + 1),
            read_v_1.eq(self.read_v),
            late_1.eq(_is(self.strobe, self.read_v) | _is(read_1, self.read_v)
                      | _is(sum_2, self.read_v)),
            self.late.eq(late_1 | _is(self.strobe, read_v_1)),
        ]
        with m.If(self.clear):
            m.d.sync += [read_1.valid.eq(0), sum_2.valid.eq(1), sum_2.v.eq(self.clear_v),
                         write.data.eq(0)]
        return m


def _is(strobe, v):
    return strobe.valid & (strobe.v == v)
