"""Registers as data: the global ones, those of a vCPU and those of its vLAPIC.

Pages, state, reset, what a selection sees, snapshots and the random traffic of the bench read these
tables. Whoever adds a register that keeps what is written to it adds a row here, and uses it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

__all__ = [
    "ABORTS", "APR", "CAP0", "CAP1", "COALESCED", "CTL", "CTRL", "DFR", "EOI", "ERRINFO", "ERRSTAT",
    "ESR", "GLOBAL", "GLOBAL_PAGE", "GRANTS", "ID", "IOA_OWNER", "LAPIC", "LAPIC_ID", "LDR", "LOAD",
    "LPCFG", "NOW", "PARKED", "POLICY", "PPR", "PULL", "RQPOS", "SCHED", "SCHEDRANK", "SPURIOUS",
    "SVR", "TPR", "TRACE_DROP", "UPVEC", "VCPU", "VCPU_ABORTS", "VCPU_PAGE", "VCPU_STRIDE",
    "VERSION", "WAKES", "Kept", "Kind", "Register", "resets",
]

_WORD = 0xFFFF_FFFF


class Kind(Enum):
    """What an access to a register does."""

    #: A write is kept and read again.
    PLAIN = auto()
    #: Read only; something else changes it.
    HELD = auto()
    #: Code of its page says what reading and writing do.
    OWN = auto()
    #: Of a feature that is not built or not modelled: reads 0, ignores writes (ERR-15).
    ZERO = auto()


@dataclass(frozen=True, eq=False)
class Register:
    """One register of a page. Rows are the same only if they are the same object.

    Parameters
    ----------
    name : str
        Its name in the specification.
    offset : int
        Bytes from the start of its page.
    kind : Kind
        What an access does.
    mask : int
        Bits of the value that is kept; 0 if the table keeps none for it.
    reset : int
        Value after reset.
    low : int
        Bit of the word at which the value begins.
    ones : int
        Bits of the word that read 1 always.
    policy : str
        The policy that it is for: without that it reads 0 and ignores writes.
    """

    name: str
    offset: int
    kind: Kind
    mask: int = 0
    reset: int = 0
    low: int = 0
    ones: int = 0
    policy: str = ""

    @property
    def key(self) -> str:
        """Its name in snapshots of the state."""
        return self.name.lower()

    def exists(self, policies: Iterable[str]) -> bool:
        """Whether it is there if these policies are built."""
        return not self.policy or self.policy in policies


#: Values of registers, as far as a table keeps them.
Kept = dict[Register, int]


def resets(page: Iterable[Register]) -> Kept:
    """Values after reset of all that a page keeps."""
    return {register: register.reset for register in page if register.mask}


# Global registers (spec 1.1, chapter 6). RRPTR and SVC, one of each for a domain, are apart.

GLOBAL_PAGE = 0x1000
ID = Register("ID", 0x000, Kind.OWN)
CAP0 = Register("CAP0", 0x004, Kind.OWN)
CAP1 = Register("CAP1", 0x008, Kind.OWN)
CTRL = Register("CTRL", 0x00C, Kind.PLAIN, 0x7F, reset=1)
ERRSTAT = Register("ERRSTAT", 0x010, Kind.OWN, _WORD)
ERRINFO = Register("ERRINFO", 0x014, Kind.HELD, _WORD)
COALESCED = Register("COALESCED", 0x018, Kind.HELD, _WORD)
PARKED = Register("PARKED", 0x01C, Kind.HELD, _WORD)
SPURIOUS = Register("SPURIOUS", 0x024, Kind.HELD, _WORD)
IOA_OWNER = Register("IOA_OWNER", 0x028, Kind.PLAIN, 0xF)
TRACE_DROP = Register("TRACE_DROP", 0x034, Kind.ZERO)
ABORTS = Register("ABORTS", 0x038, Kind.HELD, _WORD)
POLICY = Register("POLICY", 0x100, Kind.PLAIN, 0xFF, reset=0x30)
LPCFG = Register("LPCFG", 0x104, Kind.PLAIN, 0xB, reset=1)
SCHEDRANK = Register("SCHEDRANK", 0x108, Kind.PLAIN, 0xFF, reset=0xD8, policy="runfirst")
PULL = Register("PULL", 0x10C, Kind.PLAIN, 0x1FF, reset=1)
NOW = Register("NOW", 0x110, Kind.ZERO)
GLOBAL: tuple[Register, ...] = (
    ID, CAP0, CAP1, CTRL, ERRSTAT, ERRINFO, COALESCED, PARKED,
    Register("IPI_UNCLAIMED", 0x020, Kind.ZERO), SPURIOUS, IOA_OWNER,
    Register("STORM", 0x02C, Kind.ZERO), Register("PIRQ_TMO", 0x030, Kind.ZERO), TRACE_DROP, ABORTS,
    POLICY, LPCFG, SCHEDRANK, PULL, NOW)

# VCPU[v] (spec 1.1, LAPIC-60, EVT-05): the VMM's view of a vCPU.

VCPU_PAGE, VCPU_STRIDE = 0x8000, 0x40
CTL = Register("CTL", 0x00, Kind.OWN)
SCHED = Register("SCHED", 0x04, Kind.PLAIN, 3, reset=3)
RQPOS = Register("RQPOS", 0x0C, Kind.PLAIN, 0xFF, policy="runfirst")
UPVEC = Register("UPVEC", 0x10, Kind.OWN)
LOAD = Register("LOAD", 0x14, Kind.OWN)
GRANTS = Register("GRANTS", 0x28, Kind.HELD, _WORD)
WAKES = Register("WAKES", 0x2C, Kind.HELD, _WORD)
VCPU_ABORTS = Register("ABORTS", 0x30, Kind.HELD, _WORD)
VCPU: tuple[Register, ...] = (
    CTL, SCHED, Register("WEIGHT", 0x08, Kind.ZERO), RQPOS, UPVEC, LOAD,
    Register("CREDIT", 0x18, Kind.ZERO), Register("NMI", 0x1C, Kind.ZERO),
    Register("RECALL", 0x20, Kind.ZERO), Register("NEXTRUN", 0x24, Kind.ZERO), GRANTS, WAKES,
    VCPU_ABORTS)

# The page of a vLAPIC (spec 3.1) but for bitmaps, handshakes and what is reserved or not built.

LAPIC_ID = Register("ID", 0x020, Kind.PLAIN, 0xFF, low=24)
VERSION = Register("VERSION", 0x030, Kind.OWN)
TPR = Register("TPR", 0x080, Kind.PLAIN, 0xFF)
APR = Register("APR", 0x090, Kind.OWN)
PPR = Register("PPR", 0x0A0, Kind.OWN)
EOI = Register("EOI", 0x0B0, Kind.OWN)
LDR = Register("LDR", 0x0D0, Kind.PLAIN, 0xFF, low=24)
DFR = Register("DFR", 0x0E0, Kind.PLAIN, 0xF, reset=0xF, low=28, ones=0xFFF_FFFF)
SVR = Register("SVR", 0x0F0, Kind.OWN, 0x13FF, reset=0xFF)
ESR = Register("ESR", 0x280, Kind.OWN, 0xFF)
LAPIC: tuple[Register, ...] = (LAPIC_ID, VERSION, TPR, APR, PPR, EOI, LDR, DFR, SVR, ESR)
