"""The walk of an operation: arguments, rows, checks, step, result (EVT-14, EVT-20, EVT-40)."""

from amaranth import C, Cat, Module, Mux, Signal, signed

from ..regs.events import Errno
from ..trees import decode, lowest
from .bus import BusSide
from .cursor import Cursor
from .decode import Kind, Op
from .operands import Operands
from .ops import OPERATIONS, Then
from .pirq_step import PirqStep
from .port_step import STEP, PortStep, look_at_bits
from .rows import BankRow, PortState, RowLayouts
from .store import Store

__all__ = ["Command"]


class Found:
    """What an operation finds in the rows, latched in states ROWS and OPERATE.

    Attributes
    ----------
    state, peer : ``PortState``, ``RowLayouts.peer``
        State of the port, and its far end; of BIND_INTERDOMAIN, the port itself.
    offered, lane_named : 1
        The peer is in this window; a vCPU has the lane.
    own_work, consumed : 1, ``lanes``
        PIRQ_EOI: in flight to the issuer; lanes that have consumed what was in flight to them.
    """

    def __init__(self, config):
        self.state, self.peer = Signal(PortState), Signal(RowLayouts(config).peer)
        self.offered, self.lane_named, self.own_work = (Signal() for _ in range(3))
        self.consumed = Signal(config.lanes)


class Command:
    """Operations on ports: commands and the fast registers.

    Parameters
    ----------
    unit : EventChannels
        Whose ``query_entry`` and ``globals`` are read.
    bus, cursor, store, step, pirq : BusSide, Cursor, Store, PortStep, PirqStep
        The access, where the engine stands, the rows there, and what is done to them.
    operands : Operands
        Operands and their range checks.

    Attributes
    ----------
    code : signed(7)
        Result, and of a failed operation the negative error number.
    apply : 1
        The operation got as far as its step.
    binds_pirq : 1
        The port that it allocates gets a PIRQ.
    """

    def __init__(self, unit, bus: BusSide, cursor: Cursor, store: Store, step: PortStep,
                 pirq: PirqStep, operands: Operands):
        self._pirq, self._pair, self._tells = pirq, Signal(), Signal()
        self._unit, self._bus, self._cursor, self._store = unit, bus, cursor, store
        self._step, self._operands = step, operands
        self._found = Found(unit.config)
        #: The near end of a pair of ports.
        self._near = Signal(RowLayouts(unit.config).peer)
        self.code, self.apply = Signal(signed(7)), Signal()
        self._result = Signal(32)
        self.binds_pirq = bus.op == Op.BIND_PIRQ_VCPU

    def begin(self, m: Module) -> None:
        """Branch of state IDLE, whatever is taken."""
        m.d.sync += [self.code.eq(0), self.apply.eq(0)]

    def fail(self, m: Module, errno: Errno) -> None:
        """End the operation with this result, nothing changed."""
        m.d.sync += self.code.eq(-int(errno))
        m.next = "DECIDE"

    def _look(self, m: Module) -> None:
        """What the operation must know of the rows here, as they leave the memories."""
        bus, row, found = self._bus, self._store.port_early, self._found
        m.d.sync += [
            found.state.eq(row.state), found.peer.eq(row.tie.peer),
            found.offered.eq(row.tie.peer.dom == bus.window),
            found.lane_named.eq(self._operands.lane_exists & (self._store.lane_early.names != 0)),
        ]
        with m.If(bus.op == Op.BIND_INTERDOMAIN):
            m.d.sync += [found.peer.dom.eq(self._cursor.now.dom),
                         found.peer.port.eq(self._cursor.now.port)]

    def _checks(self) -> dict:
        """The checks of the table, by name."""
        found, operands, entry = self._found, self._operands, self._pirq.entry
        bound = (self._store.pirq.bound & self._cursor.at_lane_hot).any()
        return {
            "known": C(0), "port_exists": operands.port_exists,
            "pirq_exists": operands.pirq_exists, "domain_exists": operands.domain_exists,
            "remote_exists": operands.remote_exists,
            "domain_allowed": operands.domain_own | self._bus.request.vmm,
            "port_used": found.state != PortState.FREE,
            "port_sends": ((found.state == PortState.INTERDOMAIN) | (found.state == PortState.IPI)
                           | (found.state == PortState.UNBOUND)),
            "port_offered": (found.state == PortState.UNBOUND) & found.offered,
            "pirq_owned": entry.owned & (entry.dom == self._bus.window),
            "lane_named": found.lane_named, "unbound": ~bound,
        }

    def _operate(self, m: Module) -> None:
        """Check the operation, and lead it to its step or to its end."""
        step, checks, found, pirq = self._step, self._checks(), self._found, self._store.pirq
        issuer = Cat(decode(self._store.lane_of, self._unit.config.lanes))
        m.d.sync += [
            found.own_work.eq((pirq.infl & issuer).any() & ~self._bus.request.vmm),
            found.consumed.eq(pirq.infl & ~pirq.pend),
        ]
        with m.Switch(self._bus.op):
            for op, row in OPERATIONS.items():
                with m.Case(op):
                    m.d.sync += step.todo.eq(STEP.const(row.step | {"bitwise": 1}))
                    if op is Op.PIRQ_EOI:
                        m.d.sync += [step.todo.mask.eq(self._unit.globals.auto_unmask),
                                     step.todo.reraise.eq(self._unit.globals.auto_unmask)]
                    self._then(m, row.then)
                    # The last statement wins, which is to be the first check.
                    for name, errno in reversed(row.checks):
                        with m.If(~checks[name]):
                            self.fail(m, errno)

    def _then(self, m: Module, then: Then) -> None:
        row, found = self._store.port, self._found
        match then:
            case Then.STEP:
                # Its lane and PIRQ are any, if it is bound to none.
                self._cursor.move(m, k=row.notify, n=row.tie.n)
                m.next = "RD_BITS"
            case Then.NOTIFY:
                self._cursor.move(m, k=row.notify)
                m.next = "RD_BITS"
                with m.If(found.state == PortState.UNBOUND):
                    m.next = "DECIDE"
                with m.If(found.state == PortState.INTERDOMAIN):
                    self._cursor.move(m, dom=found.peer.dom, port=found.peer.port)
                    m.next = "RD_PEER"
            case Then.END:
                m.next = "RD_LANE"
            case Then.ALLOCATE:
                with m.If(self._bus.op == Op.BIND_INTERDOMAIN):
                    self._cursor.move(m, dom=self._bus.window)
                m.next = "ALLOC"
            case Then.ANSWER:
                m.next = "DECIDE"

    def add_states(self, m: Module, *, mask_now) -> None:
        """States between RUN and the step."""
        bus, cursor, store, found = self._bus, self._cursor, self._store, self._found

        with m.State("ARGUMENTS"):
            # They are on their way.
            m.next = "COMMAND"

        with m.State("COMMAND"):
            # Stand at what they name; it is checked.
            place = self._operands.place
            cursor.move(m, port=place.port, k=place.k, n=place.n, dom=bus.window)
            with m.Switch(bus.op):
                with m.Case(*(op for op, row in OPERATIONS.items() if row.domain)):
                    cursor.move(m, dom=place.dom)
            m.next = "ROWS"

        with m.State("ROWS"):
            self._look(m)
            m.next = "OPERATE"

        with m.State("OPERATE"):
            self._operate(m)

        with m.State("RD_PEER"):
            m.next = "RD_PEER_LANE"

        with m.State("RD_PEER_LANE"):
            cursor.move(m, k=store.port.notify)
            m.next = "RD_BITS"

        with m.State("RD_LANE"):
            # Of the issuer if it has work in flight, else the lowest that has consumed.
            some, first = lowest(m, found.consumed, name="eoi")
            cursor.move(m, k=Mux(found.own_work, store.lane_of, first))
            m.next = "DECIDE"
            with m.If(found.own_work | some):
                m.next = "RD_PORT"

        with m.State("DECIDE"):
            with m.If(bus.op == Op.PIRQ_EOI):
                look_at_bits(m, cursor, store, self._step, to_pirq=0, mask_now=mask_now)
            self._decide(m)

        with m.State("STEP"):
            m.d.comb += store.write_bank[0].eq(self._tells)
            m.next = "IDLE"
            with m.If(self._pair):
                m.next = "PEER"

        with m.State("PEER"):
            # Of a pair that was just bound or closed.
            cursor.move(m, dom=found.peer.dom, port=found.peer.port)
            m.next = "PEER_ROW"

        with m.State("PEER_ROW"):
            m.next = "PAIR"

        with m.State("PAIR"):
            closed, row, new = bus.op == Op.CLOSE, store.port, store.port_data
            m.d.comb += [
                store.write_port.eq(1), new.notify.eq(row.notify),
                new.state.eq(Mux(closed, PortState.UNBOUND, PortState.INTERDOMAIN)),
                new.tie.peer.dom.eq(self._near.dom),
                new.tie.peer.port.eq(Mux(closed, 0, self._near.port)),
            ]
            m.next = "IDLE"

    def _decide(self, m: Module) -> None:
        """The operation is decided: port rows, results, answer."""
        bus, store, step, here = self._bus, self._store, self._step, self._cursor.now
        todo, apply = step.todo, self.apply
        status = (bus.op == Op.STATUS) & (self.code == 0)
        m.d.comb += store.write_bank.eq(Cat(~bus.fast, bus.fast | apply & todo.alloc | status))
        m.d.sync += self._tells.eq(status)
        step.decide(m, apply)
        with m.If(apply & (todo.alloc | todo.close)):
            m.d.comb += store.write_port.eq(1)
        with m.If(todo.alloc):
            self._new_port(m)
        m.d.sync += [self._near.dom.eq(here.dom), self._near.port.eq(here.port)]
        m.d.sync += self._pair.eq(
            apply & (store.port.state == PortState.INTERDOMAIN) & (bus.op == Op.CLOSE)
            | apply & (bus.op == Op.BIND_INTERDOMAIN))
        m.next = "STEP"
        bus.answer(m)
        bus.record_access(m, value=self._result)

    def _new_port(self, m: Module) -> None:
        """Row of a port that is allocated."""
        store, here, new = self._store, self._cursor.now, self._store.port_data
        m.d.comb += new.notify.eq(here.k)
        with m.Switch(self._bus.op):
            with m.Case(Op.ALLOC_UNBOUND):
                m.d.comb += [new.state.eq(PortState.UNBOUND),
                             new.tie.peer.dom.eq(store.bank_row.odd)]
            with m.Case(Op.BIND_INTERDOMAIN):
                m.d.comb += [new.state.eq(PortState.INTERDOMAIN),
                             new.tie.peer.eq(self._found.peer)]
            with m.Case(Op.BIND_PIRQ_VCPU):
                m.d.comb += [new.state.eq(PortState.PIRQ), new.tie.n.eq(here.n),
                             store.write_port_of.eq(self.apply),
                             store.port_of_data.eq(here.port)]
            with m.Default():
                m.d.comb += new.state.eq(PortState.IPI)

    def add_results(self, m: Module) -> None:
        """What is written to command registers, whichever of them are.

        An argument; or in the cycle of the decision the result and OUT0. OUT1, which STATUS alone
        has, follows in the step, in which the row of the port is still here.
        """
        bus, step, row, store = self._bus, self._step, self._store.port, self._store
        data, out1, tells, result = store.bank_data, Signal(32), self._tells, self._result
        argument = bus.kind == Kind.ARGUMENT
        with m.Switch(row.state):
            with m.Case(PortState.UNBOUND, PortState.INTERDOMAIN):
                m.d.comb += out1.eq(Cat(row.tie.peer.port | C(0, 16), row.tie.peer.dom))
            with m.Case(PortState.PIRQ):
                m.d.comb += out1.eq(row.tie.n)
        m.d.comb += [
            result.eq(Mux(self.apply & (bus.op == Op.CLAIM), step.was_pending, self.code)),
            store.bank_written.eq(Mux(tells, BankRow.OUT1, Mux(
                argument, bus.request.addr[3:5], Mux(bus.fast, BankRow.FAST, BankRow.RESULTS)))),
            data.even.eq(Mux(argument, bus.request.data, Mux(tells, out1, result))),
            data.odd.eq(Mux(argument, bus.request.data, Mux(bus.fast, result, Mux(
                step.todo.alloc, self._cursor.now.port, Cat(row.state, C(0, 5), row.notify))))),
        ]
        with m.If(tells):
            m.d.sync += tells.eq(0)
