"""The router: what is done next, and where an access goes."""

from amaranth import Cat, Module, Mux, Signal

from ..onehot import OneHot
from .abi.two_level import TwoLevel
from .bus import BusSide
from .command import Command
from .cursor import Cursor
from .decode import Decode, Kind
from .grant import Grant
from .notes import BankNotes
from .rows import BankRow
from .store import Store
from .walk import Walk

__all__ = ["Router"]


class Router:
    """States START, IDLE, RUN and BANK: a grant, end of flight or access is taken; one at a time.

    A grant goes first, but not twice in a row if an access has waited for a cycle; between the
    targets of a static grant nothing else is taken. The next thing waits while a note to the bank
    does. Whether the rows of a target or those of an access are read is known a cycle before
    (`aim`), as they are the addresses of all memories: a target that nobody announced is taken a
    cycle later.

    Parameters
    ----------
    unit : EventChannels
        Whose streams are taken from.
    bus, cursor, store, notes : BusSide, Cursor, Store, BankNotes
        The access, where the engine stands, the rows there, and who is told.
    """

    def __init__(self, unit, bus: BusSide, cursor: Cursor, store: Store, notes: BankNotes):
        self._unit, self._bus, self._cursor, self._store = unit, bus, cursor, store
        self._notes = notes
        #: The engine stands where a target names rows, if one is offered.
        self._aim = Signal()

    def add_idle(self, m: Module, states: OneHot, decode: Decode, grant: Grant, walk: Walk,
                 command: Command) -> None:
        """States START and IDLE: take the next operation, and go to the places that it names.

        The engine goes there whether it takes it in this cycle or not.
        """
        unit, bus, take = self._unit, self._bus, ~self._notes.valid
        aim, ending, valid = self._aim, Signal(), unit.bus.req.valid
        m.d.comb += ending.eq(~aim & unit.end_flight.valid)
        m.d.sync += aim.eq(grant.multi | (~grant.granted | ~valid)
                           & (unit.grant_comes | unit.grant.target.valid))
        with states.state("START"):
            with m.If(self._store.ready):
                states.go("IDLE")

        with states.state("IDLE"):
            bus.begin(m, decode)
            command.begin(m)
            m.d.sync += walk.of_pending.eq(0)
            self._stand(m, aim, ending, grant)
            m.d.comb += unit.grant.target.ready.eq(take & aim)
            with m.If(take & aim & unit.grant.target.valid):
                grant.take(m, states)
            with m.Elif(take & ending):
                states.go("FLIGHT")
            with m.Elif(take & ~aim & valid):
                states.go("RUN")
                m.d.sync += walk.interrupted.eq(0)
                with m.If(walk.interrupted):
                    # `granted` stays: a bit must go before the next grant.
                    states.go("WALK_ROW")
                with m.Else():
                    m.d.sync += grant.granted.eq(0)

    def _stand(self, m: Module, aim, ending, grant: Grant) -> None:
        """Go where a target, a PIRQ or an access names rows, whichever it will need.

        An access is one to a window or a write of VCPU_CTL.
        """
        request, cursor = self._bus.request, self._cursor
        window, words = request.addr[20], request.addr[12:14] == 1
        operand = ~words | (request.addr[8:10] == 3)
        # Only an access begins with a port.
        cursor.move(m, port=Mux(operand, request.data, Cat(request.addr[2:7] << 5)))
        with m.If(aim):
            grant.look(m, cursor)
        with m.Elif(ending):
            cursor.move(m, n=self._unit.end_flight.payload)
        with m.Else():
            cursor.move(m, dom=Mux(window, request.addr[14:18], request.data[4:8]),
                        k=Mux(window, request.addr[6:12], request.data[24:30]), n=request.data)

    def add_run(self, m: Module, states: OneHot, abi: TwoLevel) -> None:
        """States RUN and BANK: an access is done at once, or goes where it is done."""
        bus, store, odd = self._bus, self._store, self._bus.request.addr[2]
        m.d.comb += store.bank_part.eq(
            Mux(bus.kind == Kind.COMMAND, BankRow.ARGUMENTS, bus.request.addr[3:5]))
        with states.state("RUN"):
            abi.begin_change(m, bus)
            with m.Switch(bus.kind):
                with m.Case(Kind.COMMAND):
                    states.go("ARGUMENTS")
                with m.Case(Kind.BANK, Kind.ARGUMENT):
                    states.go("BANK")
                with m.Case(Kind.CTL):
                    states.go("CTL")
                with m.Case(Kind.MASK_CHANGE, Kind.PENDING_CHANGE):
                    states.go("WALK_ROW")
                with m.Case(Kind.OPERATE):
                    states.go("OPERATE")
                with m.Default():
                    abi.access(m, states, bus)

        with states.state("BANK", writes=(store.write_bank,)):
            # Reads and writes of command registers that start nothing.
            with m.If(bus.request.we):
                states.write(store.write_bank, Cat(~odd, odd))
            with m.Else():
                m.d.sync += abi.shows_register.eq(Cat(~odd, odd))
            bus.answer(m, err=bus.err)
            bus.record_access(m)
            states.go("IDLE")
