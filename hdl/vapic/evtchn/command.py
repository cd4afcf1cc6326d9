"""The walk of an operation: arguments, rows, checks, step, result (EVT-14, EVT-20, EVT-40)."""

from amaranth import C, Cat, Module, Mux, Signal, signed
from amaranth.hdl import Value

from ..onehot import OneHot
from ..regs.events import Errno
from ..trees import decode, lowest, select
from .bus import BusSide
from .cursor import Cursor
from .decode import Op
from .operands import Found, Operands
from .ops import OPERATIONS, Then
from .rows import BankRow, PortState, RowLayouts
from .step import STEP, PirqStep, PortStep, look_at_bits
from .store import Store

__all__ = ["Command"]


class Command:
    """Operations on ports: commands and the fast registers.

    Parameters
    ----------
    unit : EventChannels
        Whose ``globals`` are read.
    states : OneHot
        States of the engine.
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

    def __init__(self, unit, states: OneHot, bus: BusSide, cursor: Cursor, store: Store,
                 step: PortStep, pirq: PirqStep, operands: Operands):
        self._pirq, self._pair, self._tells = pirq, Signal(), Signal()
        self._unit, self._bus, self._cursor, self._store = unit, bus, cursor, store
        self._states, self._step, self._operands = states, step, operands
        self._found = Found(unit.config)
        #: The near end of a pair of ports.
        self._near = Signal(RowLayouts(unit.config).peer)
        self.code, self.apply = Signal(signed(7)), Signal()
        self._result = Signal(32)
        #: The operation, one bit each, two cycles after it is seen at the latest.
        self._is = {op: Signal(name=f"is_{op.name.lower()}") for op in OPERATIONS}
        self.binds_pirq = self._is[Op.BIND_PIRQ_VCPU]

    def begin(self, m: Module) -> None:
        """Branch of state IDLE, whatever is taken."""
        m.d.sync += self.apply.eq(0)

    def fail(self, m: Module, errno: Errno) -> None:
        """End the operation with this result, nothing changed."""
        m.d.sync += self.code.eq(-int(errno))
        self._states.go("DECIDE")

    def _checks(self) -> dict:
        """The checks of the table, by name."""
        operands, entry, port = self._operands, self._pirq.entry, self._store.port
        bound = (self._store.pirq.bound & self._cursor.at_lane_hot).any()
        return {
            "known": C(0), "port_exists": operands.port_exists,
            "pirq_exists": operands.pirq_exists, "domain_exists": operands.domain_exists,
            "remote_exists": operands.remote_exists,
            "domain_allowed": operands.domain_own | self._bus.request.vmm,
            "port_used": port.state != PortState.FREE,
            "port_sends": ((port.state == PortState.INTERDOMAIN) | (port.state == PortState.IPI)
                           | (port.state == PortState.UNBOUND)),
            "port_offered": ((port.state == PortState.UNBOUND)
                             & (port.tie.peer.dom == self._bus.window)),
            "pirq_owned": entry.owned & (entry.dom == self._bus.window),
            "lane_named": operands.lane_exists & (self._store.lane.names != 0),
            "unbound": ~bound,
        }

    def _operate(self, m: Module) -> None:
        """Check the operation, and lead it to its step or to its end."""
        step, checks, found, pirq = self._step, self._checks(), self._found, self._store.pirq
        issuer = Cat(decode(self._store.lane_of, self._unit.config.lanes))
        m.d.sync += [
            found.peer.eq(self._store.port.tie.peer),
            found.own_work.eq((pirq.infl & issuer).any() & ~self._bus.request.vmm),
            found.consumed.eq(pirq.infl & ~pirq.pend),
        ]
        here = self._cursor.now
        with m.If(self._is[Op.BIND_INTERDOMAIN]):
            m.d.sync += [found.peer[name].eq(here[name]) for name in ("dom", "port")]
        todo = {name: self._any(lambda row, name=name: row.step.get(name)) for name, _ in STEP}
        unmasks = self._is[Op.PIRQ_EOI] & self._unit.globals.auto_unmask
        todo["mask"] |= unmasks
        todo["reraise"] |= unmasks
        step.prepare(m, **(todo | {"bitwise": 1}))
        for then in Then:
            with m.If(self._any(lambda row, then=then: row.then is then)):
                self._then(m, then)
        code = Signal.like(self.code)
        m.d.comb += code.eq(select(
            (self._is[op], self._code(row.checks, checks)) for op, row in OPERATIONS.items()))
        m.d.sync += self.code.eq(code)
        with m.If(code < 0):
            self._states.go("DECIDE")

    def _any(self, which) -> Value:
        """Whether it is an operation whose row of the table meets a condition."""
        return Cat(self._is[op] for op, row in OPERATIONS.items() if which(row)).any()

    def _code(self, rules, checks) -> Value:
        """Result by the first check that fails, or 0."""
        code = C(0, self.code.shape())
        for name, errno in reversed(rules):
            code = Mux(checks[name], code, C(-int(errno), self.code.shape()))
        return code

    def _then(self, m: Module, then: Then) -> None:
        row, states = self._store.port, self._states
        match then:
            case Then.STEP:
                # Its lane and PIRQ are any, if it is bound to none.
                self._cursor.follow(m, pirq=True)
                states.go("RD_BITS")
            case Then.NOTIFY:
                self._cursor.follow(m, pirq=False)
                states.go("RD_BITS")
                with m.If(row.state == PortState.UNBOUND):
                    states.go("DECIDE")
                with m.If(row.state == PortState.INTERDOMAIN):
                    states.go("TO_PEER")
            case Then.END:
                states.go("RD_LANE")
            case Then.ALLOCATE:
                with m.If(self._is[Op.BIND_INTERDOMAIN]):
                    self._cursor.move(m, dom=self._bus.window)
                states.go("ALLOC")
            case Then.ANSWER:
                states.go("DECIDE")

    def add_states(self, m: Module, *, mask_now) -> None:
        """States between RUN and the step."""
        bus, cursor, store, found = self._bus, self._cursor, self._store, self._found
        states = self._states
        m.d.sync += [code.eq(bus.op == op) for op, code in self._is.items()]

        with states.state("ARGUMENTS"):
            # They are on their way.
            states.go("COMMAND")

        with states.state("COMMAND"):
            # They are compared with the sizes.
            states.go("PLACE")

        with states.state("PLACE"):
            # Stand at what they name.
            place = self._operands.place
            cursor.move(m, dom=place.dom, port=place.port, k=place.k, n=place.n)
            states.go("ROWS")

        with states.state("ROWS"):
            # The rows are on their way.
            states.go("OPERATE")

        with states.state("OPERATE"):
            self._operate(m)

        with states.state("TO_PEER"):
            cursor.move(m, dom=found.peer.dom, port=found.peer.port)
            states.go("RD_PEER")
            # Of a pair that was just bound or closed.
            with m.If(self._pair):
                states.go("PEER_ROW")

        with states.state("RD_PEER"):
            states.go("RD_PEER_LANE")

        with states.state("RD_PEER_LANE"):
            cursor.follow(m, pirq=False)
            states.go("RD_BITS")

        with states.state("RD_LANE"):
            # Of the issuer if it has work in flight, else the lowest that has consumed.
            some, first = lowest(m, found.consumed, name="eoi")
            cursor.move(m, k=Mux(found.own_work, store.lane_of, first))
            states.go("DECIDE")
            with m.If(found.own_work | some):
                states.go("RD_PORT")

        rows = (store.write_bank, store.write_port, store.write_port_of)
        with states.state("DECIDE", writes=rows):
            with m.If(self._is[Op.PIRQ_EOI]):
                look_at_bits(m, cursor, store, self._step, to_pirq=0, mask_now=mask_now)
            self._decide(m)

        with states.state("STEP", writes=(store.write_bank,)):
            states.write(store.write_bank, self._tells)
            states.go("IDLE")
            with m.If(self._pair):
                states.go("TO_PEER")

        with states.state("PEER_ROW"):
            states.go("PAIR")

        with states.state("PAIR", writes=(store.write_port,)):
            closed, row, new = self._is[Op.CLOSE], store.port, store.port_data
            states.write(store.write_port)
            m.d.comb += [
                new.notify.eq(row.notify), new.tie.peer.dom.eq(self._near.dom),
                new.state.eq(Mux(closed, PortState.UNBOUND, PortState.INTERDOMAIN)),
                new.tie.peer.port.eq(Mux(closed, 0, self._near.port)),
            ]
            m.d.sync += self._pair.eq(0)
            states.go("IDLE")

    def _decide(self, m: Module) -> None:
        """The operation is decided: port rows, results, answer."""
        bus, store, step, here = self._bus, self._store, self._step, self._cursor.now
        todo, apply = step.todo, self.apply
        status = self._is[Op.STATUS] & (self.code == 0)
        self._states.write(store.write_bank,
                           Cat(~bus.fast, bus.fast | apply & todo.alloc | status))
        m.d.sync += self._tells.eq(status)
        step.decide(m, apply)
        with m.If(apply & (todo.alloc | todo.close)):
            self._states.write(store.write_port)
        with m.If(todo.alloc):
            self._new_port(m)
        m.d.sync += [self._near.dom.eq(here.dom), self._near.port.eq(here.port)]
        m.d.sync += self._pair.eq(
            apply & (store.port.state == PortState.INTERDOMAIN) & self._is[Op.CLOSE]
            | apply & self._is[Op.BIND_INTERDOMAIN])
        self._states.go("STEP")
        bus.answer(m)
        bus.record_access(m)

    def _new_port(self, m: Module) -> None:
        """Row of a port that is allocated."""
        store, here, new = self._store, self._cursor.now, self._store.port_data
        m.d.comb += new.notify.eq(here.k)
        with m.If(self._is[Op.ALLOC_UNBOUND]):
            m.d.comb += [new.state.eq(PortState.UNBOUND), new.tie.peer.dom.eq(store.bank_row.odd)]
        with m.Elif(self._is[Op.BIND_INTERDOMAIN]):
            m.d.comb += [new.state.eq(PortState.INTERDOMAIN), new.tie.peer.eq(self._found.peer)]
        with m.Elif(self._is[Op.BIND_PIRQ_VCPU]):
            self._states.write(store.write_port_of, self.apply)
            m.d.comb += [new.state.eq(PortState.PIRQ), new.tie.n.eq(here.n),
                         store.port_of_data.eq(here.port)]
        with m.Else():
            m.d.comb += new.state.eq(PortState.IPI)

    def add_results(self, m: Module) -> None:
        """What is written to command registers, whichever of them are.

        An argument; or in the cycle of the decision the result and OUT0. OUT1, which STATUS alone
        has, follows in the step, in which the row of the port is still here.
        """
        bus, step, row, store = self._bus, self._step, self._store.port, self._store
        data, out1, tells, result = store.bank_data, Signal(32), self._tells, self._result
        argument = self._states.ongoing("BANK")
        with m.Switch(row.state):
            with m.Case(PortState.UNBOUND, PortState.INTERDOMAIN):
                m.d.comb += out1.eq(Cat(row.tie.peer.port | C(0, 16), row.tie.peer.dom))
            with m.Case(PortState.PIRQ):
                m.d.comb += out1.eq(row.tie.n)
        m.d.comb += [
            result.eq(Mux(self.apply & self._is[Op.CLAIM], step.was_pending, self.code)),
            store.bank_written.eq(Mux(tells, BankRow.OUT1, Mux(
                argument, bus.request.addr[3:5], Mux(bus.fast, BankRow.FAST, BankRow.RESULTS)))),
            data.even.eq(Mux(argument, bus.request.data, Mux(tells, out1, result))),
            data.odd.eq(Mux(argument, bus.request.data, Mux(bus.fast, result, Mux(
                step.todo.alloc, self._cursor.now.port, Cat(row.state, C(0, 5), row.notify))))),
        ]
        with m.If(tells):
            m.d.sync += tells.eq(0)
        bus.record_answer(m, Mux(self._states.ongoing("STEP"), result, 0))
