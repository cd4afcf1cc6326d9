"""The step: what one operation, grant or bit of a walk changes of a port and of its PIRQ."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data

from ..onehot import OneHot
from ..rules import dynamic
from .cursor import Cursor
from .rows import PortState, put
from .store import Store

__all__ = ["STEP", "PirqStep", "PortStep", "add_port_states", "look_at_bits"]

#: What the step does to port, lane and PIRQ; set by who leads up to it.
STEP = data.StructLayout({
    "notify": 1,        # set pending and go on as EVT-10
    "put": 1, "value": 1,   # set the pending bit to `value` and nothing more
    "mask": 1, "flip": 1,   # mask bit: clear it, or flip it
    "reraise": 1,       # a mask bit that is cleared goes on as EVT-11
    "bitwise": 1,       # write the port's bits of the words (else their caller does)
    "begin": 1,         # work in flight begins (grant)
    "end": 1,           # it ends
    "autoeoi": 1,       # it ends if pending was 1 and the entry has autoeoi in force
    "alloc": 1, "close": 1,
})


class PortStep:
    """One step at a time, in the cycle after its decision; all of it comes from registers.

    Attributes
    ----------
    todo : ``STEP``
        What is to be done; set before the step.
    bit, was_pending, was_masked, is_pirq : 5, 1, 1, 1
        The port's bit of its word, and what it was; set before the step.
    now_pending, now_masked : 1
        What it becomes.
    due, done : 1
        A step stands in this cycle; and it is not stalled.
    """

    def __init__(self, m: Module, stall):
        self.todo = Signal(STEP)
        self.bit = Signal(5)
        self.was_pending, self.was_masked, self.is_pirq = Signal(), Signal(), Signal()
        self.now_pending, self.now_masked = Signal(), Signal()
        self.due, self.done = Signal(), Signal()
        todo = self.todo
        m.d.comb += [
            self.done.eq(self.due & ~stall),
            self.now_pending.eq(Mux(todo.put, todo.value, self.was_pending | todo.notify)),
            self.now_masked.eq(Mux(todo.mask, todo.flip & ~self.was_masked, self.was_masked)),
        ]
        with m.If(~stall):
            m.d.sync += self.due.eq(0)

    def prepare(self, m: Module, **fields) -> None:
        """Set what is to be done: these fields, no others."""
        m.d.sync += [self.todo.eq(0), *(self.todo[name].eq(fields[name]) for name in fields)]

    def found(self, m: Module, *, bit, pending, masked, is_pirq) -> None:
        """Keep what the port is before the step, which may come in the next cycle."""
        m.d.sync += [self.bit.eq(bit), self.was_pending.eq(pending),
                     self.was_masked.eq(masked), self.is_pirq.eq(is_pirq)]

    def decide(self, m: Module, when=1) -> None:
        """The step is decided in this cycle, and done in the next one."""
        m.d.sync += self.due.eq(when)


class PirqStep:
    """What a step does to the row of a PIRQ (EVT-24, EVT-40, SEL-10, SEL-30).

    Parameters
    ----------
    m : Module
        Where the logic goes.
    unit : EventChannels
        Whose ``pirq_note``, ``hand_back`` and ``changed`` are driven.
    store, cursor, step : Store, Cursor, PortStep
        Rows, whose they are, and what is done to them.

    Attributes
    ----------
    was_open, was_infl : 1
        The bits of PIRQ and lane here, three cycles after the move there.
    entry : ``Layouts.entry``
        Table entry of the PIRQ of `Cursor.at`.
    """

    def __init__(self, m: Module, unit, store: Store, cursor: Cursor, step: PortStep):
        self.was_open, self.was_infl = Signal(), Signal()
        self._others = Signal()
        row, hot = store.pirq, cursor.lane_hot
        self.entry = entry = Signal(unit.query_entry.shape())
        m.d.sync += [
            self.was_open.eq((row.open & hot).any()), self.was_infl.eq((row.infl & hot).any()),
            self._others.eq((row.infl & ~hot).any()),
        ]
        with m.If(~store.stall):
            m.d.sync += entry.eq(unit.query_entry)
        self._row(m, unit, store, cursor, step)
        self._hand_back(m, unit, cursor, step)

    def _row(self, m, unit, store, cursor, step) -> None:
        """Row, and work in flight.

        All strobes come from what was latched before; only what is written depends on the row.
        """
        todo, entry, note, hot = step.todo, self.entry, unit.pirq_note, cursor.at_lane_hot
        row, new = store.pirq, store.pirq_data
        was_infl, now_open, may_end = Signal(), Signal(), Signal()
        ended = Mux(may_end, hot, 0)
        m.d.comb += [
            was_infl.eq((row.infl & hot).any()),
            may_end.eq(todo.end | todo.autoeoi & step.was_pending & entry.autoeoi & ~entry.level),
            now_open.eq(~todo.close & ~step.now_masked),
            new.open.eq(put(row.open, hot, now_open)),
            new.infl.eq((row.infl & ~ended) | Mux(todo.begin, hot, 0)),
            new.pend.eq(put(row.pend, hot, step.now_pending)),
            new.bound.eq(put(row.bound, hot, ~todo.close)),
            store.inflight_data.eq(Mux(
                was_infl ^ todo.begin,
                Mux(todo.begin, store.inflight + 1, store.inflight - 1), store.inflight)),
            note.n.eq(cursor.at.n),
            note.infl_any.eq((row.infl & ~ended).any() | todo.begin),
            note.bound_any.eq((row.bound & ~hot).any() | ~todo.close),
            # Open is bound and not masked.
            note.open_changed.eq(Mux(todo.alloc | todo.close, ~step.was_masked,
                                     step.now_masked != step.was_masked)),
        ]
        with m.If(step.done & step.is_pirq):
            m.d.comb += [
                store.write_pirq.eq(1), note.valid.eq(1),
                store.write_inflight.eq(todo.begin | may_end),
                unit.changed.eq(may_end | now_open & (todo.alloc | step.was_masked)),
            ]

    def _hand_back(self, m, unit, cursor, step) -> None:
        """RIRR and pend of the request when work ends by PIRQ EOI (EVT-40) or close (EVT-24).

        All but a close is known to end work; of a close that is latched, its rows stood still.
        """
        todo, entry, back = step.todo, self.entry, unit.hand_back
        closes = self.was_infl & ~(
            step.was_pending & ~dynamic(entry, unit.globals.dyn_off) & self._others)
        m.d.comb += [
            back.valid.eq(step.done & step.is_pirq & todo.end & (closes | ~todo.close)),
            back.n.eq(cursor.at.n), back.clear_rirr.eq(1),
            back.set_pend.eq(todo.close & step.was_pending
                             & (~entry.level | (cursor.at.n >= unit.config.rtes))),
            back.port.eq(cursor.at.port),
        ]


def add_port_states(m: Module, states: OneHot, cursor: Cursor, store: Store, step: PortStep, *,
                    granting, to_pirq, mask_now, apply) -> None:
    """States that lead to the step, of a grant, an EOI or any other operation.

    Parameters
    ----------
    granting, to_pirq : 1 bit
        It is a grant; a port that is being allocated gets a PIRQ.
    mask_now, apply : Signal
        Set to the mask word as it is before the step, and to 1: there will be one.
    """
    with states.state("RD_PORT"):
        # The port of (n, k).
        with m.If(granting):
            step.prepare(m, notify=1, begin=1, bitwise=1)
        states.go("RD_WORD")

    with states.state("RD_WORD"):
        cursor.move(m, port=store.port_of)
        states.go("RD_ROW")

    with states.state("RD_ROW"):
        # On its way; a decision in the next cycle looks at the bits itself.
        m.d.sync += apply.eq(1)
        states.go("DECIDE")
        with m.If(granting):
            states.go("GRANT")

    with states.state("RD_BITS"):
        look_at_bits(m, cursor, store, step, to_pirq=to_pirq, mask_now=mask_now)
        m.d.sync += apply.eq(1)
        states.go("DECIDE")


def look_at_bits(m: Module, cursor: Cursor, store: Store, step: PortStep, *, to_pirq,
                 mask_now) -> None:
    """Keep the bits of the port here, two cycles after the move to it."""
    bit, word, alloc = cursor.now.port[:5], store.word, step.todo.alloc
    step.found(m, bit=bit, pending=word.pending.bit_select(bit, 1) & ~alloc,
               masked=word.mask.bit_select(bit, 1),
               is_pirq=Mux(alloc, to_pirq, store.port.state == PortState.PIRQ))
    m.d.sync += mask_now.eq(word.mask)
