"""The 2-level ABI: a pending and a mask bit a port, a selector bit a word, an upcall a lane."""

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.hdl import Value

from ...onehot import OneHot
from ...trees import decode
from ..bus import BusSide
from ..cursor import Cursor
from ..decode import Kind
from ..notes import BankNotes
from ..rows import put
from ..step import PortStep
from ..store import Store
from ..walk import Walk

__all__ = ["TwoLevel"]


class TwoLevel:
    """What a step or an access does to the words of a domain and to vcpu_info.

    Attributes
    ----------
    mask_now : 32
        Mask word as the steps leave it; the row read lags behind.
    shows_register : 2
        The command register of an even place is shown in this cycle; that of an odd one.
    """

    def __init__(self):
        self.mask_now = Signal(32)
        #: Of an access that writes vcpu_info: what becomes of it.
        self._clears, self._reads_sel = Signal(), Signal()
        self._sets_mask, self._mask = Signal(), Signal()
        #: Of a change of a word: bits that are 1 in the data become 1, or 0; of a mask word by
        #: bytes, where both mean a store, which is of all bits; of a pending word: that it is one,
        #: and whether they become 1.
        self._ones, self._zeros = Signal(4), Signal(4)
        self._of_pending, self._sets_pending = Signal(), Signal()
        #: Of a read, in the cycle of its answer: what is shown, one bit each; which of the two
        #: command registers of a row.
        self.shows_register = Signal(2)
        self._shows = {kind: Signal(name=f"shows_{kind.name.lower()}")
                       for kind in (Kind.INFO, Kind.SEL, Kind.PENDING, Kind.MASK)}

    def add_step(self, m: Module, bus: BusSide, store: Store, cursor: Cursor, step: PortStep,
                 walk: Walk, notes: BankNotes) -> None:
        """Logic of the step (EVT-10, EVT-11)."""
        self._step_words(m, bus, store, cursor, step, walk)
        self._step_upcall(m, store, cursor, step, walk, notes)

    def _step_words(self, m, bus, store, cursor, step, walk) -> None:
        """Pending and mask word, and which ports are in use.

        A change of pending bits writes its word as a whole.
        """
        word, new, todo, data = store.word, store.word_data, step.todo, bus.request.data
        hot = Cat(decode(step.bit, 32))
        changes_use, written, full = todo.alloc | todo.close, Signal(), Signal()
        m.d.comb += [
            new.pending.eq(put(word.pending, Mux(walk.of_pending, data, hot),
                               Mux(walk.of_pending, walk.sets, step.now_pending))),
            new.mask.eq(put(self.mask_now, hot, step.now_masked)),
            new.used.eq(put(word.used, hot, todo.alloc)),
            new.pirq.eq(put(word.pirq, hot, todo.alloc & step.is_pirq)),
            store.write_full.eq(written),
            store.full_data.eq(put(store.full, cursor.at_word_hot, full)),
        ]
        # The engine still stands there in the cycle after the step.
        m.d.sync += [written.eq(step.done & changes_use),
                     full.eq(todo.alloc & (word.used | hot).all())]
        with m.If(step.done & todo.bitwise):
            m.d.comb += store.write_word.eq(Cat(1, todo.mask, changes_use, changes_use))
            m.d.sync += self.mask_now.eq(new.mask)

    def _step_upcall(self, m, store, cursor, step, walk, notes) -> None:
        """Selector and upcall of the lane, if the port became pending and not masked.

        In a walk the rows of lanes may be those before its last steps; a lane that one of its steps
        has notified has nothing more to hear.
        """
        lane, todo, hot = store.lane, step.todo, cursor.at_lane_hot
        raised, notify, notified = Signal(), Signal(), Signal(len(hot))
        m.d.comb += [
            raised.eq((todo.notify & ~step.was_pending & ~step.was_masked
                       | todo.reraise & step.was_masked & ~step.now_masked & step.was_pending)
                      & ~(notified & hot).any()),
            notify.eq(raised & ~(lane.sel & cursor.at_word_hot).any()),
        ]
        with m.If(~walk.active):
            m.d.sync += notified.eq(0)
        with m.Elif(step.done & raised):
            m.d.sync += notified.eq(notified | hot)
        with m.If(step.due):
            m.d.comb += [store.lane_data.sel.eq(lane.sel | cursor.at_word_hot),
                         store.lane_data.pending.eq(lane.pending | notify)]
        with m.If(step.done & raised):
            m.d.comb += store.write_lane.eq(1)
        with m.If(step.done & notify & ~lane.pending & lane.online):
            notes.upcall(m, lane.v, pending=1, mask=lane.mask, rise=1)

    def begin_change(self, m: Module, bus: BusSide) -> None:
        """Branch of state RUN: what `changed` looks for in the next cycle."""
        which, masks = bus.request.addr[7:10], bus.kind == Kind.MASK_CHANGE
        pending = bus.kind == Kind.PENDING_CHANGE
        # Mask words: 1: store, 3: set, 4: clear. Pending words: 2: clear, 5: set.
        stores = bus.request.sel & (which == 1).replicate(4)
        m.d.sync += [
            self._ones.eq((stores | (which == 3).replicate(4)) & masks.replicate(4)),
            self._zeros.eq((stores | (which == 4).replicate(4)) & masks.replicate(4)),
            self._of_pending.eq(pending), self._sets_pending.eq(which[0]),
        ]

    def changed(self, m: Module, bus: BusSide, store: Store) -> Value:
        """Bits that a mask change flips, or PIRQ ports whose pending bit a W1S or W1C changes.

        In the cycle after `begin_change`; else 0.
        """
        word, bits = store.word, []
        m.d.sync += [code.eq(0) for code in (self._ones, self._zeros, self._of_pending)]
        for i, (bit, mask, pending, pirq) in enumerate(zip(
                bus.request.data, word.mask, word.pending, word.pirq, strict=True)):
            sets, clears = self._ones[i // 8], self._zeros[i // 8]
            bits.append(Mux(mask, clears & (bit ^ sets), sets & bit)
                        | bit & (pirq & self._of_pending & (pending ^ self._sets_pending)))
        return Cat(bits)

    def add_reads(self, m: Module, bus: BusSide, store: Store) -> None:
        """What a read shows, in the cycle of the answer; before the states."""
        lane, word, row, shows = store.lane, store.word, store.bank_row, self._shows
        m.d.sync += [show.eq(0) for show in [*shows.values(), *self.shows_register]]
        m.d.comb += bus.data.eq(
            Mux(shows[Kind.INFO], Cat(lane.pending, C(0, 7), lane.mask), 0)
            | Mux(shows[Kind.SEL], lane.sel, 0)
            | Mux(shows[Kind.PENDING], word.pending, 0) | Mux(shows[Kind.MASK], word.mask, 0)
            | Mux(self.shows_register[0], row.even, 0) | Mux(self.shows_register[1], row.odd, 0))

    def access(self, m: Module, states: OneHot, bus: BusSide) -> None:
        """Branch of state RUN: reads of words and of vcpu_info, and writes of that (EVT-13)."""
        request, kind = bus.request, bus.kind
        info = kind == Kind.INFO_WRITE
        m.d.sync += [show.eq(kind == shown) for shown, show in self._shows.items()]
        with m.If(kind == Kind.SEL_RC):
            m.d.sync += self._shows[Kind.SEL].eq(1)
        m.d.sync += [
            self._reads_sel.eq(kind == Kind.SEL_RC), self._mask.eq(request.data[8:16] != 0),
            self._clears.eq((kind == Kind.ACK)
                            | info & request.sel[0] & (request.data[:8] == 0)),
            self._sets_mask.eq(info & request.sel[1]),
        ]
        bus.answer(m, err=bus.err, berr=bus.berr)
        bus.record_access(m)
        states.go("IDLE")
        with m.If((kind == Kind.SEL_RC) | (kind == Kind.ACK) | info):
            states.go("VCPU_INFO")

    def add_states(self, m: Module, states: OneHot, store: Store, notes: BankNotes) -> None:
        """State VCPU_INFO: the row of the lane follows a cycle after the decision."""
        lane, new = store.lane, store.lane_data
        with states.state("VCPU_INFO", writes=(store.write_lane,)):
            states.write(store.write_lane)
            with m.If(self._reads_sel):
                m.d.comb += new.sel.eq(0)
            with m.If(self._clears):
                m.d.comb += new.pending.eq(0)
            with m.If(self._sets_mask):
                m.d.comb += new.mask.eq(self._mask)
            changes = self._clears | self._sets_mask & (self._mask != lane.mask)
            with m.If(lane.pending & lane.online & changes):
                notes.upcall(m, lane.v, pending=~self._clears,
                             mask=Mux(self._sets_mask, self._mask, lane.mask), rise=0)
            states.go("IDLE")
