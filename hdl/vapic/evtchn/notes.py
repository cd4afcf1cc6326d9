"""Notes to the bank: one at a time, and what comes next waits until none is under way."""

from amaranth import Module, Mux, Signal

from ..layouts import Layouts, NoteOp

__all__ = ["BankNotes"]


class BankNotes:
    """The notes on their way to the bank, in order: one that is new, and two that wait.

    A new one is offered at once; if it is not taken in that cycle, it waits. What may make a note
    looks at ``free``, which comes from a flip-flop: no note was under way a cycle ago. Whoever has
    seen it may make one in that cycle and in the next, for which the two places are enough.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    unit : EventChannels
        Whose ``note`` is driven.

    Attributes
    ----------
    valid, free : 1
        A note is offered; another one may be made in this cycle.
    """

    def __init__(self, m: Module, unit):
        self._note = note = Signal(Layouts(unit.config).note)
        self.valid, self.free = Signal(), Signal(init=1)
        new, waits, (first, second) = Signal(), Signal(2), (
            Signal.like(note, name=name) for name in ("first", "second"))
        self._new, out = new, unit.note
        m.d.comb += [
            self.valid.eq(new | waits.any()), out.valid.eq(self.valid),
            out.payload.eq(Mux(waits[0], first, note)),
            out.payload.data.eq(unit.bus.req.payload.data),
        ]
        m.d.sync += [new.eq(0), self.free.eq(~self.valid)]
        with m.If(~waits[0] | out.ready):
            # What is behind the one that is taken moves up; an empty place takes the new one.
            m.d.sync += [
                first.eq(Mux(waits[1], second, note)),
                waits[0].eq(Mux(waits[0], waits[1] | new, new & ~out.ready)),
                waits[1].eq(waits[1] & new),
            ]
        with m.Else():
            m.d.sync += waits[1].eq(waits[1] | new)
        with m.If(~waits[1] | out.ready):
            m.d.sync += second.eq(note)

    def upcall(self, m: Module, v, *, pending, mask, rise) -> None:
        """The upcall state of vCPU `v` is about to be this."""
        note = self._note
        m.d.sync += [
            self._new.eq(1), note.op.eq(NoteOp.UPCALL), note.v.eq(v),
            note.pend.eq(pending), note.line.eq(pending & ~mask), note.rise.eq(rise),
        ]

    def ctl(self, m: Module, v, *, held) -> None:
        """VCPU_CTL of `v` is written; `held`: another one online has the lane it names."""
        m.d.sync += [self._new.eq(1), self._note.op.eq(NoteOp.CTL), self._note.v.eq(v),
                     self._note.held.eq(held)]
