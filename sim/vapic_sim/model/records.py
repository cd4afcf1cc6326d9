"""What goes into the model and comes out of it: records, results, numbers with a name."""

from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "AcceptResult", "BusResult", "Err", "Mismatch", "Outcome", "Record", "Sched", "Trace",
]


class Err(IntEnum):
    """Number of a logged error (spec chapter 6)."""

    ACCESS = 1
    UNMAPPED = 2
    INDEX = 3
    PARTIAL = 4
    EVENT_STORE = 5
    MSI = 6
    POLICY = 7
    BUSY = 9
    FOREIGN = 14


class Sched(IntEnum):
    """Scheduling state of a vCPU (LAPIC-64)."""

    RUNNING = 0
    RUNNABLE = 1
    BLOCKED = 2
    OFFLINE = 3


class AcceptResult(IntEnum):
    """What became of one target of a grant."""

    SET = 0
    MERGED = 1
    RETRY = 2
    ABORT = 3
    SKIP = 4
    RECVILL = 5


class Outcome(IntEnum):
    """How a selection ended without a commit.

    AGAIN has no record of its own after a target's ABORT or RETRY; else it means that the request
    itself changed meanwhile.
    """

    NONE = 0
    PARK = 1
    WAIT = 2
    BLOCKED = 3
    ERROR = 4
    AGAIN = 5


class Mismatch(AssertionError):
    """A record that the model does not agree with; the message says what was expected and why."""


@dataclass(slots=True)
class BusResult:
    """Answer to an access; for commands and fast operations `data` is their result."""

    data: int
    berr: bool = False


@dataclass(slots=True)
class Record:
    """One commit record (GEN-09) of a unit.

    Parameters
    ----------
    seq : int
        Place in the one commit order of all units.
    unit : str
        ``access``, ``ioapic``, ``lines``, ``msi``, ``bank``, ``evt`` or ``dispatch``.
    op : str
        ``BUS``, ``ACCEPT``, ``UPCALL``, ``CTL``, ``LINES``, ``MSI``, ``MASK_BIT``, ``GRANT``,
        ``START`` or ``END``.
    row, addr, data, result : int
        As the operation has them.
    vmm, we : bool
        Role of the bus master, and if it writes.
    dom, vcpu, sel : int
        Domain and vCPU of the bus master, byte lanes.
    """

    seq: int
    unit: str
    op: str
    row: int = 0
    vmm: bool = False
    dom: int = 0
    vcpu: int = 0
    we: bool = False
    sel: int = 0xF
    addr: int = 0
    data: int = 0
    result: int = 0


@dataclass(slots=True)
class Trace:
    """One explained grant (GEN-08) without its time."""

    n: int
    kind: int
    candidates: int
    eligible: int
    policy: int
    key: int
    target: int
    port: int
