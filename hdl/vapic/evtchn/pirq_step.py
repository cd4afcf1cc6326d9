"""The PIRQ's part of the step: its row, work in flight, and what its request is told."""

from amaranth import Module, Mux, Signal

from ..rules import dynamic
from .cursor import Cursor
from .port_step import PortStep
from .rows import put
from .store import Store

__all__ = ["PirqStep"]


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
