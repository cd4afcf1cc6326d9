"""Register accesses of the I/O APIC: decide, answer, record."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err, Layouts, Outcome
from ..record import Recorder, record_ports
from ..rules import effective_level
from .entries import flight_layout, row_layout, write_layout
from .flags import change_layout, state_layout
from .readout import Readout
from .verdict import Verdict
from .window import Window

__all__ = ["Registers"]


class Registers(wiring.Component):
    """One access at a time: taken, looked up, judged, decided, and answered with its commit.

    Its decision is prepared by a cycle of its own: in state READY nothing that it rests on may be
    under way, and in the next cycle, APPLY, it is decided, come what may: all that acts then comes
    from flip-flops. So a grant of the same entry decided in APPLY is ordered after the access, and
    is no longer good (``spoils``); one in READY is ordered before it, and READY waits.

    The answer comes seven cycles after an access was taken; later by as long as READY waited, by
    three if vector, owner or path of an entry changed, and until the event channels have ended what
    was in flight (IOA-10, IOA-11b).
    ERR-03, ERR-04, ERR-09 and ERR-14 are acknowledged and do nothing; all but ERR-04 read 0.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    bus : ``In(Layouts.unit_bus)``
        Accesses.
    start : ``In(1)``
        Accesses may be taken.
    hold : ``In(1)``
        A grant, an EOI, or a change by the event channels is being decided: what is known of it
        is not true before the fourth cycle after this one.
    n : ``Out(pirq_bits)``
        Entry of the access, from two cycles after it was taken until its answer.
    word : ``Out(32)``
        What is written; 0 before the first access.
    row, last : ``In(row_layout)``, ``In(Layouts.last_target)``
        Memory rows of ``n`` in the previous cycle.
    state, flight, held, status : ``In``
        Flags of ``n``, whether its request is put off, and why.
    enable : ``In(1)``
        CTRL.enable.
    spoils : ``Out(1)``
        In the next cycle a register of ``n`` is written.
    apply : ``Out(1)``
        An access is decided in this cycle.
    write : ``Out(write_layout)``
        Registers of ``n`` written in this cycle.
    change : ``Out(change_layout)``
        The same for the flags; stays until the answer.
    was : ``Out(row_layout)``
        With a write: row ``n`` before it.
    moving : ``In(1)``
        What a write changed is being noted elsewhere: the answer waits.
    eoi : ``Out(1)``
        The EOI register is written in this cycle.
    vmm, dom : ``Out``
        Role and domain of the master.
    ending : ``Out(1)``
        An EOI register write is ending what is in flight, from its decision until ``ended``.
    ended : ``In(1)``
        Its RIRR bits are clear, and nothing is left in flight of what it matches.
    end_one : ``Out(1)``
        A write of trigger=edge is ending what is in flight of ``n``, until ``flight.infl`` is 0.
    draining : ``Out(1)``
        One of the two.
    quiet : ``Out(1)``
        No access is under way.
    commits : ``Out(Layouts.commit_port)``
        Only with ``config.commits``: accesses.
    """

    def __init__(self, config):
        c = self._config = config
        layouts = self._layouts = Layouts(config)
        ports = {
            "bus": In(layouts.unit_bus), "start": In(1), "hold": In(1),
            "n": Out(c.pirq_bits), "word": Out(32),
            "row": In(row_layout), "last": In(layouts.last_target),
            "state": In(state_layout), "flight": In(flight_layout),
            "held": In(1), "status": In(Outcome), "enable": In(1),
            "spoils": Out(1), "apply": Out(1),
            "write": Out(write_layout), "change": Out(change_layout),
            "was": Out(row_layout), "moving": In(1),
            "eoi": Out(1), "vmm": Out(1), "dom": Out(4),
            "ending": Out(1), "ended": In(1), "end_one": Out(1), "draining": Out(1),
            "quiet": Out(1),
        }
        super().__init__(ports | record_ports(c))

    def elaborate(self, platform):
        m = Module()
        c = self._config
        m.submodules.window = window = Window(c)
        m.submodules.verdict = verdict = Verdict(c)
        m.submodules.readout = readout = Readout(c)
        row = Signal.like(self.row)     # a block RAM is slow: its row rests a cycle
        request, target = Signal(self._layouts.bus_request), Signal.like(window.target)
        err, may, ready = Signal(Err), Signal(), Signal()
        apic_id, index = Signal(4), Signal(8)
        m.d.comb += [
            window.addr.eq(request.addr), window.index.eq(index),
            self.word.eq(request.data), self.vmm.eq(request.vmm), self.dom.eq(request.dom),
            self.n.eq(target.n), self.was.eq(row),
            verdict.request.eq(request), verdict.target.eq(target), verdict.row.eq(row),
            readout.take.eq(self.apply), readout.reads.eq(~request.we), readout.target.eq(target),
            readout.index.eq(index), readout.apic_id.eq(apic_id), readout.row.eq(row),
            *(getattr(readout, name).eq(getattr(self, name))
              for name in ("last", "state", "flight", "held", "status", "enable")),
        ]
        # All of it stands still long enough before READY.
        m.d.sync += [row.eq(self.row), err.eq(verdict.err), readout.foreign.eq(verdict.foreign),
                     verdict.rirr.eq(self.state.rirr), verdict.flight.eq(self.flight),
                     may.eq(request.we & (verdict.err == Err.NONE))]

        entry = target.low | target.high | target.reqx | target.owner
        m.d.comb += self.spoils.eq(ready & may & entry)
        m.d.sync += [
            *(self.write[name].eq(self.spoils & target[name])
              for name in ("low", "high", "reqx", "owner")),
            self.eoi.eq(ready & may & target.eoi),
        ]
        self._keep_index(m, target, request, index, apic_id, self.apply & may)
        self._change(m, target, row, verdict.moves)
        self._steps(m, window, request, target, ready)

        answer = self.bus.rsp
        m.d.comb += answer.payload.data.eq(readout.value)
        with m.If(self.apply):
            m.d.sync += [
                answer.payload.berr.eq(target.unmapped), answer.payload.err.eq(err),
                self.end_one.eq(self.write.low & ~self.change.level & self.state.rirr
                                & self.flight.infl),
            ]
        with m.Elif(~self.flight.infl):
            m.d.sync += self.end_one.eq(0)
        with m.If(ready & may & target.eoi):
            m.d.sync += self.ending.eq(1)
        with m.Elif(self.ended):
            m.d.sync += self.ending.eq(0)
        m.d.comb += self.draining.eq(self.ending | self.end_one)

        Recorder.beside(m, self, c, "ioapic", bus={
            "valid": self.apply, "n": target.n, "request": request,
            "answer": answer.payload.data, "berr": answer.payload.berr})
        return m

    def _keep_index(self, m, target, request, index, apic_id, does):
        """IOREGSEL, one of the VMM and one of the domain that IOA_OWNER names, and the ID."""
        regsel, regsel_own = Signal(8), Signal(8)
        m.d.comb += index.eq(Mux(request.vmm, regsel, regsel_own))
        with m.If(does & target.id & (index == 0)):
            m.d.sync += apic_id.eq(request.data[24:28])
        with m.If(does & target.regsel & request.vmm):
            m.d.sync += regsel.eq(request.data)
        with m.If(does & target.regsel & ~request.vmm):
            m.d.sync += regsel_own.eq(request.data)

    def _change(self, m, target, row, moves):
        """What a write makes of the entry, ready a cycle ahead."""
        change, word = self.change, Signal(row_layout)
        m.d.comb += [
            word.vector.eq(self.word[:8]), word.mode.eq(self.word[8:11]),
            word.polarity.eq(self.word[13]), word.trigger.eq(self.word[15]),
            word.mask.eq(self.word[16]),
        ]
        level, was = (effective_level(entry.trigger, entry.mode) for entry in (word, row))
        clears = Signal()
        m.d.sync += [
            change.vector.eq(Mux(target.low, word.vector, row.vector)),
            change.polarity.eq(Mux(target.low, word.polarity, row.polarity)),
            change.level.eq(Mux(target.low, level, was)),
            change.mask.eq(Mux(target.low, word.mask, row.mask)),
            change.path.eq(Mux(target.reqx, self.word[0], row.reqx.path)),
            change.dom.eq(Mux(target.owner, self.word[:4], row.dom)),
            clears.eq(target.owner & moves | target.low & level & ~was),
            change.valid.eq(self.spoils), change.clear.eq(self.spoils & clears),
        ]
        m.d.comb += change.low.eq(self.write.low)

    def _steps(self, m, window, request, target, ready):
        """The states of an access."""
        held = Signal(3)        # in the last three cycles
        m.d.sync += held.eq(held << 1 | self.hold)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.bus.req.ready.eq(self.start),
                             self.quiet.eq(~self.bus.req.valid)]
                with m.If(self.bus.req.valid & self.start):
                    m.d.sync += request.eq(self.bus.req.payload)
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.sync += target.eq(window.target)
                m.next = "FETCH"
            with m.State("FETCH"):
                m.next = "LOAD"
            with m.State("LOAD"):
                m.next = "JUDGE"
            with m.State("JUDGE"):
                m.next = "READY"
            with m.State("READY"):
                m.d.comb += ready.eq(~self.hold & ~held.any())
                with m.If(ready):
                    m.next = "APPLY"
            with m.State("APPLY"):
                m.d.comb += self.apply.eq(1)
                m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(~(self.draining | self.moving)):
                    m.d.comb += self.bus.rsp.valid.eq(1)
                    m.next = "IDLE"
