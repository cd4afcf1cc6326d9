"""Notes to the bank: one at a time, and what comes next waits until it is taken."""

from amaranth import Module, Signal

from ..layouts import Layouts, NoteOp

__all__ = ["BankNotes"]


class BankNotes:
    """The note on its way to the bank.

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
        self.valid, self.free = Signal(), Signal()
        m.d.comb += [
            self.free.eq(~self.valid | unit.note.ready),
            unit.note.valid.eq(self.valid), unit.note.payload.eq(note),
            unit.note.payload.data.eq(unit.bus.req.payload.data),
        ]
        with m.If(unit.note.ready):
            m.d.sync += self.valid.eq(0)

    def upcall(self, m: Module, v, *, pending, mask, rise) -> None:
        """The upcall state of vCPU `v` is about to be this."""
        note = self._note
        m.d.sync += [
            self.valid.eq(1), note.op.eq(NoteOp.UPCALL), note.v.eq(v),
            note.pend.eq(pending), note.line.eq(pending & ~mask), note.rise.eq(rise),
        ]

    def ctl(self, m: Module, v, *, held) -> None:
        """VCPU_CTL of `v` is written; `held`: another one online has the lane it names."""
        m.d.sync += [self.valid.eq(1), self._note.op.eq(NoteOp.CTL), self._note.v.eq(v),
                     self._note.held.eq(held)]
