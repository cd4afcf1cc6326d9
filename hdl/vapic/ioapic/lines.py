"""Interrupt lines: synchronised, and compared with their last sample."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Lines"]


class Lines(wiring.Component):
    """Take the pins in through two flip-flops and find their edges (IOA-03, IOA-04).

    A pin reaches ``line`` three cycles after it changed. An edge is told in the cycle before, the
    decision cycle, so that what it sets becomes visible together with the new ``line``. The
    previous sample is ``line`` itself, before polarity: a change of polarity or trigger changes
    what both samples mean and so makes no edge (IOA-14).

    After reset ``line`` is 0 until the first samples arrive. That makes no edge either, since every
    entry is masked and masked edges are not latched then (IOA-23, GEN-06).

    Parameters
    ----------
    width : int
        Number of pins.

    Members
    -------
    pin : ``In(width)``
        The lines, asynchronous.
    polarity, armed : ``In(width)``
        Active low; an edge counts.
    rest : ``In(1)``
        One of them is being written: no sample is taken, the next cycle looks at the next one. A
        level that lasts two samples is seen all the same, and writes are further apart than that.
    line : ``Out(width)``
        The synchronised pins, before polarity.
    edge : ``Out(width)``
        In this cycle a line is about to become active for an armed entry.
    differ : ``Out(width)``
        In this cycle the bit of ``line`` is about to change, unless lines ``rest``.
    changed : ``Out(1)``
        One of them is.
    settled : ``Out(1)``
        No change is on its way; combinational from ``pin``.
    """

    def __init__(self, width: int):
        super().__init__({
            "pin": In(width), "polarity": In(width), "armed": In(width), "rest": In(1),
            "line": Out(width), "edge": Out(width), "differ": Out(width), "changed": Out(1),
            "settled": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        meta, sample = Signal.like(self.line), Signal.like(self.line)
        differ = self.differ
        m.d.comb += [
            differ.eq(sample ^ self.line),
            self.edge.eq(differ & (sample ^ self.polarity) & self.armed
                         & ~self.rest.replicate(len(sample))),
            self.changed.eq(differ.any() & ~self.rest),
            self.settled.eq(~(differ | meta ^ self.line | self.pin ^ self.line).any()),
        ]
        m.d.sync += [meta.eq(self.pin), sample.eq(meta)]
        with m.If(~self.rest):
            m.d.sync += self.line.eq(sample)
        return m
