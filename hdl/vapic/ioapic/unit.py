"""I/O APIC: from pins and messages to requests that dispatch takes one by one."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..layouts import Layouts
from ..policy import falls_back
from ..record import Recorder
from .bus import Registers
from .entries import Entries
from .flags import Flags
from .flight import FlightEnder
from .lines import Lines
from .match import EoiMatch
from .pick import Picker
from .request_state import RequestState

__all__ = ["Ioapic"]


class Ioapic(wiring.Component):
    """Redirection and MSI table entries, and the requests they make (spec, chapter 2).

    A pin reaches the offer six cycles after it changed, a message four after it was taken. While
    an EOI register write, or one of trigger=edge, is ending what is in flight, nothing is offered;
    ``requests.ok`` is 0 during the former (IOA-24). Who wins a tie is told in `Flags` and
    `RequestState`.

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
    message : ``In(Layouts.message)``
        An MSI, pending from the next cycle on.
    eoi : ``In(Layouts.eoi)``
        EOI broadcast of a vLAPIC, not again for five cycles; clears matching RIRR at the end of the
        fifth cycle after this one. An entry with RIRR makes no request, so nobody can tell but a
        register access, which waits.
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
        A grant or an outcome is being decided: register accesses wait.
    requests : ``Out(Layouts.source)``
        To dispatch; the tag is the PIRQ. ``take`` comes in no cycle with an outcome.
    query_n, query_entry : ``In(pirq_bits)``, ``Out(Layouts.entry)``
        Entry for the event channels, one cycle later.
    coalesced, merged : ``Out(range(rtes + 3))``, ``Out(1)``
        Merges of the previous cycle, and one more, of two cycles ago: a counter that is to be exact
        adds them when read.
    parked : ``Out(1)``
        A request became parked in the cycle before.
    ready, quiet, settled : ``Out(1)``
        Rows are initialised; nothing is under way and nothing to be taken; no change of a pin is on
        its way, combinational from ``pin``.
    commits, commits_lines : ``Out(Layouts.commit_port)``
        Only with ``config.commits``: accesses, and changes of the lines.
    """

    def __init__(self, config):
        c = self._config = config
        layouts = Layouts(config)
        ports = {
            "pin": In(c.rtes), "bus": In(layouts.unit_bus),
            "message": In(layouts.message),
            "eoi": In(layouts.eoi), "hand_back": In(layouts.hand_back),
            "pirq_note": In(layouts.pirq_note),
            "end_flight": Out(stream.Signature(c.pirq_bits)),
            "globals": In(layouts.globals), "recheck": In(1), "granting": In(1),
            "requests": Out(layouts.source),
            "query_n": In(c.pirq_bits), "query_entry": Out(layouts.entry),
            "coalesced": Out(range(c.rtes + 3)), "merged": Out(1), "parked": Out(1),
            "ready": Out(1), "quiet": Out(1), "settled": Out(1),
        }
        if c.commits:
            ports["commits"] = Out(layouts.commit_port)
            ports["commits_lines"] = Out(layouts.commit_port)
        super().__init__(ports)
        self.registers, self.entries = Registers(c), Entries(c)
        self.flags, self.state = Flags(c), RequestState(c)
        self._lines, self.match = Lines(c.rtes), EoiMatch(c)
        self._picker, self._flight = Picker(c.pirqs), FlightEnder(c)

    def elaborate(self, platform):
        m = Module()
        c = self._config
        registers, entries, flags, lines = self.registers, self.entries, self.flags, self._lines
        m.submodules.registers, m.submodules.entries = registers, entries
        m.submodules.flags, m.submodules.state = flags, self.state
        m.submodules.lines, m.submodules.match = lines, self.match
        m.submodules.picker, m.submodules.flight = self._picker, self._flight
        self._access(m)
        self._end(m)
        self._occur(m)
        self._select(m)
        self._offer(m)
        m.d.comb += [
            self.ready.eq(entries.ready & self.match.ready), self.settled.eq(lines.settled),
            self.quiet.eq(self.ready & registers.quiet & lines.settled & flags.quiet
                          & self.match.quiet & ~self.state.live.any()),
        ]
        if c.commits:
            connect(m, registers.commits, flipped(self.commits))
            m.d.comb += self.requests.offer_dom.eq(entries.offer_dom)
        Recorder.beside(m, self, c, "lines", port="commits_lines", lines={
            "valid": lines.changed, "lines": lines.line})
        return m

    def _access(self, m):
        """Registers, on rows and flags."""
        registers, entries, requests = self.registers, self.entries, self.requests
        connect(m, flipped(self.bus), registers.bus)
        m.d.comb += [
            registers.start.eq(self.ready),
            registers.hold.eq(self.granting | requests.multi | self.eoi.valid
                              | self.match.busy | self.hand_back.valid | self.pirq_note.valid),
            registers.row.eq(entries.row), registers.last.eq(entries.last),
            registers.state.eq(self.flags.state), registers.flight.eq(entries.flight),
            registers.held.eq(self.state.held), registers.status.eq(self.state.status),
            registers.enable.eq(self.globals.enable),
            entries.n.eq(registers.n), entries.write.eq(registers.write),
            entries.word.eq(registers.word),
            entries.query_n.eq(self.query_n), self.query_entry.eq(entries.query_entry),
        ]
        m.d.sync += entries.note.eq(self.pirq_note)

    def _end(self, m):
        """EOI of a vLAPIC, or of the EOI register, which also ends what is in flight."""
        registers, match, flags, flight = self.registers, self.match, self.flags, self._flight
        m.d.sync += match.away.eq(self.hand_back.valid)
        m.d.comb += [
            match.eoi.eq(self.eoi), match.apply.eq(registers.eoi),
            match.ending.eq(registers.ending), match.over.eq(flight.done),
            match.vector.eq(registers.word[:8]), match.dom.eq(registers.dom),
            match.every.eq(registers.vmm),
            match.change.eq(registers.change), match.write.eq(registers.write),
            match.was.eq(registers.was), match.at.eq(flags.at),
            match.accepted.eq(self.state.current_at & flags.level
                              & flags.first.replicate(len(flags.level))),
            registers.moving.eq(match.moving), flags.ended.eq(match.ended),
            flight.many.eq(match.keeps), flight.wanted.eq(match.kept & flags.level & flags.infl),
            flight.one.eq(registers.end_one), flight.n.eq(registers.n),
            flight.one_stands.eq(self.entries.flight.infl), registers.ended.eq(flight.done),
        ]
        connect(m, flight.end_flight, flipped(self.end_flight))

    def _occur(self, m):
        """Lines, messages and hand-backs, on flags."""
        flags, lines, state, change = self.flags, self._lines, self.state, self.registers.change
        m.d.comb += [
            lines.pin.eq(self.pin), lines.polarity.eq(flags.polarity),
            lines.armed.eq(flags.armed), lines.rest.eq(change.valid),
            flags.line.eq(lines.line), flags.edge.eq(lines.edge),
            flags.message.eq(self.message),
            flags.hand_back.eq(self.hand_back), flags.pirq_note.eq(self.pirq_note),
            flags.change.eq(change), flags.n.eq(self.registers.n),
            flags.latch_masked.eq(self.globals.latch_masked_edges),
            flags.current.eq(state.current), flags.current_at.eq(state.current_at),
            flags.fail.eq(state.fail),
            flags.first.eq(self.requests.first),
            self.coalesced.eq(flags.coalesced), self.merged.eq(flags.merged),
        ]

    def _select(self, m):
        """The selection under way."""
        registers, entries, state, requests = (self.registers, self.entries, self.state,
                                               self.requests)
        granted = requests.first | requests.last
        m.d.comb += [
            state.stands.eq(self.flags.stands), state.enable.eq(self.globals.enable),
            state.flips.eq(self._lines.differ & self.flags.level[:self._config.rtes]),
            state.rest.eq(registers.change.valid), state.take.eq(requests.take),
            state.offer_n.eq(requests.tag),
            state.granted.eq(granted), state.last.eq(requests.last),
            state.outcome.eq(requests.outcome), state.recheck.eq(self.recheck),
            state.spoils.eq(registers.spoils | registers.change.valid),
            state.n.eq(registers.n), state.at.eq(self.flags.at),
            state.written_at.eq(self.flags.changed), self.parked.eq(state.parked),
            entries.next_n.eq(self._picker.n), entries.take.eq(requests.take),
            entries.current.eq(state.current), entries.grant.eq(granted),
            entries.target.eq(requests.target),
            requests.request.eq(entries.request), requests.ok.eq(state.good & ~registers.ending),
        ]
        if falls_back(self._config):
            m.d.comb += entries.learn.eq(requests.learn)

    def _offer(self, m):
        """Offer what is picked a cycle later, if it is still due then.

        A line, a write and the selection under way can end it meanwhile, all else only adds
        requests.
        """
        picker, state, requests, registers = (self._picker, self.state, self.requests,
                                              self.registers)
        offered, last_taken, still = Signal(), Signal(), Signal()
        m.d.comb += [
            picker.request.eq(state.due),
            still.eq(picker.valid & state.due.bit_select(picker.n, 1)),
            picker.last.eq(state.current), last_taken.eq(state.busy & (picker.n == state.current)),
            requests.offer.eq(offered & self.globals.enable & ~registers.apply
                              & ~registers.draining),
        ]
        m.d.sync += [
            requests.tag.eq(picker.n),
            offered.eq(still & ~state.flips.bit_select(picker.n, 1) & ~last_taken
                       & ~registers.apply & ~registers.draining),
        ]
