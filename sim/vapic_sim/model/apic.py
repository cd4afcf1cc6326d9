"""One virtual local APIC: bitmaps, priorities, acceptance, INTA and EOI."""

from .registers import DFR, ESR, LAPIC, LAPIC_ID, LDR, SVR, TPR, resets

__all__ = ["Apic", "matches"]

_RECVILL, _ILLREGA = 1 << 6, 1 << 7


def matches(dest: int, logical: bool, apic_id: int, ldr: int, dfr: int) -> bool:
    """Destination match of an 8-bit source (LAPIC-30, 31); `dfr` is the model nibble."""
    if dest == 0xFF:
        return True
    if not logical:
        return dest == apic_id
    if dfr == 0xF:
        return bool(dest & ldr)
    return dfr == 0 and dest >> 4 == ldr >> 4 and bool(dest & ldr & 0xF)


class Apic:
    """Registers of one vLAPIC in the modes disabled and xAPIC (LAPIC-01).

    Parameters
    ----------
    vectors : int
        Vectors there are; from this one on they are illegal.
    apicid : int
        Initial ID.

    Attributes
    ----------
    kept : dict of Register to int
        Values of the registers of `LAPIC` that are kept.
    """

    def __init__(self, vectors: int, apicid: int) -> None:
        self.vectors = vectors
        self.en = True
        self.reset(apicid)

    def reset(self, apicid: int) -> None:
        """Power-on state of everything but the mode."""
        self.kept = resets(LAPIC)
        self.kept[LAPIC_ID] = apicid
        self.irr = self.isr = self.tmr = 0
        self.esr_pending = 0

    @property
    def id(self) -> int:
        """ID."""
        return self.kept[LAPIC_ID]

    @property
    def tpr(self) -> int:
        """Task priority."""
        return self.kept[TPR]

    @property
    def ldr(self) -> int:
        """Logical ID."""
        return self.kept[LDR]

    @property
    def dfr(self) -> int:
        """Model of logical destinations, four bits."""
        return self.kept[DFR]

    @property
    def svr(self) -> int:
        """Spurious vector and enable."""
        return self.kept[SVR]

    @property
    def esr(self) -> int:
        """Errors as last latched."""
        return self.kept[ESR]

    @property
    def svr_enabled(self) -> bool:
        """Software enable, SVR[8]."""
        return bool(self.svr & 0x100)

    @property
    def irrv(self) -> int:
        """Highest requested vector, or 0."""
        return self.irr.bit_length() - 1 if self.irr else 0

    @property
    def isrv(self) -> int:
        """Highest vector in service, or 0."""
        return self.isr.bit_length() - 1 if self.isr else 0

    @property
    def ppr(self) -> int:
        """Processor priority (LAPIC-10)."""
        served = self.isrv >> 4
        return self.tpr if self.tpr >> 4 >= served else served << 4

    @property
    def apr(self) -> int:
        """Arbitration priority (LAPIC-11)."""
        task, served, asked = self.tpr >> 4, self.isrv >> 4, self.irrv >> 4
        if task >= asked and task > served:
            return self.tpr
        return max(task, served, asked) << 4

    @property
    def priorities(self) -> tuple[int, int]:
        """`ppr` and `apr`."""
        tpr = self.tpr
        task = tpr >> 4
        served = self.isr.bit_length() - 1 >> 4 if self.isr else 0
        asked = self.irr.bit_length() - 1 >> 4 if self.irr else 0
        ppr = tpr if task >= served else served << 4
        if task >= asked and task > served:
            return ppr, tpr
        return ppr, max(task, served, asked) << 4

    @property
    def count(self) -> int:
        """IRR and ISR bits that are set (SEL-10), not yet saturated."""
        return self.irr.bit_count() + self.isr.bit_count()

    @property
    def intr(self) -> bool:
        """INTR before the frozen gate (LAPIC-12)."""
        return (self.en and self.svr_enabled and self.irrv >= 16
                and self.irrv >> 4 > self.ppr >> 4)

    def illegal(self, vector: int) -> bool:
        """Whether a vector is illegal for fixed and lowest priority."""
        return vector < 16 or vector >= self.vectors

    def accept(self, vector: int, level: bool) -> bool:
        """Take a message (LAPIC-13); True if the vector was not requested before."""
        bit = 1 << vector
        fresh = not self.irr & bit
        self.irr |= bit
        self.tmr = self.tmr | bit if level else self.tmr & ~bit
        return fresh

    def inta(self) -> tuple[bool, int]:
        """Acknowledge (LAPIC-15): whether valid, and the vector."""
        if not self.intr:
            return False, self.svr & 0xFF
        vector = self.irrv
        self.irr &= ~(1 << vector)
        self.isr |= 1 << vector
        return True, vector

    def eoi(self) -> int | None:
        """End of interrupt (LAPIC-17): the vector to broadcast, if one is."""
        if not self.isr:
            return None
        vector = self.isrv
        self.isr &= ~(1 << vector)
        if self.tmr >> vector & 1 and not self.svr & 0x1000:
            return vector
        return None

    def received_illegal(self) -> None:
        """Note ESR.RECVILL (LAPIC-55)."""
        self.esr_pending |= _RECVILL

    def illegal_register(self) -> None:
        """Note ESR.ILLREGA (LAPIC-04)."""
        self.esr_pending |= _ILLREGA

    def latch_esr(self) -> None:
        """Write of ESR: what was noted becomes visible (LAPIC-55)."""
        self.kept[ESR], self.esr_pending = self.esr_pending, 0
