"""I/O APIC: from pins and messages to requests that dispatch takes one by one."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..dispatch.policy import falls_back
from ..layouts import Layouts
from ..msi.intake import message_layout
from ..record import Recorder
from .bus import Registers
from .entries import Entries
from .flags import Flags
from .flight import FlightEnder
from .lines import Lines
from .match import EoiMatch
from .pick import Picker
from .turns import Turns

__all__ = ["Ioapic"]


class Ioapic(wiring.Component):
    """Redirection and MSI table entries, and the requests they make (spec, chapter 2).

    A pin reaches the offer six cycles after it changed, a message four after it was taken. While
    an EOI register write, or one of trigger=edge, is ending what is in flight, nothing is offered;
    ``requests.ok`` is 0 during the former (IOA-24). Who wins a tie is told in `Flags` and `Turns`.

    The round robin goes on from the last request *taken*, so that one that is parked and looked at
    over and over cannot keep the others waiting.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    pin : ``In(rtes)``
        Interrupt lines, asynchronous.
    bus : ``In(Layouts.unit_bus)``
        The page, REQX, REQSTAT, PIRQ_OWNER and IRT.
    message : ``In(message_layout(config))``
        An MSI, pending from the next cycle on.
    eoi : ``In(Layouts.eoi)``
        EOI broadcast of a vLAPIC; clears matching RIRR at the end of the next cycle. An entry with
        RIRR makes no request, so nobody can tell but a register access, which waits.
    hand_back, pirq_note : ``In``
        What the event channels do to a request, and a PIRQ's state there; both act a cycle late
        too. What ends in the event channels gates a request until then.
    end_flight : ``Out(stream.Signature(pirq_bits))``
        Source of which the event channels end all that is in flight (IOA-10, IOA-11b); taken n is
        expected back as a ``pirq_note`` with ``infl_any=0``.
    globals : ``In(Layouts.globals)``
        CTRL and the like.
    recheck : ``In(1)``
        Requests without target may have got one.
    granting : ``In(1)``
        A grant is being decided: register accesses wait.
    requests : ``Out(Layouts.source)``
        To dispatch; the tag is the PIRQ. ``take`` comes in no cycle with ``first``, ``last`` or an
        outcome.
    query_n, query_entry : ``In(pirq_bits)``, ``Out(Layouts.entry)``
        Entry for the event channels, one cycle later.
    coalesced : ``Out(range(rtes + 3))``
        Merges decided in the previous cycle: a counter that is to be exact adds it when read.
    parked : ``Out(1)``
        A request became parked.
    ready, quiet : ``Out(1)``
        Rows are initialised; nothing is under way and nothing to be taken.
    commits, commits_lines : ``Out(Layouts.commit_port)``
        Only with ``config.commits``: accesses, and changes of the lines.
    """

    def __init__(self, config):
        c = self._config = config
        layouts = Layouts(config)
        ports = {
            "pin": In(c.rtes), "bus": In(layouts.unit_bus),
            "message": In(message_layout(c)),
            "eoi": In(layouts.eoi), "hand_back": In(layouts.hand_back),
            "pirq_note": In(layouts.pirq_note),
            "end_flight": Out(stream.Signature(c.pirq_bits)),
            "globals": In(layouts.globals), "recheck": In(1), "granting": In(1),
            "requests": Out(layouts.source),
            "query_n": In(c.pirq_bits), "query_entry": Out(layouts.entry),
            "coalesced": Out(range(c.rtes + 3)), "parked": Out(1),
            "ready": Out(1), "quiet": Out(1),
        }
        if c.commits:
            ports["commits"] = Out(layouts.commit_port)
            ports["commits_lines"] = Out(layouts.commit_port)
        super().__init__(ports)
        self.registers = Registers(c)
        self.entries = Entries(c)
        self.flags = Flags(c, message_layout(c))
        self.turns = Turns(c)

    def elaborate(self, platform):
        m = Module()
        c, requests = self._config, self.requests
        m.submodules.registers = registers = self.registers
        m.submodules.entries = entries = self.entries
        m.submodules.flags = flags = self.flags
        m.submodules.turns = turns = self.turns
        m.submodules.lines = lines = Lines(c.rtes)
        m.submodules.match = match = EoiMatch(c)
        m.submodules.picker = picker = Picker(c.pirqs)
        m.submodules.flight = flight = FlightEnder(c)
        change, granted = registers.change, Signal()
        m.d.comb += granted.eq(requests.first | requests.last)

        # Registers, on rows and flags.
        connect(m, flipped(self.bus), registers.bus)
        m.d.comb += [
            registers.start.eq(entries.ready),
            registers.hold.eq(self.granting | requests.multi | self.eoi.valid
                              | self.hand_back.valid | self.pirq_note.valid),
            registers.row.eq(entries.row),
            registers.last.eq(entries.last),
            registers.state.eq(flags.state), registers.flight.eq(entries.flight),
            registers.held.eq(turns.held), registers.status.eq(turns.status),
            registers.enable.eq(self.globals.enable),
            entries.n.eq(registers.n), entries.write.eq(registers.write),
            entries.word.eq(registers.word),
            entries.offer_n.eq(requests.tag), entries.take.eq(requests.take),
            entries.query_n.eq(self.query_n), self.query_entry.eq(entries.query_entry),
            entries.current.eq(turns.current),
            entries.grant.eq(granted), entries.target.eq(requests.target),
        ]
        if falls_back(c):
            m.d.comb += entries.learn.eq(requests.learn)
        # EOI: of a vLAPIC, a cycle after it was decided, else of the EOI register.
        eoi = Signal.like(self.eoi)
        m.d.sync += [eoi.eq(self.eoi), entries.note.eq(self.pirq_note)]

        def every_bit(bit):
            return bit.replicate(c.pirqs)

        m.d.comb += [
            match.changed.eq(flags.changed), match.change.eq(change),
            match.vector.eq(Mux(eoi.valid, eoi.vector, registers.word[:8])),
            match.dom.eq(Mux(eoi.valid, eoi.dom, registers.dom)),
            match.every.eq(~eoi.valid & registers.vmm),
            flags.ended.eq(match.hit & Mux(eoi.valid, ~match.path, every_bit(registers.eoi))),
        ]

        # Sources.
        m.d.comb += [
            lines.pin.eq(self.pin), lines.polarity.eq(flags.polarity),
            lines.armed.eq(flags.armed), lines.rest.eq(change.valid),
            flags.line.eq(lines.line), flags.edge.eq(lines.edge),
            flags.message.eq(self.message),
            flags.hand_back.eq(self.hand_back), flags.pirq_note.eq(self.pirq_note),
            flags.change.eq(change), flags.n.eq(registers.n),
            flags.latch_masked.eq(self.globals.latch_masked_edges),
            flags.current_at.eq(turns.current_at), flags.fail.eq(turns.fail),
            flags.first.eq(requests.first),
            self.coalesced.eq(flags.coalesced),
        ]

        # Selections. What is picked is offered a cycle later, if it is still due then: a line, a
        # write and the selection under way can end it meanwhile, all else only adds requests. The
        # picker also says whose flights to end.
        contenders, stands = Signal(c.pirqs), Signal()
        wanted, loaded = Signal(c.pirqs), Signal()      # to be ended by an EOI register write
        offered, tag = Signal(), Signal(c.pirq_bits)
        with m.If(~eoi.valid | ~registers.ending):
            m.d.sync += [wanted.eq(match.hit & flags.level & flags.infl
                                   & every_bit(registers.ending)),
                         loaded.eq(registers.ending)]
        m.d.sync += [
            tag.eq(picker.n),
            offered.eq(picker.valid & stands & ~registers.apply & ~registers.draining
                       & ~(turns.flips.bit_select(picker.n, 1))
                       & ~(turns.busy & (picker.n == turns.current))),
        ]
        m.d.comb += [
            turns.stands.eq(flags.stands), turns.enable.eq(self.globals.enable),
            turns.flips.eq(lines.differ & flags.level[:c.rtes]), turns.take.eq(requests.take),
            turns.offer_n.eq(requests.tag), turns.granted.eq(granted), turns.last.eq(requests.last),
            turns.outcome.eq(requests.outcome), turns.recheck.eq(self.recheck),
            turns.spoils.eq(registers.spoils | change.valid), turns.n.eq(registers.n),
            turns.written_at.eq(flags.changed), turns.at.eq(flags.at),
            self.parked.eq(turns.parked),
            contenders.eq(Mux(registers.ending, wanted, turns.due)),
            stands.eq(contenders.bit_select(picker.n, 1)),
            picker.request.eq(contenders), picker.last.eq(turns.current),
            requests.tag.eq(tag),
            requests.offer.eq(offered & self.globals.enable & ~registers.apply
                              & ~registers.draining),
            requests.request.eq(entries.request),
            requests.ok.eq(turns.good & ~registers.ending),
            flight.many.eq(registers.ending), flight.loaded.eq(loaded),
            flight.pick_valid.eq(picker.valid), flight.pick_n.eq(picker.n),
            flight.pick_stands.eq(stands),
            flight.one.eq(registers.end_one), flight.n.eq(registers.n),
            flight.one_stands.eq(entries.flight.infl), registers.ended.eq(flight.done),
            self.ready.eq(entries.ready),
            self.quiet.eq(entries.ready & registers.quiet & lines.settled & flags.quiet
                          & ~eoi.valid & ~turns.live.any()),
        ]
        connect(m, flight.end_flight, flipped(self.end_flight))

        if c.commits:
            connect(m, registers.commits, flipped(self.commits))
            m.d.comb += requests.offer_dom.eq(entries.offer_dom)
        Recorder.beside(m, self, c, "lines", port="commits_lines", lines={
            "valid": lines.changed, "lines": lines.line})
        return m
