"""Register accesses of the I/O APIC: decide, answer, record."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err, Layouts, Outcome
from ..record import Recorder, record_ports
from .entries import row_layout, write_layout
from .flags import change_layout, state_layout
from .window import Window

__all__ = ["Registers"]

_MASKED = 0x0001_0000


class Registers(wiring.Component):
    """One access at a time: taken, looked up, decided, and answered with its commit.

    An access is decoded, its row fetched, what it may do checked, and then decided: the answer
    comes six cycles after it was taken; later by as long as ``hold`` was 1 or ``steady`` 0
    when it was to be decided, and until the event channels have ended what was in flight (IOA-10,
    IOA-11b). ERR-03, ERR-04, ERR-09 and ERR-14 are acknowledged and do nothing; of several, that
    order counts, ERR-04 first; all but ERR-04 read 0.

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
        Nothing may be decided in this cycle.
    steady : ``In(1)``
        RIRR, in flight and bound of all entries are as in the previous cycle.
    n : ``Out(pirq_bits)``
        Entry of the access, from two cycles after it was taken until its answer.
    word : ``Out(32)``
        What is written; 0 before the first access.
    row, last : ``In(row_layout)``, ``In(Layouts.last_target)``
        Memory rows of ``n`` in the previous cycle.
    state, held, status : ``In``
        Flags of ``n``, whether its request is put off, and why.
    enable : ``In(1)``
        CTRL.enable.
    write : ``Out(write_layout)``
        Registers of ``n`` written in this cycle.
    change : ``Out(change_layout)``
        The same for the flags.
    eoi : ``Out(1)``
        The EOI register is written in this cycle.
    vmm, dom : ``Out``
        Role and domain of the master.
    ending : ``Out(1)``
        An EOI register write is ending what is in flight, until ``ended``.
    ended : ``In(1)``
        Nothing is left in flight of what the EOI matches.
    end_one : ``Out(1)``
        A write of trigger=edge is ending what is in flight of ``n``, until ``state.infl`` is 0.
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
            "bus": In(layouts.unit_bus), "start": In(1), "hold": In(1), "steady": In(1),
            "n": Out(c.pirq_bits), "word": Out(32),
            "row": In(row_layout), "last": In(layouts.last_target),
            "state": In(state_layout), "held": In(1), "status": In(Outcome), "enable": In(1),
            "write": Out(write_layout), "change": Out(change_layout),
            "eoi": Out(1), "vmm": Out(1), "dom": Out(4),
            "ending": Out(1), "ended": In(1), "end_one": Out(1), "draining": Out(1),
            "quiet": Out(1),
        }
        super().__init__(ports | record_ports(c))

    def elaborate(self, platform):
        m = Module()
        c, state = self._config, self.state
        row = Signal.like(self.row)     # a block RAM is slow: its row rests a cycle
        m.submodules.window = window = Window(c)
        request = Signal(self._layouts.bus_request)
        answer, decide = self.bus.rsp, Signal()
        regsel, apic_id = Signal(8), Signal(4)
        regsel_own = Signal(8)      # IOREGSEL of the domain that IOA_OWNER names
        target = Signal.like(window.target)
        word, vmm = request.data, request.vmm
        m.d.comb += [
            window.addr.eq(request.addr), window.index.eq(Mux(vmm, regsel, regsel_own)),
            self.word.eq(word), self.vmm.eq(vmm), self.dom.eq(request.dom),
        ]

        # What it may do.
        full, narrow, foreign, refused = Signal(), Signal(), Signal(), Signal()
        moves, engaged = Signal(), Signal()
        err, found = Signal(Err), Signal(Err)
        m.d.comb += [
            full.eq(request.sel.all()),
            narrow.eq(~full & ~(target.regsel & (request.sel == 1))),
            foreign.eq(target.page & (target.low | target.high) & ~vmm
                       & ~(row.owned & (row.dom == request.dom))),
            moves.eq((word[:4] != row.dom) | (word[8] != row.owned)),
            engaged.eq(state.rirr | state.infl),
            refused.eq(target.reqx & engaged & ((word[0] != row.reqx.path)
                                                | (word[23] != row.reqx.autoeoi))
                       | target.owner & (moves & (engaged | state.bound)
                                         | (word[:4] >= c.domains))),
            found.eq(Mux(target.unmapped, Err.UNMAPPED,
                     Mux(narrow, Err.PARTIAL,
                     Mux(target.undefined, Err.INDEX,
                     Mux(request.we & foreign, Err.FOREIGN,
                     Mux(request.we & refused, Err.BUSY, Err.NONE)))))),
            self.n.eq(target.n),
        ]

        # What it reads.
        requested = state.source & ~row.mask & ~state.rirr
        low = Cat(row.vector, row.mode, row.logical, requested, row.polarity, state.rirr,
                  row.trigger, row.mask)
        stands = requested & ~state.err & self.enable
        blocked = row.reqx.path & row.reqx.ser & state.infl
        parked = stands & self.held & (self.status == Outcome.PARK)
        waits = stands & self.held & (self.status == Outcome.WAIT)
        status = Signal(32)
        m.d.comb += [
            status[:7].eq(Cat(state.pend, state.rirr, state.infl, state.err, parked,
                              stands & ~self.held & ~blocked, waits)),
            status[8:14].eq(self.last.k), status[16:].eq(self.last.port),
        ]
        index = Mux(vmm, regsel, regsel_own)
        version = (c.rtes - 1) << 16 | c.ioa_version
        value = Signal(32)
        m.d.comb += value.eq(
            Mux(target.regsel, index, 0) | Mux(target.id, apic_id << 24, 0)
            | Mux(target.version, version, 0)
            | Mux(target.low, Mux(foreign, _MASKED, low), 0)
            | Mux(target.high & ~foreign, row.dest << 24, 0)
            | Mux(target.reqx, row.reqx.as_value(), 0) | Mux(target.stat, status, 0)
            | Mux(target.owner, Cat(row.dom, row.owned << 4), 0))

        # What it writes.
        level = word[15] & ~word[9:11].any()
        row_level = row.trigger & ~row.mode.as_value()[1:].any()
        does, may, clears = Signal(), Signal(), Signal()
        m.d.sync += [
            row.eq(self.row),
            err.eq(found), may.eq(request.we & (found == Err.NONE)),
            self.change.vector.eq(Mux(target.low, word[:8], row.vector)),
            self.change.polarity.eq(Mux(target.low, word[13], row.polarity)),
            self.change.level.eq(Mux(target.low, level, row_level)),
            self.change.mask.eq(Mux(target.low, word[16], row.mask)),
            self.change.path.eq(Mux(target.reqx, word[0], row.reqx.path)),
            self.change.dom.eq(Mux(target.owner, word[:4], row.dom)),
            clears.eq(target.owner & moves | target.low & level & ~row_level),
        ]
        m.d.comb += [
            does.eq(decide & may),
            *(self.write[name].eq(does & target[name])
              for name in ("low", "high", "reqx", "owner")),
            self.change.low.eq(self.write.low),
            self.change.valid.eq(self.write.as_value().any()),
            self.change.clear.eq(does & clears),
            self.eoi.eq(does & target.eoi),
            self.draining.eq(self.ending | self.end_one),
            self.bus.req.ready.eq(0), self.quiet.eq(0),
        ]
        with m.If(does & target.id & (index == 0)):
            m.d.sync += apic_id.eq(word[24:28])
        with m.If(does & target.regsel & vmm):
            m.d.sync += regsel.eq(word)
        with m.If(does & target.regsel & ~vmm):
            m.d.sync += regsel_own.eq(word)

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
                m.next = "CHECK"
            with m.State("CHECK"):
                m.next = "DECIDE"
            with m.State("DECIDE"):
                m.d.comb += decide.eq(~self.hold & self.steady)
                with m.If(decide):
                    m.d.sync += [
                        answer.payload.data.eq(Mux(request.we | target.unmapped, 0, value)),
                        answer.payload.berr.eq(target.unmapped), answer.payload.err.eq(err),
                        self.ending.eq(self.eoi),
                        self.end_one.eq(self.write.low & ~level & state.rirr & state.infl),
                    ]
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(self.ending & self.ended):
                    m.d.sync += self.ending.eq(0)
                with m.If(self.end_one & ~state.infl):
                    m.d.sync += self.end_one.eq(0)
                with m.If(~self.draining):
                    m.d.comb += answer.valid.eq(1)
                    m.next = "IDLE"

        Recorder.beside(m, self, c, "ioapic", bus={
            "valid": decide, "n": target.n, "request": request,
            "answer": answer.payload.data, "berr": answer.payload.berr})
        return m
