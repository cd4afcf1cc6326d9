"""Event channels: the engine that does one bus access, command or grant at a time."""

from operator import or_

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..record import record_ports
from ..trees import reduce_pairs
from .commands import add_bank_data, add_command_states, add_operand_checks, decide
from .decode import Kind
from .directory import add_directory_states
from .engine import Engine
from .flight import add_flight_states, take_flight
from .grant import add_grant_check, decide_grant, take_grant
from .raise_ import add_step
from .store import Store
from .words import add_word_states, resume_walk

__all__ = ["EventChannels"]

#: States in which the row of a lane or of a PIRQ may be written, besides a walk.
_WRITES = ("RUN", "DECIDE", "END_FLIGHT", "LEAVE", "ENTER")


class EventChannels(wiring.Component):
    """All domains' event channels and the state of physical interrupts bound to them.

    Chapter 5 of the specification with the 2-level ABI and group ports. Everything is done one
    after the other: an access takes 2 cycles from request to decision (3 for a command register),
    SEND, UNMASK, PIRQ_EOI and CLAIM at most 7, a command at most 14, a mask change 5 and one a
    changed bit, a grant 3 cycles from take to decision. The answer of an access comes a cycle
    after its decision (after the last row is written, for a change of pending bits). A grant goes
    before an access or the next bit of a mask change, but not twice in a row; between the targets
    of a static grant nothing else is done. A note to the bank delays what follows until it is
    taken. Writes of VCPU_CTL that reach the bank have no commit record here.

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
    end_flight : ``In(stream)``
        A PIRQ of which nothing is to be in flight any more; taken when that is so.
    note, note_done
        Upcall changes and CTL writes to the bank; its answer to the latter.
    out_dom, out_k, out_value : ``In``, ``In``, ``Out(8)``
        Work in flight on a lane, read asynchronously; saturates at 255.
    out_write : ``Out(Layouts.out_write)``
        The count as it changes, in the decision cycle; all lanes at initialisation.
    pirq_n, pirq_row : ``In``, ``Out(Layouts.pirq_row)``
        Row of a PIRQ one cycle later, as it was before a decision of the address cycle.
    query_n, query_entry : ``Out``, ``In(Layouts.entry)``
        Table entry one cycle later.
    pirq_note, hand_back, changed : ``Out``
        In the decision cycle: the new summary of a PIRQ row; RIRR or pend of a request; whether a
        waiting request may have become serviceable.
    lag : ``Out(1)``
        The PIRQ rows do not yet show all of the last decision (a W1C of several PIRQ ports): no
        selection may start in this cycle.
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
            "grant": In(layouts.sink(layouts.evt_grant)),
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
        m.submodules.store = store = self.store
        e = Engine(self, m, store)
        self._wire(m, e)

        m.d.sync += self.bus.rsp.valid.eq(0)
        with m.If(self.note.ready):
            m.d.sync += e.note_valid.eq(0)

        in_bank, latch = Signal(), Signal()
        add_operand_checks(m, e, in_bank=in_bank, latch=latch)
        add_grant_check(m, e)
        with m.FSM() as fsm:
            with m.State("IDLE"):
                self._idle(m, e)
            add_word_states(m, e)
            add_command_states(m, e)
            add_directory_states(m, e)
            add_flight_states(m, e)
            with m.State("DECIDE"):
                with m.If(e.granting):
                    decide_grant(m, e)
                with m.Else():
                    decide(m, e)
        m.d.comb += [
            in_bank.eq(fsm.ongoing("ARGUMENTS")), latch.eq(in_bank | fsm.ongoing("IDLE")),
            store.row_busy.eq(e.third | reduce_pairs(
                [fsm.ongoing(state) for state in _WRITES], or_)),
            self.quiet.eq(fsm.ongoing("IDLE") & store.ready & ~self.bus.req.valid
                          & ~self.bus.rsp.valid & ~self.grant.target.valid & ~e.note_valid
                          & ~e.multi
                          & ~self.end_flight.valid),
        ]
        add_step(m, e)
        add_bank_data(m, e)
        return m

    def _wire(self, m: Module, e: Engine) -> None:
        """Memories, notes and what is sent to dispatch."""
        c, store, request = self.config, self.store, e.request
        m.d.comb += [
            e.note_free.eq(~e.note_valid | self.note.ready),
            self.note.valid.eq(e.note_valid), self.note.payload.eq(e.note),
            self.note.payload.data.eq(request.data),
            self.ready.eq(store.ready), self.query_n.eq(e.go.n),
            store.pirq_n.eq(self.pirq_n), self.pirq_row.eq(store.pirq_row),
            store.out_dom.eq(self.out_dom), store.out_k.eq(self.out_k),
            self.out_value.eq(store.out_value),
            store.vcpu.eq(request.vcpu),
            store.bank.eq(Cat(Mux(request.vmm, 0, store.vcpu_k), request.vmm,
                              request.addr[14:14 + c.domain_bits])),
            self.out_write.en.eq(store.write_out | store.clearing),
            self.out_write.dom.eq(Mux(store.clearing, store.clearing_dom, e.here.dom)),
            self.out_write.lanes.eq(Cat(e.lane_hot) | store.clearing.replicate(c.lanes)),
            self.out_write.out.eq(Mux(store.clearing, 0, Mux(
                store.out_data > 255, 255, store.out_data))),
            e.lane_next.eq(store.lane),
            # It stays where it is unless a state says otherwise.
            e.go.eq(e.here),
        ]

    def _idle(self, m: Module, e: Engine) -> None:
        """Take the next operation; rows are read for the places that the request names."""
        go, request = e.go, e.request
        decode = e.decode
        take = Signal()
        m.d.comb += take.eq(self.store.ready & e.note_free)
        m.d.sync += [
            e.kind.eq(decode.kind), e.op.eq(decode.op), e.err.eq(decode.err),
            e.berr.eq(decode.berr), e.fast.eq(decode.kind == Kind.OPERATE),
            e.code.eq(0), e.apply.eq(0), e.walk_pending.eq(0),
        ]
        with m.If(take & self.grant.target.valid & (e.multi | ~e.granted | ~self.bus.req.valid)):
            take_grant(m, e)
        with m.Elif(take & self.end_flight.valid & ~e.multi):
            take_flight(m, e)
        with m.Elif(take & self.bus.req.valid & ~e.multi):
            window, words = request.addr[20], request.addr[12:14] == 1
            operand = request.addr[8:10] == 3
            m.d.comb += [
                go.dom.eq(Mux(window, request.addr[14:18], request.data[4:8])),
                go.k.eq(Mux(window, request.addr[6:12], request.data[24:30])),
                go.n.eq(request.data),
                go.port.eq(request.data),
            ]
            with m.If(words & ~operand):
                m.d.comb += go.port.eq(Cat(request.addr[2:7] << 5))
            m.d.sync += e.walking.eq(0)
            with m.If(e.walking):
                # `granted` stays: a bit must go before the next grant.
                resume_walk(m, e)
            with m.Else():
                m.d.sync += e.granted.eq(0)
                m.next = "RUN"
                with m.If(decode.kind == Kind.OPERATE):
                    m.next = "ROWS"
