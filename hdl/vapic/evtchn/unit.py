"""Event channels: the engine that does one bus access, command or grant at a time."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..onehot import OneHot
from ..record import record_ports
from ..rules import saturate
from .abi.two_level import TwoLevel
from .alloc import add_alloc_states
from .bus import BusSide
from .command import Command
from .cursor import Cursor
from .decode import Decode
from .directory import Directory
from .end_flight import EndFlight
from .grant import Grant
from .notes import BankNotes
from .operands import Operands
from .router import Router
from .step import PirqStep, PortStep, add_port_states
from .store import Store
from .walk import Walk, add_walk_states

__all__ = ["EventChannels"]


class EventChannels(wiring.Component):
    """All domains' event channels and the state of physical interrupts bound to them.

    Chapter 5 of the specification with the 2-level ABI and group ports. Everything is done one
    after the other: an access takes 2 cycles from request to decision (3 for a command register),
    UNMASK and CLAIM 5, SEND at most 8, PIRQ_EOI 8, a command at most 15, a mask change 7 and one a
    changed bit, a grant 4 cycles from take to decision. The answer of an access comes a cycle
    after its decision (after the last row is written, for a change of pending bits).

    What is decided is done in the next cycle, from registers: rows of ports, words, lanes and
    PIRQs, the count of work in flight, notes to the bank and to the request store. Nobody can see
    the state between: the next thing is taken after that, but for the next target of a grant,
    whose rows are others; and of the readers beside the engine, the bank gets a row that is being
    written as it is written, and dispatch waits for it (``lag``).

    A grant goes before an access or the next bit of a mask change, but not twice in a row; between
    the targets of a static grant, which follow each other every 4 cycles, nothing else is done. A
    note to the bank delays what follows until it is taken. Writes of VCPU_CTL that reach the bank
    have no commit record here.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    bus : ``In(Layouts.unit_bus)``
        Windows (right to them checked) and writes of VCPU_CTL; a request is taken when decided.
    grant : ``In(Layouts.sink(Layouts.evt_grant))``
        Targets of grants (SEL-30).
    grant_comes : ``In(1)``
        One may be offered in the next cycle, where none was: so its rows can be read at once.
    granting : ``Out(1)``
        A target was taken before this cycle, and not decided before it.
    end_flight : ``In(stream)``
        A PIRQ of which nothing is to be in flight any more; taken when that is so.
    note, note_done
        Upcall changes and CTL writes to the bank; its answer to the latter.
    out_dom, out_k, out_value : ``In``, ``In``, ``Out(8)``
        Work in flight on a lane after all decisions before this cycle, read asynchronously;
        saturates at 255.
    out_write : ``Out(Layouts.out_write)``
        The count as it changes, a cycle after the decision; all lanes at initialisation.
    pirq_n, pirq_row : ``In``, ``Out(Layouts.pirq_row)``
        Row of a PIRQ one cycle later, as it is after all decisions before the address cycle, if
        ``lag`` is 0 in that.
    query_n, query_entry : ``Out``, ``In(Layouts.entry)``
        Table entry one cycle later.
    pirq_note, hand_back, changed : ``Out``
        A cycle after the decision: the new summary of a PIRQ row; RIRR or pend of a request;
        whether a waiting request may have become serviceable.
    lag : ``Out(1)``
        The row of the PIRQ does not yet show all of the last decision, whose step is in this cycle
        (or in one of the next: a W1C of several PIRQ ports): no selection may start in it.
    globals : ``In(Layouts.globals)``
        Global registers.
    ready, quiet : ``Out(1)``
        Initialisation done; nothing under way.
    commits : ``Out(Layouts.commit_port)``
        If ``config.commits``.
    """

    def __init__(self, config):
        c = self.config = config
        layouts = Layouts(config)
        self.store = Store(config, layouts)
        members = {
            "bus": In(layouts.unit_bus),
            "grant": In(layouts.sink(layouts.evt_grant)), "granting": Out(1),
            "grant_comes": In(1),
            "end_flight": In(stream.Signature(c.pirq_bits)),
            "note": Out(stream.Signature(layouts.note)), "note_done": In(layouts.note_done),
            "out_dom": In(c.domain_bits), "out_k": In(c.lane_bits), "out_value": Out(8),
            "out_write": Out(layouts.out_write),
            "pirq_n": In(c.pirq_bits), "pirq_row": Out(layouts.pirq_row),
            "query_n": Out(c.pirq_bits), "query_entry": In(layouts.entry),
            "pirq_note": Out(layouts.pirq_note), "hand_back": Out(layouts.hand_back),
            "changed": Out(1), "lag": Out(1), "globals": In(layouts.globals),
            "ready": Out(1), "quiet": Out(1),
        }
        super().__init__(members | record_ports(c))

    def elaborate(self, platform):
        m = Module()
        c = self.config
        m.submodules.store = store = self.store
        m.submodules.decode = decode = Decode(c, Layouts(c))
        m.submodules.operands = operands = Operands(c)
        states, cursor = OneHot(m, init="START"), Cursor(m, store, c)
        bus, notes = BusSide(m, self), BankNotes(m, self)
        step, abi, walk = PortStep(m, store.stall), TwoLevel(), Walk(m, bus.request)
        pirq = PirqStep(m, self, store, cursor, step)
        grant, end_flight, directory = Grant(m, self, pirq), EndFlight(self), Directory(self)
        command = Command(self, states, bus, cursor, store, step, pirq, operands)
        router = Router(self, bus, cursor, store, notes)

        # A walk stands still while a note was under way a cycle ago.
        stall = Signal()
        m.d.sync += stall.eq(walk.active & notes.valid)
        m.d.comb += [store.lane_data.eq(store.lane), decode.request.eq(bus.request),
                     store.stall.eq(stall),
                     store.hold_port.eq(walk.hold), store.hold_pirq.eq(~walk.active)]
        abi.add_reads(m, bus, store)
        walk.keep_bits(m, abi.changed(m, bus, store))
        router.add_idle(m, states, decode, grant, walk, command)
        router.add_run(m, states, abi)
        abi.add_states(m, states, store, notes)
        add_walk_states(m, states, bus, cursor, store, step, walk, mask_now=abi.mask_now,
                        grant=grant, ports=c.ports, reraise=self.globals.auto_reraise)
        command.add_states(m, mask_now=abi.mask_now)
        add_alloc_states(m, states, cursor, store, lambda errno: command.fail(m, errno))
        add_port_states(m, states, cursor, store, step, granting=grant.active,
                        to_pirq=command.binds_pirq, mask_now=abi.mask_now, apply=command.apply)
        grant.add_states(m, states, bus, cursor, store, step, notes, mask_now=abi.mask_now)
        directory.add_states(m, states, bus, cursor, store, notes)
        end_flight.add_states(m, states, cursor, store, step, pirq)
        states.finish()
        cursor.finish(m)
        idle, in_command = states.ongoing("IDLE"), states.ongoing("COMMAND")
        abi.add_step(m, bus, store, cursor, step, walk, notes)
        command.add_results(m)
        m.d.comb += [
            operands.command.eq(in_command),
            operands.latch.eq(in_command | states.ongoing("RUN")),
            operands.op.eq(bus.op), operands.data.eq(bus.request.data),
            operands.arg0.eq(store.bank_row.even), operands.arg1.eq(store.bank_row.odd),
            operands.window.eq(bus.window),
            self.granting.eq(grant.active),
            self.lag.eq(walk.active & walk.of_pending & ~walk.begins
                        | step.due & step.is_pirq & (cursor.at.n == self.pirq_n)),
            self.quiet.eq(idle & ~self.bus.req.valid & ~self.bus.rsp.valid
                          & ~self.grant.target.valid & ~notes.valid & ~grant.multi
                          & ~self.end_flight.valid),
        ]
        self._wire(m, cursor)
        return m

    def _wire(self, m: Module, cursor: Cursor) -> None:
        """The memories' other readers, and what dispatch is told of work in flight."""
        c, store, request = self.config, self.store, self.bus.req.payload
        count, clearing = store.inflight_data, store.clearing
        m.d.comb += [
            self.ready.eq(store.ready), self.query_n.eq(cursor.query_n),
            store.pirq_n.eq(self.pirq_n), self.pirq_row.eq(store.pirq_row),
            store.out_dom.eq(self.out_dom), store.out_k.eq(self.out_k),
            self.out_value.eq(store.out_value), store.vcpu.eq(request.vcpu),
            store.bank.eq(Cat(Mux(request.vmm, 0, store.lane_of), request.vmm,
                              request.addr[14:14 + c.domain_bits])),
            self.out_write.en.eq(store.write_inflight | clearing),
            self.out_write.dom.eq(Mux(clearing, store.clearing_dom, cursor.at.dom)),
            self.out_write.lanes.eq(cursor.at_lane_hot | clearing.replicate(c.lanes)),
            self.out_write.out.eq(Mux(clearing, 0, saturate(count, 8))),
        ]
