"""Interrupt lines that change by themselves, in hardware."""

from typing import Any

from amaranth import Cat, Const, Module, Signal
from amaranth.hdl import Elaboratable

__all__ = ["Shaker"]


class Shaker(Elaboratable):
    """Drives lines to given levels, and inverts some line now and then: one in about 12 cycles.

    Parameters
    ----------
    pin : Signal
        The lines.
    idle : Signal
        Whether the controller is idle.

    Attributes
    ----------
    base : Signal
        To be driven: the levels, before inversion.
    run : Signal
        To be driven: lines change by themselves.
    seed : Signal
        To be driven, before `run`: where the random sequence starts, not 0.
    flips : Signal
        Lines that are inverted.
    changes, overlapped : Signal
        Changes so far, and those of them while the controller was not idle; 32 bits each.
    """

    def __init__(self, pin: Any, idle: Any):
        self._pin, self._idle = pin, idle
        self.base, self.flips = Signal(len(pin)), Signal(len(pin))
        self.run, self.seed = Signal(), Signal(32)
        self.changes, self.overlapped = Signal(32), Signal(32)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self._pin.eq(self.base ^ self.flips)

        # Marsaglia's xorshift, one number a cycle.
        number, seed, change = Signal(32), Signal(32), Signal()
        once = number ^ Cat(Const(0, 13), number)[:32]
        twice = once ^ once[17:]
        m.d.sync += seed.eq(self.seed)
        with m.If(seed != self.seed):
            m.d.sync += number.eq(self.seed)
        with m.Elif(self.run):
            m.d.sync += number.eq(twice ^ Cat(Const(0, 5), twice)[:32])

        m.d.comb += change.eq(self.run & (number[:8] < 21))
        with m.If(change):
            line = (number[8:20] * len(self.base))[12:]
            m.d.sync += [self.flips.eq(self.flips ^ (1 << line)),
                         self.changes.eq(self.changes + 1),
                         self.overlapped.eq(self.overlapped + (self._idle == 0))]
        return m
