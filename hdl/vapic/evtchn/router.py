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
from .rows import BankRow
from .store import Store
from .walk import Walk

__all__ = ["Router"]


class Router:
    """States START, IDLE and RUN: a grant, end of flight or an access is taken; one at a time.

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

    def add_idle(self, m: Module, decode: Decode, abi: TwoLevel, grant: Grant,
                 end_flight: EndFlight, walk: Walk, command: Command) -> None:
        """States START and IDLE: take the next operation, and go to the places that it names."""
        unit, bus, step = self._unit, self._bus, self._step
        take, room, valid = Signal(), Signal(), unit.bus.req.valid
        with m.State("START"):
            with m.If(self._store.ready):
                m.next = "IDLE"

        with m.State("IDLE"):
            m.d.comb += take.eq(~self._notes.valid)
            bus.begin(m, decode)
            command.begin(m)
            abi.begin(m, decode)
            m.d.sync += walk.of_pending.eq(0)
            # Whether a target can be taken doesn't wait for one: two blocks meet here.
            m.d.comb += room.eq(take & (grant.multi | ~grant.granted | ~valid))
            with m.If(room):
                m.d.comb += unit.grant.target.ready.eq(1)
            with m.If(room & unit.grant.target.valid):
                grant.take(m, self._cursor, step)
            with m.Elif(take & unit.end_flight.valid & ~grant.multi):
                end_flight.take(m, self._cursor, step)
            with m.Elif(take & valid & ~grant.multi):
                self._stand(m)
                m.d.sync += walk.interrupted.eq(0)
                with m.If(walk.interrupted):
                    # `granted` stays: a bit must go before the next grant.
                    walk.prepare(m, bus, step, unit.globals.auto_reraise)
                    m.next = "WALK_ROW"
                with m.Else():
                    m.d.sync += grant.granted.eq(0)
                    abi.begin_change(m, bus, decode)
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

    def add_run(self, m: Module, abi: TwoLevel, directory: Directory,
                walk: Walk) -> None:
        """States RUN and BANK: an access is done at once, or goes where it is done."""
        bus, store, odd = self._bus, self._store, self._bus.request.addr[2]
        chosen = self._chosen_register(m)
        m.d.comb += store.bank_part.eq(
            Mux(bus.kind == Kind.COMMAND, BankRow.ARGUMENTS, bus.request.addr[3:5]))
        with m.State("RUN"):
            m.d.sync += chosen.eq(Mux(bus.request.we, 0, Cat(~odd, odd)))
            with m.Switch(bus.kind):
                with m.Case(Kind.COMMAND):
                    m.next = "ARGUMENTS"
                with m.Case(Kind.BANK, Kind.ARGUMENT):
                    m.next = "BANK"
                with m.Case(Kind.CTL):
                    directory.ask(m, bus, store, self._notes)
                with m.Case(Kind.MASK_CHANGE, Kind.PENDING_CHANGE):
                    walk.prepare(m, bus, self._step, self._unit.globals.auto_reraise)
                    m.next = "WALK"
                with m.Default():
                    abi.access(m, bus)

        with m.State("BANK"):
            # Reads and writes of command registers that start nothing.
            with m.If(bus.request.we):
                m.d.comb += store.write_bank.eq(Cat(~odd, odd))
            bus.answer(m, err=bus.err)
            bus.record_access(m, value=bus.bank)
            m.next = "IDLE"

    def _chosen_register(self, m: Module) -> Signal:
        """Which of two command registers is read; 0 but in the cycle after it is set."""
        row, chosen = self._store.bank_early, Signal(2)
        m.d.sync += chosen.eq(0)
        m.d.comb += self._bus.bank.eq(Mux(chosen[0], row.even, 0) | Mux(chosen[1], row.odd, 0))
        return chosen
