"""The 2-level ABI: a pending and a mask bit a port, a selector bit a word, an upcall a lane."""

from amaranth import C, Cat, Module, Mux, Signal

from ...trees import decode
from ..bus import BusSide
from ..cursor import Cursor
from ..decode import Kind
from ..notes import BankNotes
from ..port_step import PortStep
from ..rows import put
from ..store import Store
from ..walk import Walk

__all__ = ["TwoLevel"]


class TwoLevel:
    """What a step or an access does to the words of a domain and to vcpu_info.

    Attributes
    ----------
    mask_now : 32
        Mask word as the steps leave it; the row read lags behind.
    """

    def __init__(self):
        self.mask_now = Signal(32)

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
        changes_use = todo.alloc | todo.close
        whole = Mux(walk.sets, word.pending | data, word.pending & ~data)
        m.d.comb += [
            new.pending.eq(Mux(walk.of_pending, whole, put(word.pending, hot, step.now_pending))),
            new.mask.eq(put(self.mask_now, hot, step.now_masked)),
            new.used.eq(put(word.used, hot, todo.alloc)),
            new.pirq.eq(put(word.pirq, hot, todo.alloc & step.is_pirq)),
            store.full_data.eq(put(store.full, cursor.word_hot,
                                    todo.alloc & (word.used | hot).all())),
        ]
        with m.If(step.done & todo.bitwise):
            m.d.comb += store.write_word.eq(Cat(1, todo.mask, changes_use, changes_use))
            m.d.sync += self.mask_now.eq(new.mask)
        with m.If(step.done & changes_use):
            m.d.comb += store.write_full.eq(1)

    def _step_upcall(self, m, store, cursor, step, walk, notes) -> None:
        """Selector and upcall of the lane, if the port became pending and not masked.

        While a walk stays at one lane, the lane's row is the one before the first of its steps.
        """
        lane, todo = store.lane, step.todo
        raised, notify, notified = Signal(), Signal(), Signal()
        m.d.comb += [
            raised.eq(todo.notify & ~step.was_pending & ~step.was_masked
                      | todo.reraise & step.was_masked & ~step.now_masked & step.was_pending),
            notify.eq(raised & ~notified & ~(lane.sel & cursor.word_hot).any()),
        ]
        m.d.sync += notified.eq((step.done & raised | notified & walk.step_due)
                                & (cursor.next.k == cursor.now.k))
        with m.If(step.fire):
            m.d.comb += [store.lane_data.sel.eq(lane.sel | cursor.word_hot),
                         store.lane_data.pending.eq(lane.pending | notify)]
        with m.If(step.done & raised & ~notified):
            m.d.comb += store.write_lane.eq(1)
        with m.If(step.done & notify & ~lane.pending & lane.online):
            notes.upcall(m, lane.v, pending=1, mask=lane.mask, rise=1)

    def changed(self, bus: BusSide, store: Store):
        """Bits that a mask change flips, or PIRQ ports whose pending bit a W1S or W1C changes."""
        word, data, which = store.word, bus.request.data, bus.request.addr[7:10]
        lanes = Cat(bit.replicate(8) for bit in bus.request.sel)
        # 1: store, 3: set, 4: clear.
        masks = Mux(which == 1, (word.mask ^ data) & lanes,
                    data & (word.mask ^ (which == 3).replicate(32)))
        # 2: clear, 5: set.
        pending = data & word.pirq & (word.pending ^ (which == 5).replicate(32))
        return Mux(bus.kind == Kind.PENDING_CHANGE, pending, masks)

    def access(self, m: Module, bus: BusSide, store: Store, notes: BankNotes) -> None:
        """Reads, and writes of vcpu_info alone (EVT-01, EVT-13)."""
        lane, word, request, kind = store.lane, store.word, bus.request, bus.kind
        value, pending, mask = Signal(32), Signal(), Signal()
        m.d.comb += [pending.eq(lane.pending), mask.eq(lane.mask)]
        with m.Switch(kind):
            with m.Case(Kind.INFO):
                m.d.comb += value.eq(Cat(lane.pending, C(0, 7), lane.mask))
            with m.Case(Kind.SEL):
                m.d.comb += value.eq(lane.sel)
            with m.Case(Kind.PENDING):
                m.d.comb += value.eq(word.pending)
            with m.Case(Kind.MASK):
                m.d.comb += value.eq(word.mask)
            with m.Case(Kind.SEL_RC):
                m.d.comb += [value.eq(lane.sel), store.write_lane.eq(1), store.lane_data.sel.eq(0)]
            with m.Case(Kind.ACK):
                m.d.comb += pending.eq(0)
            with m.Case(Kind.INFO_WRITE):
                with m.If(request.sel[0] & (request.data[:8] == 0)):
                    m.d.comb += pending.eq(0)
                with m.If(request.sel[1]):
                    m.d.comb += mask.eq(request.data[8:16] != 0)
        with m.If((kind == Kind.ACK) | (kind == Kind.INFO_WRITE)):
            m.d.comb += [store.write_lane.eq(1), store.lane_data.pending.eq(pending),
                         store.lane_data.mask.eq(mask)]
            with m.If(lane.pending & (~pending | (mask != lane.mask)) & lane.online):
                notes.upcall(m, lane.v, pending=pending, mask=mask, rise=0)
        bus.answer(m, value, err=bus.err, berr=bus.berr)
        bus.record_access(m, value=value, berr=bus.berr)
