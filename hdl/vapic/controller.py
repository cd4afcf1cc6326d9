"""The controller: its blocks, and the wires and registers between them."""

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .access.unit import AccessUnit
from .bank.unit import Bank
from .config import Config
from .dispatch.unit import Dispatch
from .evtchn.unit import EventChannels
from .ioapic.unit import Ioapic
from .layouts import Layouts
from .msi.intake import MsiIntake
from .record import UNITS, CommitOrder
from .slices import SinkSlice
from .sources.arbiter import SourceArbiter

__all__ = ["Controller"]


class Controller(wiring.Component):
    """Interrupt controller for virtual machines (spec 1.2).

    docs/architecture.md shows the way of one interrupt, cycle by cycle.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    bus : ``In(Layouts.bus)``
        Registers, and MSI writes of the VMM; 32-bit data, byte addresses, with the master's role,
        domain and vCPU as a sideband (GEN-02).
    msi_bus : ``In(Layouts.bus)``
        Only with ``config.msi_bus``: MSI writes of devices.
    pin : ``In(rtes)``
        Interrupt lines, asynchronous.
    now : ``In(32)``
        Time in cycles, from a plain counter outside (GEN-07).
    irq, upcall, wake, frozen : ``Out(vcpus)``
        Per vCPU, registered: vLAPIC request, event-channel upcall, one-cycle wake pulse, freeze
        acknowledged.
    ready : ``Out(1)``
        Initialisation is done (GEN-06).
    idle : ``Out(1)``
        Nothing changes until an input does (GEN-07).
    next_event, next_valid : ``Out(32)``, ``Out(1)``
        Deadline of the earliest timer; no timer is built, so ``next_valid`` is 0.
    trace : ``Out(stream.Signature(Layouts.trace))``
        One record a grant (GEN-08).
    commits : ``Out`` of one commit port a unit
        Only with ``config.commits``: the commit order (GEN-09), for simulation.

    Attributes
    ----------
    sources : dict of str to Component
        Whose ``requests`` dispatch serves, the table of interrupt sources first; see
        `SourceArbiter`. Each also has ``ready`` and ``quiet``.
    """

    def __init__(self, config: Config):
        self.config = config
        layouts = Layouts(config)
        ports = {
            "bus": In(layouts.bus), "pin": In(config.rtes), "now": In(32),
            "irq": Out(config.vcpus), "upcall": Out(config.vcpus), "wake": Out(config.vcpus),
            "frozen": Out(config.vcpus), "ready": Out(1), "idle": Out(1),
            "next_event": Out(32), "next_valid": Out(1),
            "trace": Out(stream.Signature(layouts.trace)),
        }
        if config.msi_bus:
            ports["msi_bus"] = In(layouts.bus)
        if config.commits:
            ports["commits"] = Out(wiring.Signature({u: Out(layouts.commit_port) for u in UNITS}))
        super().__init__(ports)
        self.access = AccessUnit(config)
        self.ioapic = Ioapic(config)
        self.sources = {"ioapic": self.ioapic}
        self.msi = MsiIntake(config)
        self.bank = Bank(config)
        self.dispatch = Dispatch(config)
        self.evt = EventChannels(config)
        #: A grant or an outcome was decided one and two cycles ago: it is being counted.
        self._settling = Signal(2)

    def elaborate(self, platform):
        m = Module()
        blocks = {"access": self.access, **self.sources, "msi": self.msi, "bank": self.bank,
                  "dispatch": self.dispatch, "evt": self.evt}
        for name, block in blocks.items():
            m.submodules[name] = block
        self._bus(m)
        accept = self._requests(m)
        self._upcalls(m)
        self._counters(m)
        busy = (accept.target.valid | self.evt.note.valid | self.ioapic.recheck
                | self._settling.any())
        self._outputs(m, blocks.values(), busy)
        if self.config.commits:
            self._records(m)
        return m

    def _bus(self, m):
        """Bus: to the access unit, and from it to the blocks."""
        access, ioapic, bank, evt = self.access, self.ioapic, self.bank, self.evt
        connect(m, flipped(self.bus), access.bus)
        if self.config.msi_bus:
            connect(m, flipped(self.msi_bus), access.msi_bus)
        connect(m, access.ioapic, ioapic.bus)
        connect(m, access.msi, self.msi.bus)
        connect(m, access.bank, bank.bus)
        connect(m, access.evt, evt.bus)
        for block in (ioapic, bank, self.dispatch, evt):
            m.d.comb += block.globals.eq(access.globals)

    def _requests(self, m):
        """The way of a request: source, dispatch, sink; returns what waits before the bank."""
        layouts, access, ioapic = Layouts(self.config), self.access, self.ioapic
        bank, dispatch, evt = self.bank, self.dispatch, self.evt
        m.submodules.sources = arbiter = SourceArbiter(self.config, len(self.sources))
        for source, port in zip(self.sources.values(), arbiter.sources, strict=True):
            connect(m, source.requests, port)
        connect(m, arbiter.requests, dispatch.requests)
        m.submodules.accept = accept = SinkSlice(self.config, layouts.accept)
        connect(m, dispatch.accept, accept.i)
        connect(m, accept.o, bank.accept)
        connect(m, dispatch.evt_grant, evt.grant)
        granting, settling = Signal(), self._settling
        m.d.comb += granting.eq(bank.accept.done.valid | evt.granting | dispatch.judging)
        m.d.sync += settling.eq(Cat(granting, settling))
        m.d.comb += [
            ioapic.pin.eq(self.pin),
            ioapic.message.eq(self.msi.message),
            dispatch.now.eq(self.now), access.now.eq(self.now),
            access.hold.eq(granting | settling.any()), ioapic.granting.eq(granting),
            bank.hold.eq(dispatch.hold), bank.hold_notes.eq(dispatch.hold_notes),
            dispatch.hold_ack.eq(bank.hold_ack),
            access.rrptr.eq(dispatch.rrptr), dispatch.rrptr_write.eq(access.rrptr_write),
        ]

        # What dispatch must know of the vCPUs, and when to look again.
        m.d.comb += [
            dispatch.lane_write.eq(bank.lane_write), dispatch.lane_note.eq(bank.lane_note),
            dispatch.out_write.eq(evt.out_write),
            evt.grant_comes.eq(dispatch.evt_comes), dispatch.lag.eq(evt.lag),
            evt.pirq_n.eq(dispatch.pirq_n), dispatch.pirq_row.eq(evt.pirq_row),
            dispatch.pirq_note.eq(evt.pirq_note),
            bank.granted.eq(dispatch.granted), bank.aborted.eq(dispatch.aborted),
        ]
        return accept.o

    def _upcalls(self, m):
        """Event channels to bank, and back to the source."""
        ioapic, bank, evt = self.ioapic, self.bank, self.evt
        connect(m, evt.note, bank.note)
        connect(m, ioapic.end_flight, evt.end_flight)
        m.d.comb += [
            evt.note_done.eq(bank.note_done),
            evt.out_dom.eq(bank.out_dom), evt.out_k.eq(bank.out_k),
            bank.out_value.eq(evt.out_value),
            ioapic.query_n.eq(evt.query_n), evt.query_entry.eq(ioapic.query_entry),
            ioapic.eoi.eq(bank.eoi),
        ]
        # By a cycle later than dispatch, which rests on it: nothing else may be known of a request.
        m.d.sync += [ioapic.pirq_note.eq(evt.pirq_note), ioapic.hand_back.eq(evt.hand_back)]
        m.d.sync += ioapic.recheck.eq(bank.lane_write.en | evt.changed | self.access.rechecked)

    def _counters(self, m):
        """Counters and the error log."""
        access, ioapic, bank, dispatch = self.access, self.ioapic, self.bank, self.dispatch
        m.d.comb += [
            access.coalesced.eq(ioapic.coalesced), access.joined.eq(ioapic.merged),
            access.merged.eq(bank.merged),
            access.parked.eq(ioapic.parked), access.spurious.eq(bank.spurious),
            access.aborted.eq(dispatch.aborted.valid),
            access.trace_dropped.eq(dispatch.trace_dropped),
            access.policy_error.eq(dispatch.policy_error),
        ]

    def _outputs(self, m, blocks, busy):
        """What leaves the controller; ``busy`` is what is under way between blocks."""
        bank, rested, unchanged = self.bank, Signal(), Signal()
        connect(m, self.dispatch.trace, flipped(self.trace))
        # Nothing was under way in the cycle before; and no input asks for anything in this one.
        m.d.sync += rested.eq(_all(block.quiet for block in blocks) & unchanged & ~busy
                              & ~self.wake.any())
        m.d.comb += [
            self.irq.eq(bank.irq), self.upcall.eq(bank.upcall),
            self.wake.eq(bank.wake), self.frozen.eq(bank.frozen),
            self.ready.eq(_all(block.ready for block in blocks)),
            self.access.start.eq(self.ready),
            unchanged.eq(self.ready & self.access.quiet & self.ioapic.settled
                         & ~(self.trace.valid & self.trace.ready)),
            self.idle.eq(rested & unchanged),
        ]

    def _records(self, m):
        """The units' commit records, in one order."""
        m.submodules.order = order = CommitOrder(self.config)
        sources = {unit: getattr(self, unit).commits for unit in UNITS if unit != "lines"}
        sources["lines"] = self.ioapic.commits_lines
        for unit in UNITS:
            connect(m, sources[unit], getattr(order, f"in_{unit}"))
            connect(m, getattr(order, unit), flipped(getattr(self.commits, unit)))


def _all(bits):
    result = 1
    for bit in bits:
        result = result & bit
    return result
