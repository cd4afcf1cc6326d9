"""The way in: bus ports, rights, global registers and the error log."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err, Layouts
from ..record import Recorder, record_ports
from ..trees import select
from .errors import ErrorLog
from .globals_ import GlobalRegisters
from .rights import Rights, Unit

__all__ = ["AccessUnit"]

_UNITS = {"ioapic": Unit.IOAPIC, "msi": Unit.MSI, "bank": Unit.BANK, "evt": Unit.EVT}


class AccessUnit(wiring.Component):
    """Take one access at a time from the bus ports, check the right to it and see it answered.

    Cycle 0: ``stb`` is seen, the access and the outcome of `Rights` are registered. Cycle 1: a
    global register is read or written, or the access refused (decision cycle, put off while
    ``hold``); ``ack`` or ``err`` comes in cycle 2, which is the commit cycle. An access of
    another unit is offered to it from cycle 1; ``ack`` or ``err`` comes in the cycle after its
    answer. ``ack`` and ``err`` are one cycle long and never come together; the next access may
    start in the cycle after, so a global register takes 3 cycles.

    With two bus ports they take turns if both want. A partial ``sel`` on a global register makes
    a write do nothing (ERR-04); a refused access does nothing and reads 0. The error of an access
    is in the log in the cycle after its ``ack`` or ``err``, and that of a policy as late.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    bus, msi_bus : ``In(Layouts.bus)``
        Bus ports; ``msi_bus`` only with ``config.msi_bus``: it takes MSI writes and nothing else
        (ERR-06), and needs no rights.
    ioapic, msi, bank, evt : ``Out(Layouts.unit_bus)``
        The units. Address bits [1:0] are passed on as 0.
    globals : ``Out(Layouts.globals)``
        Parameters for the other blocks, flip-flops.
    rechecked : ``Out(1)``
        Strobe in the first cycle with new values in ``globals``: parked requests may have become
        serviceable.
    now : ``In(32)``
        Register NOW.
    hold : ``In(1)``
        A grant is decided in this cycle, or what one did is counted: no access of this unit is
        decided (IOA-15).
    coalesced : ``In(range(rtes + 3))``
        Merges of the cycle before, at the sources.
    joined : ``In(1)``
        One more of two cycles before.
    merged, parked, spurious, trace_dropped, aborted : ``In(1)``
        Counter strobes; ``merged`` counts in COALESCED as well (IOA-20).
    policy_error : ``In(1)``
        Strobe of ERR-07.
    rrptr, rrptr_write : ``In(ArrayLayout(lane_bits, domains))``, ``Out(Layouts.rrptr_write)``
        Rotation pointers; the write is sent in the decision cycle.
    start : ``In(1)``, 1 if not connected
        No access is taken while 0 (GEN-06: the other units initialise their memories).
    ready, quiet : ``Out(1)``
        ``ready`` is always 1; ``quiet`` if no access is under way or asked for.
    commits : ``Out(Layouts.commit_port)``
        Only with ``config.commits``: accesses to global registers, and those refused.
    """

    def __init__(self, config):
        self._config = config
        layouts = self._layouts = Layouts(config)
        ports = {
            "bus": In(layouts.bus), "globals": Out(layouts.globals), "rechecked": Out(1),
            "now": In(32), "hold": In(1), "start": In(1, init=1),
            "coalesced": In(range(config.rtes + 3)), "joined": In(1), "merged": In(1),
            "parked": In(1),
            "spurious": In(1), "trace_dropped": In(1), "aborted": In(1), "policy_error": In(1),
            "rrptr": In(data.ArrayLayout(config.lane_bits, config.domains)),
            "rrptr_write": Out(layouts.rrptr_write),
            "ready": Out(1), "quiet": Out(1),
        }
        ports |= {name: Out(layouts.unit_bus) for name in _UNITS}
        if config.msi_bus:
            ports["msi_bus"] = In(layouts.bus)
        super().__init__(ports | record_ports(config))

    def elaborate(self, platform):
        m = Module()
        m.submodules.rights = rights = Rights(self._config)
        m.submodules.registers = registers = GlobalRegisters(self._config)
        m.submodules.log = log = ErrorLog()

        asked, picked, turn, seen = self._pick(m, rights)

        # The access under way.
        request = Signal(self._layouts.bus_request)
        source, refusal = Signal(), Signal(Err)
        chosen, offered = Signal(len(_UNITS)), Signal(len(_UNITS))      # offered: until it is taken
        answer, berr = Signal(32), Signal()

        # Its answer, from here or from its unit.
        own, in_globals, writes = Signal(), Signal(), Signal()
        partial = in_globals & ~request.sel.all()
        decide, issued = Signal(), Signal()
        response = Signal(self._layouts.bus_response)
        own_response = Signal(self._layouts.bus_response)
        m.d.comb += [
            registers.addr.eq(request.addr), registers.value.eq(request.data),
            registers.write.eq(issued & writes & ~self.hold),
            registers.reading.eq(decide & in_globals & ~request.we),
            own_response.data.eq(Mux(in_globals & ~request.we, registers.read, 0)),
            own_response.err.eq(Mux(partial, Err.PARTIAL, refusal)),
            own_response.berr.eq((refusal != Err.NONE) & (refusal != Err.MSI)),
        ]
        here = own, own_response.as_value()
        taken, answered = self._units(m, chosen, request, response, here)
        m.d.comb += [getattr(self, name).req.valid.eq(bit)
                     for name, bit in zip(_UNITS, offered, strict=True)]

        with m.FSM() as fsm:
            with m.State("IDLE"), m.If(asked & self.start):
                m.d.sync += [
                    request.addr.eq(Cat(0, 0, seen["adr"][2:])), request.data.eq(seen["dat_w"]),
                    source.eq(picked), turn.eq(~picked),
                    *(mine.eq(rights.unit == number) for bits in (chosen, offered)
                      for mine, number in zip(bits, _UNITS.values(), strict=True)),
                    own.eq((rights.unit == Unit.REFUSED) | (rights.unit == Unit.GLOBALS)),
                    in_globals.eq(rights.unit == Unit.GLOBALS), refusal.eq(rights.err),
                    writes.eq((rights.unit == Unit.GLOBALS) & seen["we"] & seen["sel"].all()),
                ] + [request[name].eq(seen[name]) for name in ("we", "sel", "vmm", "dom", "vcpu")]
                m.next = "ISSUE"
            with m.State("ISSUE"):
                m.d.comb += [issued.eq(1), decide.eq(own & ~self.hold)]
                with m.If(taken | answered):
                    m.d.sync += offered.eq(0)
                with m.If(decide | ~own & answered):
                    m.next = "ANSWER"
                with m.Elif(~own & taken):
                    m.next = "WAIT"
            with m.State("WAIT"), m.If(answered):
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.next = "IDLE"
        idle, issue, wait, done = (fsm.ongoing(s) for s in ("IDLE", "ISSUE", "WAIT", "ANSWER"))

        ends = Signal()
        m.d.comb += ends.eq(decide | ~own & answered & (issue | wait))
        with m.If(ends):
            m.d.sync += [answer.eq(Mux(response.berr, 0, response.data)), berr.eq(response.berr)]
        m.d.sync += log.err.eq(Mux(ends, response.err, Err.NONE))
        m.d.comb += [log.addr.eq(request.addr), log.dom.eq(request.dom)]
        for index, bus in enumerate(self._buses):
            m.d.comb += [bus.dat_r.eq(answer | registers.late),
                         bus.ack.eq(done & ~berr & (source == index)),
                         bus.err.eq(done & berr & (source == index))]

        self._wire(m, registers, log)
        m.d.comb += [self.ready.eq(1), self.quiet.eq(idle & ~asked)]
        Recorder.beside(m, self, self._config, "access", bus={
            "valid": decide, "port": source, "request": request,
            "answer": answer | registers.late, "berr": berr})
        return m

    @property
    def _buses(self):
        return [self.bus] + ([self.msi_bus] if self._config.msi_bus else [])

    def _pick(self, m, rights):
        """The port whose turn it is, and its access: asked, number, turn, what is on its wires."""
        buses = self._buses
        asks = [bus.cyc & bus.stb for bus in buses]
        asked, picked, turn = Signal(), Signal(), Signal()
        m.d.comb += [
            asked.eq(Cat(asks).any()),
            picked.eq(asks[-1] & (~asks[0] | turn) if len(buses) == 2 else 0),
        ]
        seen = {name: Mux(picked, getattr(buses[-1], name), getattr(buses[0], name))
                for name in ("adr", "we", "dat_w", "sel", "vmm", "dom", "vcpu")}
        m.d.comb += [
            rights.addr.eq(seen["adr"]), rights.device.eq(picked),
            rights.ioa_deleg.eq(self.globals.ioa_deleg),
            rights.ioa_owner.eq(self.globals.ioa_owner),
        ] + [getattr(rights, name).eq(seen[name]) for name in ("we", "vmm", "dom", "vcpu")]
        return asked, picked, turn, seen

    def _units(self, m, chosen, request, response, here):
        """The way to the other units and back; whether one took the request, and has answered."""
        answers = [here]
        taken, answered = Signal(), Signal()
        ready, valid = [], []
        for name, mine in zip(_UNITS, chosen, strict=True):
            port = getattr(self, name)
            m.d.comb += port.req.payload.eq(request)
            answers.append((mine, port.rsp.payload.as_value()))
            ready.append(mine & port.req.ready)
            valid.append(mine & port.rsp.valid)
        m.d.comb += [response.eq(select(answers)),
                     taken.eq(Cat(ready).any()), answered.eq(Cat(valid).any())]
        return taken, answered

    def _wire(self, m, registers, log):
        """Global registers and error log: what does not depend on the access under way."""
        for name in ("now", "coalesced", "joined", "merged", "parked", "spurious", "trace_dropped",
                     "aborted", "rrptr"):
            m.d.comb += getattr(registers, name).eq(getattr(self, name))
        # As late as the errors of accesses.
        m.d.sync += log.policy_error.eq(self.policy_error)
        m.d.comb += [
            self.globals.eq(registers.globals), self.rechecked.eq(registers.changed),
            self.rrptr_write.eq(registers.rrptr_write),
            log.clear.eq(registers.clear),
            registers.stat.eq(log.stat), registers.info.eq(log.info),
        ]
