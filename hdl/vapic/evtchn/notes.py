"""Notes to the bank: one at a time, and what comes next waits until none is under way."""

from amaranth import Module, Mux, Signal

from ..layouts import Layouts, NoteOp

__all__ = ["BankNotes"]


class BankNotes:
    """The notes on their way to the bank, in order: one that is new, and two that wait.

    A new one is offered at once; if it is not taken in that cycle, it waits. Nothing is begun while
    one is under way. What may make several looks at ``free``, which comes from a flip-flop: none
    was under way a cycle ago. Whoever has seen it may make one in that cycle and in the next, for
    which the two places are enough.

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
        self._new, out = Signal(), unit.note
        # Two places in turn; every note is written to one, also if it need not wait there.
        places = [Signal.like(note, name=f"place_{i}") for i in range(2)]
        waits, writes, reads, new = Signal(2), Signal(), Signal(), self._new
        taken = out.valid & out.ready
        m.d.comb += [
            self.valid.eq(new | waits.any()), out.valid.eq(self.valid),
            out.payload.eq(Mux(waits.any(), Mux(reads, places[1], places[0]), note)),
            out.payload.data.eq(unit.bus.req.payload.data),
        ]
        m.d.sync += [
            new.eq(0), self.free.eq(~self.valid), waits.eq(waits + new - taken),
            writes.eq(writes ^ new), reads.eq(reads ^ taken),
        ]
        for i, place in enumerate(places):
            with m.If(new & (writes == i)):
                m.d.sync += place.eq(note)

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
