"""Every record and enumeration that crosses from one block to another.

Widths follow the configuration, so each record is a method of `Layouts`, which is made once from
a `vapic.Config` and handed to every block. Which block has which is in docs/ports.md, what
order decisions have in docs/commits.md.
"""

from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from .dispatch.policy import falls_back
from .numbers import Policy, SchedState
from .regs import Keep
from .regs.globals import SETTINGS
from .regs.layout import kept

__all__ = [
    "AcceptResult", "Err", "Layouts", "Mode", "NoteOp", "Outcome", "Policy", "SchedState",
    "SourceKind",
]


class Mode(enum.Enum, shape=3):
    """Delivery mode of an entry or message (IOA-17)."""

    FIXED = 0
    LOWEST = 1
    SMI = 2
    RESERVED3 = 3
    NMI = 4
    INIT = 5
    RESERVED6 = 6
    EXTINT = 7


class SourceKind(enum.IntEnum, shape=2):
    """What a request came from, as the trace tells it (GEN-08); its tag counts within the kind."""

    #: A pin; the tag is its PIRQ.
    PIN = 0
    #: An entry of the MSI table; the tag is its PIRQ.
    IRT = 1
    #: A message of the compatibility format; the tag is its slot.
    MSI = 2
    #: A message of a vCPU to others; the tag is the sender.
    IPI = 3


class Err(enum.IntEnum, shape=4):
    """Number of a logged error (spec chapter 6); ERRSTAT bit is the number minus one."""

    NONE = 0
    ACCESS = 1
    UNMAPPED = 2
    INDEX = 3
    PARTIAL = 4
    EVENT_STORE = 5
    MSI = 6
    POLICY = 7
    ICR = 8
    BUSY = 9
    FOREIGN = 14


class Outcome(enum.Enum, shape=3):
    """How a selection ended without a commit, as dispatch tells the request store."""

    NONE = 0
    #: No target: counts as parked (SEL-22).
    PARK = 1
    #: PULL found nobody with room (SEL-04 "waiting").
    WAIT = 2
    #: Path EVT, ser=1 and in flight: neither parked nor waiting.
    BLOCKED = 3
    #: Configuration error IOA-18.
    ERROR = 4
    #: Aborted at commit (SEL-20), or answered RETRY (IOA-20): take it again.
    AGAIN = 5


class NoteOp(enum.Enum, shape=1):
    """What the event channels ask of the bank."""

    #: The upcall state of a vCPU changed.
    UPCALL = 0
    #: Write of VCPU.CTL, which moves a vCPU between lanes.
    CTL = 1


class AcceptResult(enum.IntEnum, shape=3):
    """What became of one target of a grant, in ``commits`` records of bank and event channels."""

    #: Newly pending (IRR bit or port pending bit 0 -> 1).
    SET = 0
    #: Was pending already: merged.
    MERGED = 1
    #: IRR bit was set and CTRL.retry_on_irr=1 (IOA-20): nothing changed.
    RETRY = 2
    #: The re-check of SEL-20 failed: nothing changed.
    ABORT = 3
    #: Static target whose port was closed or masked meanwhile: skipped (SEL-20).
    SKIP = 4
    #: Illegal vector: ESR.RECVILL recorded, nothing accepted (IOA-18).
    RECVILL = 5


class Layouts:
    """Records between the blocks of a controller.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    """

    def __init__(self, config):
        c = self.config = config
        #: One access as the access unit hands it to a block; the right to it is already checked.
        self.bus_request = data.StructLayout({
            "addr": 32,     # byte offset from the block base, as in spec 1.1; MSI: whole address
            "we": 1, "data": 32, "sel": 4,
            "vmm": 1,       # 1 = VMM role
            "dom": 4, "vcpu": 9,   # of the master (sideband), not of the addressed thing
        })
        #: Answer to it.
        self.bus_response = data.StructLayout({"data": 32, "berr": 1, "err": Err})
        #: One table entry: RTE or IRT entry, REQX and PIRQ_OWNER together.
        self.entry = data.StructLayout({
            "vector": 8, "mode": Mode, "logical": 1,
            "level": 1,     # effective trigger
            "dest": 8,
            "path": 1, "ser": 1, "force_dyn": 1, "force_static": 1, "policy": 4,
            "allow": 3, "autoeoi": 1,
            "dom": c.domain_bits, "owned": 1,
        })
        #: One request, with all that dispatch must know of it, whoever asks (SEL-01). A source
        #: without an entry says what stands there for its kind: path 0, ser 0, allow 7.
        self.request = data.StructLayout({
            "kind": SourceKind,
            "vector": 8, "mode": Mode, "logical": 1, "dest": 8,
            "level": 1,     # effective trigger: of the target's TMR bit
            "path": 1,      # 1 = EVT, for PIRQs alone
            "ser": 1, "force_dyn": 1, "force_static": 1,
            "policy": 4,    # 15 = POLICY[3:0]
            "allow": 3,
            "dom": c.domain_bits,
            "owned": 1,     # `dom` is valid; without it no vCPU matches
            # Of a policy that falls back, if one is built.
            **({"hint_valid": 1, "hint": 6, "learn": 1, "slack": 8} if falls_back(c) else {}),
        })
        #: A target of a grant as its source keeps it (SEL-24).
        self.last_target = data.StructLayout({"k": c.lane_bits, "port": c.port_bits})
        #: What dispatch may have to know of one vCPU, written by the bank. The lane keeps of it
        #: what every request needs and what the policies built name (`dispatch.lanes.kept`).
        self.lane = data.StructLayout({
            "online": 1, "frozen": 1, "enabled": 1,   # enabled: APIC_BASE.EN
            "svr_enabled": 1,
            "id": 8, "ldr": 8,
            "flat": 1, "cluster": 1,                  # of DFR; neither: matches broadcast only
            "sched": SchedState,
            "tpr": 8, "ppr": 8, "apr": 8,
            "rqpos": 8,     # of RUNFIRST; 0 for a vCPU that does not wait in the run queue
            "count": 8,                               # IRR plus ISR bits, saturating at 255
            "v": c.vcpu_bits,
        })
        #: A lane row being written, `lanes` one bit a lane (all of them at initialisation).
        self.lane_write = data.StructLayout({
            "en": 1, "dom": c.domain_bits, "lanes": c.lanes, "row": self.lane,
        })
        #: Notice of a commit that may change what a lane is eligible for, a cycle before it.
        self.lane_note = data.StructLayout({
            "valid": 1, "dom": c.domain_bits, "k": c.lane_bits,
            "config": 1,    # an eligibility term other than load changed value
            "grew": 1,      # load grew other than by a grant
        })
        #: Work accepted by way of ports and not finished (out[v]), per lane, by the event channels.
        self.out_write = data.StructLayout({
            "en": 1, "dom": c.domain_bits, "lanes": c.lanes, "out": 8,
        })
        #: One target of a grant to the bank (path LAPIC).
        self.accept = data.StructLayout({
            "n": c.pirq_bits, "v": c.vcpu_bits, "vector": 8, "level": 1,
            "single": 1,    # the grant has one target: RETRY is possible
            "first": 1, "last": 1,
            "illegal": 1,   # record ESR.RECVILL and nothing else
        })
        #: One target of a grant to the event channels (path EVT).
        self.evt_grant = data.StructLayout({
            "n": c.pirq_bits, "dom": c.domain_bits, "k": c.lane_bits, "v": c.vcpu_bits,
            "level": 1, "dynamic": 1, "first": 1, "last": 1,
        })
        #: End of one target, from bank or event channels, in the cycle of the decision.
        self.decision = data.StructLayout({
            "valid": 1, "result": AcceptResult, "port": c.port_bits,
        })
        #: Event channels to bank.
        self.note = data.StructLayout({
            "op": NoteOp, "v": c.vcpu_bits,
            "pend": 1,      # upcall_pending now
            "line": 1,      # upcall_pending AND NOT upcall_mask now
            "rise": 1,      # upcall_pending went 0 -> 1 by this
            "data": 32,     # value written to CTL
            "held": 1,      # CTL: another online vCPU holds the lane named in `data`
        })
        #: The bank's answer to a note, one cycle long.
        self.note_done = data.StructLayout({
            "valid": 1, "applied": 1,
            "old_dom": 4, "old_k": 6, "old_online": 1, "new_dom": 4, "new_k": 6, "new_online": 1,
        })
        #: Row of a PIRQ in the event channels: one bit a lane each.
        self.pirq_row = data.StructLayout({
            "open": c.lanes,    # a port is bound for (n, k) and not masked
            "infl": c.lanes,    # in flight
            "pend": c.lanes,    # copy of the bound port's pending bit
        })
        #: Summary of a PIRQ row, kept by the request store in flip-flops.
        self.pirq_note = data.StructLayout({
            "valid": 1, "n": c.pirq_bits, "infl_any": 1, "bound_any": 1,
            "open_changed": 1,  # an `open` bit of the row changed
        })
        #: What the event channels do to a request outside a grant, all in one cycle.
        self.hand_back = data.StructLayout({
            "valid": 1, "n": c.pirq_bits,
            "clear_rirr": 1,
            "set_pend": 1,      # edge and IRT entries: the occurrence is pending again
            "port": c.port_bits,
        })
        #: A message for MSI table entry `index`, one cycle long, never refused.
        self.message = data.StructLayout({
            "valid": 1, "index": max(1, (c.irts - 1).bit_length()),
        })
        #: EOI broadcast of a vLAPIC (IOA-11a).
        self.eoi = data.StructLayout({"valid": 1, "dom": c.domain_bits, "vector": 8})
        #: Global registers that other blocks act on; plain flip-flops of the access unit.
        self.globals = data.StructLayout(kept(SETTINGS, Keep.FLOP))
        #: RRPTR write of the access unit.
        self.rrptr_write = data.StructLayout({"en": 1, "dom": c.domain_bits, "value": c.lane_bits})
        #: A strobe about one vCPU.
        self.vcpu_strobe = data.StructLayout({"valid": 1, "v": c.vcpu_bits})
        #: One explained grant (GEN-08).
        self.trace = data.StructLayout({
            "now": 32, "n": 9, "kind": SourceKind, "candidates": c.lanes, "eligible": c.lanes,
            "policy": Policy, "key": 32, "target": 9, "port": 10,
        })
        #: One commit record (GEN-09); simulation only. See `record.TABLE`.
        self.commit = data.StructLayout({
            "seq": 32, "op": 4, "row": 16,
            "vmm": 1, "dom": 4, "vcpu": 9, "we": 1, "sel": 4,
            "addr": 32, "data": 128, "result": 40,
        })

    @property
    def unit_bus(self) -> wiring.Signature:
        """Access unit (initiator) to a block: one access at a time, answered by one strobe.

        ``req`` is held until taken; ``rsp.valid`` is one cycle long, at or after the commit.
        """
        return wiring.Signature({
            "req": Out(stream.Signature(self.bus_request)),
            "rsp": In(stream.Signature(self.bus_response, always_ready=True)),
        })

    @property
    def source(self) -> wiring.Signature:
        """A source of requests (initiator) to dispatch, or to the arbiter before it.

        The way of a request, one at a time:

        - ``offer``: request ``tag`` is serviceable in this very cycle, as far as the source itself
          can tell (SEL-04). It may change or go until taken. ``tag`` counts within the kind: PIRQ,
          slot or sender; it is as wide as the widest of the sources that are built.
        - ``take`` in a cycle with ``offer`` starts its selection. ``request`` is valid from the
          next cycle on and stays until the next take: it is a snapshot, whatever happens to
          the entry. So a source may read it from a memory at the address ``tag``.
        - ``ok``, from the second cycle after ``take`` until the grant or outcome: the request
          stands and nothing of it was written since the start. It comes from flip-flops. The first
          decision of a grant commits only with ``ok`` (SEL-20), the others do not ask.
        - Then, in the decision cycle, either ``first`` and ``last`` (both at once for one target)
          with the ``target`` of that decision, and ``multi`` while more are to come;
        - or an ``outcome``, one cycle long: no target. The source judges by ``ok`` of that cycle
          whether the request is still the one that was asked about.
        - ``learn``, with ``first``: the request's hint becomes ``target.k`` and is valid (SEL-13);
          only if a policy built falls back.
        - ``offer_dom``, with ``config.commits`` alone: the domain of the offer, for the record of
          its start.
        """
        return wiring.Signature({
            "offer": Out(1), "tag": Out(self.config.pirq_bits), "take": In(1),
            "request": Out(self.request), "ok": Out(1),
            "first": In(1), "last": In(1), "target": In(self.last_target), "multi": In(1),
            "outcome": In(Outcome),
            **({"learn": In(1)} if falls_back(self.config) else {}),
            **({"offer_dom": Out(self.config.domain_bits)} if self.config.commits else {}),
        })

    def sink(self, payload) -> wiring.Signature:
        """Dispatch (initiator) to who accepts the targets of a grant: bank or event channels.

        - ``target``: one target, in the order in which they are to be decided.
        - ``ok``: in the cycle in which the sink decides, from the cycle after the transfer on: the
          choice still stands, so that the target may commit (SEL-20).
        - ``done``: what became of it, combinational in that cycle.

        Parameters
        ----------
        payload : StructLayout
            ``accept`` or ``evt_grant``.
        """
        return wiring.Signature({
            "target": Out(stream.Signature(payload)), "ok": Out(1), "done": In(self.decision),
        })

    @property
    def commit_port(self) -> wiring.Signature:
        """A unit's commit records: one strobe and one record a cycle, no backpressure."""
        return wiring.Signature({"valid": Out(1), "record": Out(self.commit)})

    @property
    def bus(self) -> wiring.Signature:
        """Wishbone (initiator side), 32-bit data, byte addresses, with the master's sideband.

        ``vmm``, ``dom`` and ``vcpu`` are set by the interconnect from the wire the access came
        in on (GEN-02). Bits [1:0] of ``adr`` are ignored; ``sel`` names byte lanes. ``err`` is
        the bus error of spec chapter 6, with ``dat_r`` 0.
        """
        return wiring.Signature({
            "cyc": Out(1), "stb": Out(1), "we": Out(1), "adr": Out(32), "dat_w": Out(32),
            "sel": Out(4), "vmm": Out(1), "dom": Out(4), "vcpu": Out(9),
            "dat_r": In(32), "ack": In(1), "err": In(1),
        })
