"""Enumerations that cross from one block to another."""

from amaranth.lib import enum

__all__ = ["AcceptResult", "Err", "Mode", "NoteOp", "Outcome", "SourceKind"]


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
