"""Counters of every vCPU, kept as memories: grants, wakes, aborts."""

from amaranth import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..rows import Read, RowMemory
from .decode import access_layout

__all__ = ["VcpuCounter", "VcpuCounters"]

_NAMES = {"GRANTS": "granted", "ABORTS": "aborted", "WAKES": "woken"}


def _sweep(config) -> wiring.Signature:
    return wiring.Signature({"busy": Out(1), "row": Out(config.vcpu_bits)})


class VcpuCounters(wiring.Component):
    """The counters, and the one that is read.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    granted, aborted, woken : ``In(Layouts.vcpu_strobe)``
        Counted, as `VcpuCounter` says.
    sweep : ``In``
        Of `Initialise`.
    access, v : ``In(access_layout)``, ``In(vcpu_bits)``
        Cycle N (``v``), N+1 and N+2: the access in the pipeline.
    count : ``Out(32)``
        N+1: the counter that it reads, else 0.
    late : ``Out(1)``
        N+2: one is to be added to it, so that strobes of cycles up to N+2 are included.
    """

    def __init__(self, config):
        self.config = config
        strobe = Layouts(config).vcpu_strobe
        super().__init__({name: In(strobe) for name in _NAMES.values()} | {
            "sweep": In(_sweep(config)), "access": In(access_layout(config)),
            "v": In(config.vcpu_bits), "count": Out(32), "late": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        counted, late = Const(0, 32), Const(0, 1)
        for register, strobe in _NAMES.items():
            m.submodules[register.lower()] = counter = VcpuCounter(self.config)
            asked = self.access.target[register] & ~self.access.we
            m.d.comb += [
                counter.strobe.eq(getattr(self, strobe)), counter.read_v.eq(self.v),
                counter.sweep.busy.eq(self.sweep.busy), counter.sweep.row.eq(self.sweep.row),
            ]
            counted = counted | (counter.count & asked.replicate(32))
            late = late | (counter.late & asked)
        m.d.comb += [self.count.eq(counted), self.late.eq(late)]
        return m


class VcpuCounter(wiring.Component):
    """Count strobes, 32 bits a vCPU, wrapping.

    A read in cycle N counts the strobes of cycles up to N+2; it answers in two parts that the
    reader adds. Strobes of one vCPU must be at least five cycles apart, which those of selections
    and of operations on one vCPU are; those of different vCPUs may be adjacent.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    strobe : ``In(Layouts.vcpu_strobe)``
        One more for vCPU ``v``; none during the sweep.
    sweep : ``In``
        Of `Initialise`.
    read_v : ``In(vcpu_bits)``
        Cycle N: the vCPU read.
    count : ``Out(32)``
        N+1: its count so far.
    late : ``Out(1)``
        N+2: add one to it.
    """

    def __init__(self, config):
        super().__init__({
            "strobe": In(Layouts(config).vcpu_strobe), "sweep": In(_sweep(config)),
            "read_v": In(config.vcpu_bits), "count": Out(32), "late": Out(1),
        })
        self.counts = RowMemory(32, config.vcpus, sweep=True, quiet=True,
                                reads={"old": Read.BEFORE, "read": Read.BEFORE})

    def elaborate(self, platform):
        m = Module()
        m.submodules.counts = counts = self.counts
        strobe_1, strobe_2 = Signal.like(self.strobe), Signal.like(self.strobe)
        read_v_1, read_v_2 = Signal.like(self.read_v), Signal.like(self.read_v)
        late_1, late_2, sum_2 = Signal(), Signal(), Signal(32)
        m.d.comb += [
            counts.sweep.busy.eq(self.sweep.busy), counts.sweep.row.eq(self.sweep.row),
            counts.old.addr.eq(self.strobe.v), counts.read.addr.eq(self.read_v),
            counts.write.en.eq(strobe_2.valid), counts.write.addr.eq(strobe_2.v),
            counts.write.data.eq(sum_2), self.count.eq(counts.read.data),
            self.late.eq(late_2 | _is(self.strobe, read_v_2)),
        ]
        with m.If(strobe_1.valid):
            m.d.sync += sum_2.eq(counts.old.data + 1)
        m.d.sync += [
            strobe_1.eq(self.strobe), strobe_2.eq(strobe_1),
            read_v_1.eq(self.read_v), read_v_2.eq(read_v_1),
            late_1.eq(_is(self.strobe, self.read_v) | _is(strobe_1, self.read_v)
                      | _is(strobe_2, self.read_v)),
            late_2.eq(late_1 | _is(self.strobe, read_v_1)),
        ]
        return m


def _is(strobe, v):
    return strobe.valid & (strobe.v == v)
