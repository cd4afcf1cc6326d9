"""The router: what is done next, and where an access goes."""

from amaranth import Cat, Module, Mux, Signal

from .abi.two_level import TwoLevel
from .bus import BusSide
from .command import Command
from .cursor import Cursor
from .decode import Decode, Kind
from .directory import Directory
from .end_flight import EndFlight
from .grant import Grant
from .notes import BankNotes
from .port_step import PortStep
from .states import States
from .store import Store
from .walk import Walk

__all__ = ["Router"]


class Router:
    """States IDLE and RUN: a grant, what ends in flight, or an access is taken; one at a time.

    A grant goes first, but not twice in a row if an access waits; between the targets of a static
    grant nothing else is taken. The next thing waits while a note to the bank does.

    Parameters
    ----------
    unit : EventChannels
        Whose streams are taken from.
    bus, cursor, store, notes, step : BusSide, Cursor, Store, BankNotes, PortStep
        The access, where the engine stands, the rows there, who is told, and what is done.
    """

    def __init__(self, unit, bus: BusSide, cursor: Cursor, store: Store, notes: BankNotes,
                 step: PortStep):
        self._unit, self._bus, self._cursor, self._store = unit, bus, cursor, store
        self._notes, self._step = notes, step

    def add_idle(self, m: Module, states: States, decode: Decode, grant: Grant,
                 end_flight: EndFlight, walk: Walk, command: Command) -> None:
        """State IDLE: take the next operation, and go to the places that it names."""
        unit, bus, step = self._unit, self._bus, self._step
        take, valid = Signal(), unit.bus.req.valid
        with states.state("IDLE"):
            m.d.comb += take.eq(self._store.ready & self._notes.free)
            bus.begin(m, decode)
            command.begin(m)
            m.d.sync += walk.of_pending.eq(0)
            with m.If(take & unit.grant.target.valid & (grant.multi | ~grant.granted | ~valid)):
                grant.take(m, self._cursor, step)
            with m.Elif(take & unit.end_flight.valid & ~grant.multi):
                end_flight.take(m, self._cursor, step)
            with m.Elif(take & valid & ~grant.multi):
                self._stand(m)
                m.d.sync += walk.interrupted.eq(0)
                with m.If(walk.interrupted):
                    # `granted` stays: a bit must go before the next grant.
                    walk.prepare(m, bus, step, unit.globals.auto_reraise)
                    m.next = "WALK"
                with m.Else():
                    m.d.sync += grant.granted.eq(0)
                    m.next = "RUN"
                    with m.If(decode.kind == Kind.OPERATE):
                        m.next = "ROWS"

    def _stand(self, m: Module) -> None:
        """Go where a window access or a write of VCPU_CTL names rows, whichever it will need."""
        request, cursor = self._bus.request, self._cursor
        window, words = request.addr[20], request.addr[12:14] == 1
        operand = request.addr[8:10] == 3
        cursor.move(m, dom=Mux(window, request.addr[14:18], request.data[4:8]),
                    k=Mux(window, request.addr[6:12], request.data[24:30]),
                    n=request.data, port=request.data)
        with m.If(words & ~operand):
            cursor.move(m, port=Cat(request.addr[2:7] << 5))

    def add_run(self, m: Module, states: States, abi: TwoLevel, directory: Directory,
                walk: Walk) -> None:
        """States RUN and BANK: an access is done at once, or goes where it is done."""
        bus, store = self._bus, self._store
        with states.state("RUN", writes_rows=1):
            with m.Switch(bus.kind):
                with m.Case(Kind.COMMAND):
                    m.next = "ARGUMENTS"
                with m.Case(Kind.BANK, Kind.ARGUMENT):
                    m.next = "BANK"
                with m.Case(Kind.CTL):
                    directory.ask(m, bus, store, self._notes)
                with m.Case(Kind.MASK_CHANGE, Kind.PENDING_CHANGE):
                    walk.start(m, abi.changed(bus, store))
                    walk.prepare(m, bus, self._step, self._unit.globals.auto_reraise)
                    m.next = "WALK"
                with m.Default():
                    abi.access(m, bus, store, self._notes)
                    m.next = "IDLE"

        with states.state("BANK"):
            self._bank(m)
            m.next = "IDLE"

    def _bank(self, m: Module) -> None:
        """Reads and writes of command registers that start nothing."""
        bus, request, row = self._bus, self._bus.request, self._store.bank_row
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
                         self._store.write_bank.eq(Cat(request.addr[2:5] == i for i in range(3)))]
        bus.answer(m, value, err=bus.err)
        bus.record_access(m, value=value)
