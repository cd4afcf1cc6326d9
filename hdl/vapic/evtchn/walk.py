"""The walk over the changed bits of a word (EVT-12, EVT-15, EVT-41)."""

from amaranth import Cat, Module, Signal
from amaranth.hdl import ValueLike

from ..onehot import OneHot
from .bus import BusSide
from .cursor import Cursor
from .decode import Kind
from .first_bit import FirstBit
from .rows import PortState
from .step import PortStep
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
    begins, active : 1
        Its first cycle; any cycle of it, to the last step.
    issue : 1
        The row of the lowest bit's port is addressed, and the bit dropped.
    early, hold : 1
        The row of the PIRQ whose step is decided was read when the step before the last wrote it:
        it is read again, and what comes behind it waits.
    row_due, look_due, step_due : 1
        A port's row leaves the memory; it is in a register; the rows of its lane and PIRQ leave
        the memory, and a step is decided.
    """

    def __init__(self, m: Module, request):
        self.left = Signal(32)
        self.of_pending, self.sets = Signal(), request.addr[7]
        self.interrupted, self.begins, self.active = Signal(), Signal(), Signal()
        self.issue, self.early, self.hold = Signal(), Signal(), Signal()
        self.first = FirstBit(m, self.left, self.issue, name="left")
        self.row_due, self.look_due, self.step_due = Signal(), Signal(), Signal()
        #: Of the port whose step is decided: bit, pending and mask bit, bound to a PIRQ.
        self._bit, self._pending, self._masked, self._is_pirq = Signal(5), *(
            Signal() for _ in range(3))

    def keep_bits(self, m: Module, found: ValueLike) -> None:
        """Take the bits that are `found`, once, when none is left; drop each that is issued."""
        m.d.sync += self.left.eq(found | self.first.rest)

    def prepare(self, m: Module, bus: BusSide, step: PortStep, auto_reraise) -> None:
        """Begin or resume: what is done to each bit."""
        pending = bus.kind == Kind.PENDING_CHANGE
        masks = ~pending
        step.prepare(m, put=pending, mask=masks, flip=masks, bitwise=masks,
                     reraise=masks & auto_reraise, value=self.sets, autoeoi=pending & ~self.sets)
        m.d.sync += [
            self.of_pending.eq(pending), self.begins.eq(1), self.active.eq(1),
            self.row_due.eq(0), self.look_due.eq(0), self.step_due.eq(0),
        ]

    def look(self, m: Module, cursor: Cursor, store: Store, step: PortStep) -> None:
        """A port's row is here: stand at its lane and PIRQ.

        Of a change of pending bits the word is written already; a bit that is left was set.
        """
        row, word, bit = store.port, store.word, cursor.at.port[:5]
        cursor.follow(m, pirq=True)
        last, before = row.tie.n == cursor.now.n, row.tie.n == cursor.at.n
        m.d.sync += [
            # If the last step is at this PIRQ, too, the store shows what it writes.
            self.early.eq((row.state == PortState.PIRQ) & step.due & step.is_pirq & before
                          & ~(self.step_due & self._is_pirq & last)),
            self._bit.eq(bit), self._is_pirq.eq(row.state == PortState.PIRQ),
            self._pending.eq(word.pending.bit_select(bit, 1) | self.of_pending),
            self._masked.eq(word.mask.bit_select(bit, 1)),
        ]

    def decide(self, m: Module, bus: BusSide, cursor: Cursor, step: PortStep, ports: int) -> None:
        """Decide the step of that port; all pending bits were decided at the beginning."""
        step.found(m, bit=self._bit, pending=self._pending, masked=self._masked,
                   is_pirq=self._is_pirq)
        step.decide(m)
        with m.If(~self.of_pending):
            place = bus.request.addr[14:18] * ports + Cat(self._bit, cursor.now.port[5:])
            bus.record(m, "mask_bit", place=place, masked=~self._masked)


def add_walk_states(m: Module, states: OneHot, bus: BusSide, cursor: Cursor, store: Store,
                    step: PortStep, walk: Walk, *, mask_now, grant, ports, reraise) -> None:
    """States of the walk.

    It passes over the bits left in ascending order, one a cycle, in a pipeline of five: address
    the port's row; keep it; address the rows of its lane and PIRQ; decide; step. It stands still
    while a note waits for the bank, and for a cycle if steps at one PIRQ have just one of another
    between them. Between the bits of a mask change a grant that waits goes first, then at least one
    bit. A change of pending bits is decided, all of it, in the first cycle; the rows of PIRQs
    follow.
    """
    with states.state("WALK_ROW"):
        # The word is in its register: what is left to do of a new change is found.
        walk.prepare(m, bus, step, reraise)
        states.go("WALK")

    # What is due is so in WALK only.
    m.d.comb += walk.hold.eq(walk.early)
    with m.If(~store.stall):
        m.d.sync += walk.early.eq(0)
    with m.If(~store.stall & ~walk.hold):
        with m.If(walk.step_due):
            walk.decide(m, bus, cursor, step, ports)
        with m.If(walk.look_due):
            walk.look(m, cursor, store, step)

    with states.state("WALK", writes=(store.write_word,)):
        some, first = walk.first.some, walk.first.index
        issue, last = Signal(), Signal()
        m.d.comb += [issue.eq(some & ~(grant.waits & ~walk.of_pending)),
                     last.eq(~walk.row_due & ~walk.look_due & ~some)]
        with m.If(~store.stall & ~walk.hold):
            m.d.sync += [walk.begins.eq(0), walk.row_due.eq(issue),
                         walk.look_due.eq(walk.row_due), walk.step_due.eq(walk.look_due)]
            with m.If(walk.begins):
                m.d.sync += mask_now.eq(store.word.mask)
                with m.If(walk.of_pending):
                    states.write(store.write_word)
                    bus.record_access(m)
            # Nobody looks if it is not issued.
            cursor.move(m, port=Cat(first, cursor.now.port[5:]))
            with m.If(issue):
                m.d.comb += walk.issue.eq(1)
                m.d.sync += grant.granted.eq(0)
            with m.If(last):
                states.go("WALK_END")
            with m.Elif(~walk.row_due & ~walk.look_due & ~issue):
                m.d.sync += walk.interrupted.eq(1)
                states.go("WALK_PAUSE")

    with states.state("WALK_PAUSE"):
        with m.If(~store.stall):
            m.d.sync += walk.active.eq(0)
            states.go("IDLE")

    with states.state("WALK_END"):
        with m.If(~store.stall):
            m.d.sync += walk.active.eq(0)
            bus.answer(m, err=bus.err)
            with m.If(~walk.of_pending):
                bus.record_access(m)
            states.go("IDLE")
