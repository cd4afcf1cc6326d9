"""One vCPU: its place, its scheduling state, its vLAPIC and its side of the upcall."""

from collections import deque
from dataclasses import dataclass

from .apic import Apic
from .params import Params
from .records import Sched
from .registers import SCHED, VCPU, WAKES, resets

__all__ = ["Note", "Vcpu"]


@dataclass(slots=True)
class Note:
    """Upcall state that the event channels owe the bank; `needed` if it is a change."""

    pend: bool
    line: bool
    rose: bool
    needed: bool


_BLOCKED = int(Sched.BLOCKED)


class Vcpu:
    """State of VCPU[v] (LAPIC-60, LAPIC-63, LAPIC-64, EVT-05).

    Parameters
    ----------
    params : Params
        Sizes.
    v : int
        Its number.

    Attributes
    ----------
    kept : dict of Register to int
        Values of the registers of `VCPU` that are kept.
    """

    def __init__(self, params: Params, v: int) -> None:
        self.v = v
        self.online = self.freeze = False
        self.apicid, self.k, self.dom = v % 256, v % params.lanes, v // params.lanes
        self.kept = resets(VCPU)
        self.upvec, self.upvec_valid = 0, False
        #: The bank's copy of the upcall state, and whether a vector is owed for it.
        self.pend = self.line = self.owed = False
        self.apic = Apic(params.vectors, self.apicid)
        self.notes: deque[Note] = deque()
        self.awake = False
        self.seen = self.terms

    @property
    def sched(self) -> int:
        """Scheduling state."""
        return self.kept[SCHED]

    @property
    def ctl(self) -> int:
        """VCPU.CTL as read, frozen_ack at once."""
        return (self.online | self.freeze << 1 | self.dom << 4 | self.apicid << 8
                | self.freeze << 16 | self.k << 24)

    @property
    def terms(self) -> tuple[int, ...]:
        """Everything but load that eligibility rests on."""
        apic = self.apic
        return (self.online, self.dom, self.k, self.freeze, apic.en, bool(apic.svr & 0x100),
                apic.id, apic.ldr, apic.dfr, self.sched)

    @property
    def accepts(self) -> bool:
        """Whether an upcall vector can be taken now."""
        return self.online and not self.freeze and self.apic.en and self.apic.svr_enabled

    @property
    def upcall(self) -> bool:
        """Upcall line before the frozen gate; a valid UPVEC replaces it."""
        return self.line and not self.upvec_valid

    @property
    def irq(self) -> bool:
        """Output irq[v]."""
        return self.apic.intr and not self.freeze

    def count_wake(self) -> None:
        """Count a pulse of wake[v] on each rise of its condition (LAPIC-63)."""
        awake = (self.sched == _BLOCKED and not self.freeze
                 and (self.apic.intr or self.upcall))
        self.kept[WAKES] += awake and not self.awake
        self.awake = awake
