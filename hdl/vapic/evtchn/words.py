"""Accesses to vcpu_info and to pending and mask words, and the walk over changed bits."""

from amaranth import C, Cat, Module, Mux, Signal

from ..trees import lowest
from .decode import Kind
from .directory import look_up
from .engine import STEP, Engine
from .rows import PortState

__all__ = ["add_word_states", "resume_walk"]


def add_word_states(m: Module, e: Engine) -> None:
    """States of simple accesses and of the walk (EVT-01, EVT-12, EVT-15, EVT-41).

    A walk passes over the bits left in ``left`` in ascending order, one a cycle, in a pipeline
    of three: read the port's row; read the rows of its lane and PIRQ; step. It stands still while
    a note waits for the bank. Between the bits of a mask change a grant that waits goes first,
    then at least one bit. A change of pending bits is decided, all of it, with the first step;
    the rows of further PIRQs follow a cycle each, in which ``lag`` is 1.
    """
    request = e.request
    left = e.left

    with m.State("RUN"):
        word, row = e.store.word, e.store.bank_row
        value = Signal(32)
        which = request.addr[7:10]
        lanes = Cat(bit.replicate(8) for bit in request.sel)
        with m.Switch(e.kind):
            with m.Case(Kind.COMMAND):
                m.next = "ARGUMENTS"
            with m.Case(Kind.BANK, Kind.ARGUMENT):
                m.next = "BANK"
            with m.Case(Kind.CTL):
                look_up(m, e)
            with m.Case(Kind.MASK_CHANGE):
                # 1: store, 3: set, 4: clear.
                m.d.sync += left.eq(Mux(
                    which == 1, (word.mask ^ request.data) & lanes,
                    request.data & (word.mask ^ (which == 3).replicate(32))))
                _set_step(m, e)
                m.next = "WALK"
            with m.Case(Kind.PENDING_CHANGE):
                # 2: clear, 5: set.
                m.d.sync += left.eq(request.data & word.pirq
                                    & (word.pending ^ (which == 5).replicate(32)))
                _set_step(m, e)
                m.next = "WALK"
            with m.Default():
                _vcpu_info(m, e, value)
                e.answer(m, value, err=e.err, berr=e.berr)
                e.record_access(m, value=value, berr=e.berr)
                m.next = "IDLE"

    with m.State("BANK"):
        index = request.addr[2:5]
        words = [row.arg0, row.arg1, row.arg2, 0, row.result, row.out0, row.out1, 0]
        value = Signal(32)
        with m.Switch(request.addr[2:6]):
            for i, word in enumerate(words):
                with m.Case(i):
                    m.d.comb += value.eq(word)
            with m.Case(11):
                m.d.comb += value.eq(row.fastres)
        with m.If(request.we):
            m.d.comb += [value.eq(0),
                         e.store.write_bank.eq(Cat(index == i for i in range(3)))]
        e.answer(m, value, err=e.err)
        e.record_access(m, value=value)
        m.next = "IDLE"

    with m.State("WALK"):
        _walk(m, e)

    with m.State("WALKED"):
        e.answer(m, err=e.err)
        e.record_access(m)
        m.next = "IDLE"


def _vcpu_info(m: Module, e: Engine, value) -> None:
    """Reads, and writes of the lane's row alone."""
    lane, word, request = e.store.lane, e.store.word, e.request
    pending, mask = Signal(), Signal()
    m.d.comb += [pending.eq(lane.pending), mask.eq(lane.mask)]
    with m.Switch(e.kind):
        with m.Case(Kind.INFO):
            m.d.comb += value.eq(Cat(lane.pending, C(0, 7), lane.mask))
        with m.Case(Kind.SEL):
            m.d.comb += value.eq(lane.sel)
        with m.Case(Kind.PENDING):
            m.d.comb += value.eq(word.pending)
        with m.Case(Kind.MASK):
            m.d.comb += value.eq(word.mask)
        with m.Case(Kind.SEL_RC):
            m.d.comb += [value.eq(lane.sel), e.store.write_lane.eq(1), e.lane_next.sel.eq(0)]
        with m.Case(Kind.ACK):
            m.d.comb += pending.eq(0)
        with m.Case(Kind.INFO_WRITE):
            with m.If(request.sel[0] & (request.data[:8] == 0)):
                m.d.comb += pending.eq(0)
            with m.If(request.sel[1]):
                m.d.comb += mask.eq(request.data[8:16] != 0)
    with m.If((e.kind == Kind.ACK) | (e.kind == Kind.INFO_WRITE)):
        m.d.comb += [e.store.write_lane.eq(1), e.lane_next.pending.eq(pending),
                     e.lane_next.mask.eq(mask)]
        with m.If(lane.pending & (~pending | (mask != lane.mask))):
            e.upcall(m, pending=pending, mask=mask, rise=0)


def _set_step(m: Module, e: Engine) -> None:
    """What a walk does to each bit."""
    pending = e.kind == Kind.PENDING_CHANGE
    sets = e.request.addr[7:10] == 5
    mask = {"mask": 1, "flip": 1, "bitwise": 1}
    m.d.sync += [
        e.step.eq(Mux(pending, STEP.const({"put": 1}), STEP.const(mask))),
        e.step.reraise.eq(~pending & e.globals.auto_reraise),
        e.step.value.eq(sets), e.step.autoeoi.eq(pending & ~sets),
        e.walk_pending.eq(pending), e.second.eq(0), e.third.eq(0), e.written.eq(0),
    ]


def resume_walk(m: Module, e: Engine) -> None:
    """Branch of state IDLE: go on with a mask change that a grant interrupted."""
    _set_step(m, e)
    m.next = "WALK"


def _walk(m: Module, e: Engine) -> None:
    store, go, here, left = e.store, e.go, e.here, e.left
    row, word = store.port, store.word
    some, first = lowest(m, left, name="walk")
    give_way, issue, last = Signal(), Signal(), Signal()
    m.d.comb += [
        give_way.eq(e.unit.grant.target.valid & ~e.granted & ~e.walk_pending),
        issue.eq(some & ~give_way), last.eq(~e.second & ~some),
        e.unit.lag.eq(e.walk_pending & e.written),
    ]
    with m.If(e.note_free):
        # Third: the step. All pending bits change with the first one, or with none to do.
        m.d.comb += e.fire.eq(e.third)
        with m.If(e.walk_pending & ~e.written & (e.third | last)):
            m.d.comb += store.write_word.eq(1)
            m.d.sync += e.written.eq(1)
            e.record_access(m)
        with m.If(e.third & ~e.walk_pending):
            number = e.request.addr[14:18] * e.config.ports + Cat(e.bit, here.port[5:])
            e.record(m, "mask_bit", place=number, masked=e.now_masked)

        # Second: the port's row is here.
        m.d.sync += e.third.eq(e.second)
        with m.If(e.second):
            m.d.comb += [go.k.eq(row.notify), go.n.eq(row.tie.n)]
            m.d.sync += [
                e.bit.eq(here.port[:5]), e.is_pirq.eq(row.state == PortState.PIRQ),
                # The word may be cleared already; a bit that is left was set.
                e.was_pending.eq(word.pending.bit_select(here.port[:5], 1) | e.walk_pending),
                e.was_masked.eq(word.mask.bit_select(here.port[:5], 1)),
            ]

        with m.If(~e.second & ~e.third):
            m.d.sync += e.mask_now.eq(word.mask)

        # First: the next bit.
        m.d.sync += e.second.eq(issue)
        with m.If(issue):
            m.d.comb += go.port.eq(Cat(first, here.port[5:]))
            m.d.sync += [left.eq(left & (left - 1)), e.granted.eq(0)]

        with m.If(last & e.walk_pending):
            e.answer(m, err=e.err)
            m.next = "IDLE"
        with m.Elif(last):
            m.next = "WALKED"
        with m.Elif(~e.second & ~issue):
            m.d.sync += e.walking.eq(1)
            m.next = "IDLE"
