"""The step: everything that one port operation, grant or bit of a walk changes, in one cycle."""

from amaranth import Cat, Module, Mux, Signal

from ..layouts import Mode
from ..trees import decode
from .engine import Engine

__all__ = ["add_step"]


def add_step(m: Module, e: Engine) -> None:
    """Logic of the step (EVT-10, EVT-11, EVT-24, EVT-40, SEL-10, SEL-30).

    In a cycle with ``fire`` the rows of `here` get their new values, the out count changes, the
    request store is told (note, hand-back), and a note to the bank is made if an online lane's
    upcall_pending rose. ``e.refused`` (a grant that may not be) leaves all as it is.
    """
    _words(m, e)
    _pirq(m, e)
    _hand_back(m, e)


def _words(m: Module, e: Engine) -> None:
    """Pending and mask bits, selector and upcall."""
    step, store = e.step, e.store
    word, lane = store.word, store.lane
    bit_hot = decode(e.bit, 32)
    m.d.comb += e.done.eq(e.fire & ~e.refused)

    fresh, tell, told = Signal(), Signal(), Signal()
    m.d.comb += [
        e.now_pending.eq(Mux(step.put, step.value, e.was_pending | step.notify)),
        e.now_masked.eq(Mux(step.mask, step.flip & ~e.was_masked, e.was_masked)),
        # The port became pending and not masked, and its lane is to hear of it.
        fresh.eq(step.notify & ~e.was_pending & ~e.was_masked
                 | step.reraise & e.was_masked & ~e.now_masked & e.was_pending),
        tell.eq(fresh & ~told & ~(lane.sel & Cat(e.word_hot)).any()),
    ]
    # While a walk stays at one lane the lane's row is the one before the first of these steps.
    m.d.sync += told.eq((e.done & fresh | told & e.third) & (e.go.k == e.here.k))

    changes_use = step.alloc | step.close
    whole = Mux(e.request.addr[7], word.pending | e.request.data, word.pending & ~e.request.data)
    m.d.comb += [
        store.word_data.pending.eq(
            Mux(e.walk_pending, whole, _put(word.pending, bit_hot, e.now_pending))),
        store.word_data.mask.eq(_put(e.mask_now, bit_hot, e.now_masked)),
        store.word_data.used.eq(_put(word.used, bit_hot, step.alloc)),
        store.word_data.pirq.eq(_put(word.pirq, bit_hot, step.alloc & e.is_pirq)),
        store.full_data.eq(_put(store.full, Cat(e.word_hot),
                                step.alloc & (word.used | bit_hot).all())),
    ]
    with m.If(e.done & step.bitwise):
        m.d.comb += store.write_word.eq(Cat(1, step.mask, changes_use, changes_use))
        m.d.sync += e.mask_now.eq(store.word_data.mask)
    with m.If(e.done & changes_use):
        m.d.comb += store.write_full.eq(1)
    with m.If(e.fire):
        m.d.comb += [e.lane_next.sel.eq(lane.sel | Cat(e.word_hot)),
                     e.lane_next.pending.eq(lane.pending | tell)]
    with m.If(e.done & fresh & ~told):
        m.d.comb += store.write_lane.eq(1)
    with m.If(e.done & tell & ~lane.pending):
        e.upcall(m, pending=1, mask=lane.mask, rise=1)


def _put(word, hot, value):
    """The word with the bit of `hot` set to `value`."""
    return (word & ~hot) | (hot & value.replicate(len(hot)))


def _pirq(m: Module, e: Engine) -> None:
    """Row of the PIRQ, and work in flight.

    All strobes come from what was latched before; only what is written depends on the row.
    """
    step, store, note = e.step, e.store, e.unit.pirq_note
    row, hot = store.pirq, Cat(e.lane_hot)
    was_infl, now_open, may_end = Signal(), Signal(), Signal()
    ended = Mux(may_end, hot, 0)
    m.d.comb += [
        was_infl.eq((row.infl & hot).any()),
        may_end.eq(step.end | step.autoeoi & e.was_pending & e.entry.autoeoi & ~e.entry.level),
        now_open.eq(~step.close & ~e.now_masked),
        store.pirq_data.open.eq(_put(row.open, hot, now_open)),
        store.pirq_data.infl.eq((row.infl & ~ended) | Mux(step.begin, hot, 0)),
        store.pirq_data.pend.eq(_put(row.pend, hot, e.now_pending)),
        store.pirq_data.bound.eq(_put(row.bound, hot, ~step.close)),
        store.out_data.eq(Mux(was_infl ^ step.begin,
                              Mux(step.begin, store.out + 1, store.out - 1), store.out)),
        note.n.eq(e.here.n), note.infl_any.eq((row.infl & ~ended).any() | step.begin),
        note.bound_any.eq((row.bound & ~hot).any() | ~step.close),
        # Open is bound and not masked.
        note.open_changed.eq(Mux(step.alloc | step.close, ~e.was_masked,
                                 e.now_masked != e.was_masked)),
    ]
    with m.If(e.done & e.is_pirq):
        m.d.comb += [
            store.write_pirq.eq(1), note.valid.eq(1), store.write_out.eq(step.begin | may_end),
            e.unit.changed.eq(may_end | now_open & (step.alloc | e.was_masked)),
        ]


def _hand_back(m: Module, e: Engine) -> None:
    """RIRR and pend of the request when work ends by PIRQ EOI (EVT-40) or close (EVT-24).

    All but a close is known to end work; of a close that is latched, its rows stood still.
    """
    step, entry, back = e.step, e.entry, e.unit.hand_back
    row, hot = e.store.pirq, Cat(e.lane_hot)
    others = Signal()
    m.d.sync += [e.was_infl.eq((row.infl & hot).any()), others.eq((row.infl & ~hot).any())]
    dynamic = (((entry.mode == Mode.LOWEST) | (entry.mode == Mode.FIXED) & entry.force_dyn)
               & ~entry.force_static & ~e.globals.dyn_off)
    closes = e.was_infl & ~(e.was_pending & ~dynamic & others)
    m.d.comb += [
        back.valid.eq(e.done & e.is_pirq & step.end & (closes | ~step.close)),
        back.n.eq(e.here.n), back.clear_rirr.eq(1),
        back.set_pend.eq(step.close & e.was_pending
                         & (~entry.level | (e.here.n >= e.config.rtes))),
        back.port.eq(e.here.port),
    ]
