"""Operations on ports: commands and the fast registers (EVT-14, EVT-20, EVT-40)."""

from amaranth import C, Cat, Module, Mux, Signal

from ..trees import decode, lowest
from .decode import Op
from .engine import STEP, Engine
from .rows import Errno, PortState

__all__ = ["add_bank_data", "add_command_states", "add_operand_checks", "decide"]

_SELF = 0x7FF0

_STEPS = {
    Op.SEND: {"notify": 1},
    Op.UNMASK: {"mask": 1, "reraise": 1},
    Op.PIRQ_EOI: {"end": 1},
    Op.CLAIM: {"put": 1, "autoeoi": 1},
    Op.CLOSE: {"put": 1, "end": 1, "close": 1},
    Op.ALLOC_UNBOUND: {"put": 1, "alloc": 1},
    Op.BIND_INTERDOMAIN: {"notify": 1, "alloc": 1},
    Op.BIND_PIRQ_VCPU: {"put": 1, "alloc": 1},
    Op.BIND_IPI: {"put": 1, "alloc": 1},
}


def add_operand_checks(m: Module, e: Engine, *, in_bank, latch) -> None:
    """Latch the range checks of the operands: those of data, or in_bank of ARG0 and ARG1."""
    c, row, data = e.config, e.store.bank_row, e.request.data
    second = (e.op == Op.BIND_INTERDOMAIN) | (e.op == Op.STATUS)
    named_lane = (e.op == Op.BIND_PIRQ_VCPU) | (e.op == Op.BIND_IPI)
    own = Signal()
    m.d.comb += [
        e.operand.eq(Mux(in_bank, Mux(second, row.arg1, row.arg0), data)),
        e.lane_operand.eq(Mux(e.op == Op.BIND_PIRQ_VCPU, row.arg1, row.arg0)),
        own.eq(row.arg0 == _SELF),
    ]
    with m.If(latch):
        m.d.sync += [
            e.port_ok.eq(e.below(e.operand, c.ports)), e.n_ok.eq(e.below(e.operand, c.pirqs)),
            e.k_ok.eq(e.below(e.lane_operand, c.lanes)),
            e.remote_ok.eq(e.below(row.arg1, c.domains)),
            e.dom_ok.eq(own | e.below(row.arg0, c.domains)),
            e.dom_own.eq(own | (row.arg0 == e.window)),
            e.place.dom.eq(Mux(own, e.window, row.arg0)),
            e.place.port.eq(e.operand), e.place.n.eq(e.operand),
            e.place.k.eq(Mux(named_lane, e.lane_operand, 0)),
        ]


def _operate(m: Module, e: Engine) -> None:
    """Branch of state RUN: check the operation, and lead it to its step or to its end."""
    row, go = e.store.port, e.go

    def to_step():
        """Stand at the port's lane and PIRQ (any row, if it is bound to none)."""
        m.d.comb += [go.k.eq(row.notify), go.n.eq(row.tie.n)]
        m.next = "BITS"

    m.d.sync += e.step.eq(0)
    with m.Switch(e.op):
        for op, fields in _STEPS.items():
            with m.Case(op):
                m.d.sync += e.step.eq(STEP.const(fields | {"bitwise": 1}))
    with m.Switch(e.op):
        with m.Case(Op.UNKNOWN):
            e.fail(m, Errno.ENOSYS)
        with m.Case(Op.SEND):
            m.d.comb += go.k.eq(row.notify)
            with m.If(e.port_ok & (e.state == PortState.INTERDOMAIN)):
                m.d.comb += [go.dom.eq(e.far.dom), go.port.eq(e.far.port)]
                m.next = "PEER"
            with m.Elif(e.port_ok & (e.state == PortState.IPI)):
                m.next = "BITS"
            with m.Elif(e.port_ok & (e.state == PortState.UNBOUND)):
                m.next = "DECIDE"
            with m.Else():
                e.fail(m, Errno.EINVAL)
        with m.Case(Op.UNMASK):
            with m.If(e.port_ok):
                to_step()
            with m.Else():
                e.fail(m, Errno.EINVAL)
        with m.Case(Op.CLAIM, Op.CLOSE):
            with m.If(e.port_ok & (e.state != PortState.FREE)):
                to_step()
            with m.Else():
                e.fail(m, Errno.EINVAL)
        with m.Case(Op.PIRQ_EOI):
            m.d.sync += [e.step.mask.eq(e.globals.auto_unmask),
                         e.step.reraise.eq(e.globals.auto_unmask)]
            with m.If(~e.n_ok):
                e.fail(m, Errno.EINVAL)
            with m.Elif(~e.owner):
                e.fail(m, Errno.EPERM)
            with m.Else():
                m.next = "EOI"
        with m.Case(Op.STATUS, Op.ALLOC_UNBOUND):
            status = e.op == Op.STATUS
            with m.If(~e.dom_own & ~e.request.vmm):
                e.fail(m, Errno.EPERM)
            with m.Elif(~e.dom_ok | ~status & ~e.remote_ok):
                e.fail(m, Errno.ESRCH)
            with m.Elif(status & ~e.port_ok):
                e.fail(m, Errno.EINVAL)
            with m.Else():
                m.next = "FULL"
                with m.If(status):
                    m.next = "DECIDE"
        with m.Case(Op.BIND_INTERDOMAIN):
            m.d.comb += go.dom.eq(e.window)
            with m.If(~e.dom_ok):
                e.fail(m, Errno.ESRCH)
            with m.Elif(~e.port_ok | (e.state != PortState.UNBOUND) | ~e.mine_to_bind):
                e.fail(m, Errno.EINVAL)
            with m.Else():
                m.next = "FULL"
        with m.Case(Op.BIND_PIRQ_VCPU):
            with m.If(~e.n_ok):
                e.fail(m, Errno.EINVAL)
            with m.Elif(~e.owner):
                e.fail(m, Errno.EPERM)
            with m.Elif(e.absent):
                e.fail(m, Errno.ENOENT)
            with m.Elif(e.bound):
                e.fail(m, Errno.EEXIST)
            with m.Else():
                m.next = "FULL"
        with m.Case(Op.BIND_IPI):
            with m.If(e.absent):
                e.fail(m, Errno.ENOENT)
            with m.Else():
                m.next = "FULL"


def _look(m: Module, e: Engine) -> None:
    """Branch of state ROWS: what the operation must know of the rows here."""
    row, lane, pirq, entry = e.store.port, e.store.lane, e.store.pirq, e.entry
    issuer = decode(e.store.vcpu_k, e.config.lanes)
    m.d.sync += [
        e.state.eq(row.state), e.far.eq(row.tie.peer),
        e.mine_to_bind.eq(row.tie.peer.dom == e.window),
        e.absent.eq(~e.k_ok | (lane.names == 0)),
        e.owner.eq(entry.owned & (entry.dom == e.window)),
        e.bound.eq((pirq.bound & Cat(e.lane_hot)).any()),
        # PIRQ_EOI: the issuing vCPU if in flight to it, else the lowest one that has consumed.
        e.ended_own.eq((pirq.infl & issuer).any() & ~e.request.vmm),
        e.candidates.eq(pirq.infl & ~pirq.pend),
    ]
    with m.If(e.op == Op.BIND_INTERDOMAIN):
        m.d.sync += [e.far.dom.eq(e.here.dom), e.far.port.eq(e.here.port)]


def add_command_states(m: Module, e: Engine) -> None:
    """States between RUN and the step, and those after it."""
    store, go, here = e.store, e.go, e.here
    row = store.port

    with m.State("ARGUMENTS"):
        # They are there, and are checked.
        m.next = "COMMAND"

    with m.State("COMMAND"):
        # Stand at what they name.
        named_dom = ((e.op == Op.STATUS) | (e.op == Op.BIND_INTERDOMAIN)
                     | (e.op == Op.ALLOC_UNBOUND))
        m.d.comb += go.eq(e.place)
        with m.If(~named_dom):
            m.d.comb += go.dom.eq(e.window)
        m.next = "ROWS"

    with m.State("ROWS"):
        _look(m, e)
        m.next = "OPERATE"

    with m.State("OPERATE"):
        _operate(m, e)

    with m.State("PEER"):
        m.d.comb += go.k.eq(row.notify)
        m.next = "BITS"

    with m.State("EOI"):
        found, first = lowest(m, e.candidates, name="eoi")
        m.d.comb += go.k.eq(Mux(e.ended_own, store.vcpu_k, first))
        m.next = "DECIDE"
        with m.If(e.ended_own | found):
            m.next = "TIE"

    with m.State("TIE"):
        # Port of (n, k), for an EOI or a grant.
        m.d.comb += go.port.eq(store.tied)
        m.next = "BITS"

    with m.State("FULL"):
        found, word = lowest(m, ~store.full, name="full")
        m.d.sync += e.place.port.eq(Cat(C(0, 5), word))
        m.next = "WORD"
        with m.If(~found):
            e.fail(m, Errno.ENOSPC)

    with m.State("WORD"):
        m.d.comb += go.port.eq(e.place.port)
        m.next = "FREE"

    with m.State("FREE"):
        _, bit = lowest(m, ~store.word.used, name="free")
        m.d.sync += e.place.port[:5].eq(bit)
        m.next = "PORT"

    with m.State("PORT"):
        m.d.comb += go.port.eq(e.place.port)
        m.next = "BITS"

    with m.State("BITS"):
        m.d.sync += [
            e.bit.eq(here.port[:5]),
            e.was_pending.eq(store.word.pending.bit_select(here.port[:5], 1) & ~e.step.alloc),
            e.was_masked.eq(store.word.mask.bit_select(here.port[:5], 1)),
            e.is_pirq.eq(Mux(e.step.alloc, e.op == Op.BIND_PIRQ_VCPU,
                             row.state == PortState.PIRQ)),
            e.mask_now.eq(store.word.mask), e.apply.eq(1),
        ]
        m.next = "DECIDE"

    closed = e.op == Op.CLOSE
    with m.State("FAR"):
        # Of a pair that was just bound or closed.
        m.d.comb += [go.dom.eq(e.far.dom), go.port.eq(e.far.port)]
        m.next = "PAIR"

    with m.State("PAIR"):
        # `e.mine` is the near end.
        m.d.comb += [
            store.write_port.eq(1), store.port_data.notify.eq(row.notify),
            store.port_data.state.eq(Mux(closed, PortState.UNBOUND, PortState.INTERDOMAIN)),
            store.port_data.tie.peer.dom.eq(e.mine.dom),
            store.port_data.tie.peer.port.eq(Mux(closed, 0, e.mine.port)),
        ]
        m.next = "IDLE"


def decide(m: Module, e: Engine) -> None:
    """Branch of state DECIDE for an operation: port rows, results, answer."""
    store, here = e.store, e.here
    row, bank = store.port, store.bank_row
    status = (e.op == Op.STATUS) & (e.code == 0)
    m.d.comb += store.write_bank.eq(Cat(
        C(0, 3), ~e.fast, e.apply & e.step.alloc | status, status, e.fast))

    m.d.comb += e.fire.eq(e.apply)
    with m.If(e.apply & (e.step.alloc | e.step.close)):
        m.d.comb += store.write_port.eq(1)
    with m.If(e.step.alloc):
        m.d.comb += store.port_data.notify.eq(here.k)
        with m.Switch(e.op):
            with m.Case(Op.ALLOC_UNBOUND):
                m.d.comb += [store.port_data.state.eq(PortState.UNBOUND),
                             store.port_data.tie.peer.dom.eq(bank.arg1)]
            with m.Case(Op.BIND_INTERDOMAIN):
                m.d.comb += [store.port_data.state.eq(PortState.INTERDOMAIN),
                             store.port_data.tie.peer.eq(e.far)]
            with m.Case(Op.BIND_PIRQ_VCPU):
                m.d.comb += [store.port_data.state.eq(PortState.PIRQ),
                             store.port_data.tie.n.eq(here.n),
                             store.write_tied.eq(e.apply), store.tied_data.eq(here.port)]
            with m.Default():
                m.d.comb += store.port_data.state.eq(PortState.IPI)
    m.d.sync += [e.mine.dom.eq(here.dom), e.mine.port.eq(here.port)]
    m.next = "IDLE"
    with m.If(e.apply & ((e.op == Op.BIND_INTERDOMAIN) | (e.op == Op.CLOSE)
                         & (row.state == PortState.INTERDOMAIN))):
        m.next = "FAR"
    e.answer(m)
    e.record_access(m, value=store.bank_data.result)


def add_bank_data(m: Module, e: Engine) -> None:
    """What is written to command registers, whichever of them are."""
    row, data, result = e.store.port, e.store.bank_data, Signal(32)
    m.d.comb += [
        data.arg0.eq(e.request.data), data.arg1.eq(e.request.data), data.arg2.eq(e.request.data),
        result.eq(Mux(e.apply & (e.op == Op.CLAIM), e.was_pending, e.code)),
        data.result.eq(result), data.fastres.eq(result),
        data.out0.eq(Mux(e.step.alloc, e.here.port, Cat(row.state, C(0, 5), row.notify))),
    ]
    with m.Switch(row.state):
        with m.Case(PortState.UNBOUND, PortState.INTERDOMAIN):
            m.d.comb += data.out1.eq(Cat(row.tie.peer.port | C(0, 16), row.tie.peer.dom))
        with m.Case(PortState.PIRQ):
            m.d.comb += data.out1.eq(row.tie.n)
