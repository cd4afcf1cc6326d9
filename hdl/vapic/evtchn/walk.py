"""The walk over the changed bits of a word (EVT-12, EVT-15, EVT-41)."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import ValueLike

from ..trees import lowest
from .bus import BusSide
from .cursor import Cursor
from .decode import Kind
from .port_step import STEP, PortStep
from .rows import PortState
from .states import States
from .store import Store

__all__ = ["Walk", "add_walk_states"]


class Walk:
    """Bits left to do, and what the stages of the walk hold.

    Attributes
    ----------
    left : 32
        Bits to do.
    of_pending, sets : 1
        It is a change of pending bits; they are set.
    interrupted : 1
        A grant went between two bits of a mask change, which is to go on.
    row_due, step_due : 1
        A port's row is here; a step is due.
    written : 1
        Of a change of pending bits: the word is written.
    """

    def __init__(self, request):
        self.left = Signal(32)
        self.of_pending, self.sets = Signal(), request.addr[7]
        self.interrupted = Signal()
        self.row_due, self.step_due, self.written = Signal(), Signal(), Signal()

    def start(self, m: Module, bits: ValueLike) -> None:
        """Walk over these bits."""
        m.d.sync += self.left.eq(bits)

    def prepare(self, m: Module, bus: BusSide, step: PortStep, auto_reraise) -> None:
        """Begin or resume: what is done to each bit."""
        pending = bus.kind == Kind.PENDING_CHANGE
        mask = {"mask": 1, "flip": 1, "bitwise": 1}
        m.d.sync += [
            step.todo.eq(Mux(pending, STEP.const({"put": 1}), STEP.const(mask))),
            step.todo.reraise.eq(~pending & auto_reraise),
            step.todo.value.eq(self.sets), step.todo.autoeoi.eq(pending & ~self.sets),
            self.of_pending.eq(pending),
            self.row_due.eq(0), self.step_due.eq(0), self.written.eq(0),
        ]


def add_walk_states(m: Module, states: States, bus: BusSide, cursor: Cursor, store: Store,
                    step: PortStep, walk: Walk, *, mask_now, grant, notes_free, ports) -> None:
    """States of the walk.

    It passes over the bits left in ascending order, one a cycle, in a pipeline of three: read the
    port's row; read the rows of its lane and PIRQ; step. It stands still while a note waits for
    the bank. Between the bits of a mask change a grant that waits goes first, then at least one
    bit. A change of pending bits is decided, all of it, with the first step; the rows of further
    PIRQs follow a cycle each.
    """
    row, word, here = store.port, store.word, cursor.now
    with states.state("WALK", writes_rows=walk.step_due):
        some, first = lowest(m, walk.left, name="walk")
        issue, last = Signal(), Signal()
        m.d.comb += [issue.eq(some & ~(grant.waits & ~walk.of_pending)),
                     last.eq(~walk.row_due & ~some)]
        with m.If(notes_free):
            # The step. All pending bits change with the first one, or with none to do.
            m.d.comb += step.fire.eq(walk.step_due)
            with m.If(walk.of_pending & ~walk.written & (walk.step_due | last)):
                m.d.comb += store.write_word.eq(1)
                m.d.sync += walk.written.eq(1)
                bus.record_access(m)
            with m.If(walk.step_due & ~walk.of_pending):
                number = bus.request.addr[14:18] * ports + Cat(step.bit, here.port[5:])
                bus.record(m, "mask_bit", place=number, masked=step.now_masked)

            # The port's row is here. The word may be cleared already; a bit that is left was set.
            m.d.sync += walk.step_due.eq(walk.row_due)
            with m.If(walk.row_due):
                cursor.move(m, k=row.notify, n=row.tie.n)
                step.found(
                    m, bit=here.port[:5], is_pirq=row.state == PortState.PIRQ,
                    pending=word.pending.bit_select(here.port[:5], 1) | walk.of_pending,
                    masked=word.mask.bit_select(here.port[:5], 1))
            with m.Else():
                with m.If(~walk.step_due):
                    m.d.sync += mask_now.eq(word.mask)

            # The next bit.
            m.d.sync += walk.row_due.eq(issue)
            with m.If(issue):
                cursor.move(m, port=Cat(first, here.port[5:]))
                m.d.sync += [walk.left.eq(walk.left & (walk.left - 1)), grant.granted.eq(0)]

            with m.If(last & walk.of_pending):
                bus.answer(m, err=bus.err)
                m.next = "IDLE"
            with m.Elif(last):
                m.next = "WALK_END"
            with m.Elif(~walk.row_due & ~issue):
                m.d.sync += walk.interrupted.eq(1)
                m.next = "IDLE"

    with states.state("WALK_END"):
        bus.answer(m, err=bus.err)
        bus.record_access(m)
        m.next = "IDLE"
