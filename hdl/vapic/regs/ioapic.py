"""I/O APIC page, its indirect registers, and the tables of interrupt sources (spec 2, SEL-01)."""

from .field import Access, Dim, Field, Formula, Keep, Register
from .globals import POLICIES

__all__ = ["INDIRECT", "MODES", "REGISTERS"]

#: Names of the delivery modes (IOA-17).
MODES = {0: "fixed", 1: "lowest", 2: "smi", 4: "nmi", 5: "init", 7: "extint"}

_RW, _RO, _WO = Access.RW, Access.RO, Access.WO
_PINS = Dim("n", 2, lambda c: c.rtes, "N_RTE", 120)
_SOURCES = Dim("n", 4, lambda c: c.pirqs, "N_PIRQ", 376)
_MESSAGES = Dim("i", 8, lambda c: c.irts, "N_IRT", 256)

_LOW = (
    Field("vector", 0, 8, text="Vector"),
    Field("mode", 8, 3, values=MODES, text="Delivery mode"),
    Field("logical", 11, text="Destination mode: 0 physical, 1 logical"),
    Field("status", 12, access=_RO, keep=Keep.COMPUTED,
          text="Delivery status: a request exists and is not accepted (IOA-08)"),
    Field("polarity", 13, text="Active low"),
    Field("rirr", 14, access=_RO, keep=Keep.FLOP, text="Remote IRR (IOA-09)"),
    Field("trigger", 15, text="0 edge, 1 level"),
    Field("mask", 16, reset=1, text="Masked"),
)
_HIGH = (Field("dest", 24, 8, text="Destination, 0xFF for all"),)


def _state(number: int, name: str, text: str) -> Field:
    return Field(name, number, text=text)


REGISTERS = (
    Register("IOA_REGSEL", 0x0000, _RW, "I", Keep.FLOP, (
        Field("index", 0, 8, text="Number of an indirect register"),
    ), spec="IOA-01", partial=True,
        text="Selects the register behind IOA_WIN; one for the VMM, one for the delegate."),
    Register("IOA_WIN", 0x0010, _RW, "I", Keep.COMPUTED, (Field("value", 0, 32, reset=None),),
             spec="IOA-01", text="The selected register."),
    Register("IOA_EOI", 0x0040, _WO, "I", Keep.ACT, (Field("vector", 0, 8, text="Vector"),),
             spec="IOA-16", text="End of interrupt by vector; not with version 0x11."),
    Register("REQX", 0x2000, _RW, "V", Keep.ENTRY, (
        Field("path", 0, values={0: "lapic", 1: "evt"}, text="Sink: virtual APIC or port"),
        Field("ser", 1, reset=1, text="One occurrence in flight at a time"),
        Field("force_dyn", 2, text="Dynamic whatever the mode"),
        Field("force_static", 3, text="Static whatever the mode"),
        Field("policy", 4, 4, reset=15, values=POLICIES | {15: "default"},
              text="How the target is chosen"),
        Field("allow", 12, 3, reset=7,
              text="Scheduling states that may be chosen: running [0], runnable [1], blocked [2]"),
        Field("hint_valid", 15, text="There is a hint"),
        Field("hint", 16, 6, text="Lane that STICKY prefers"),
        Field("learn", 22, text="STICKY sets the hint to its winner"),
        Field("autoeoi", 23, text="Clearing the pending bit ends the occurrence (EVT-41)"),
        Field("slack", 24, 8, text="How much more loaded the hint may be"),
    ), (_SOURCES,), spec="SEL-01", text="Extension of an entry."),
    Register("REQSTAT", 0x2800, _RO, "V", Keep.COMPUTED, (
        _state(0, "pend", "Edge latch"),
        _state(1, "rirr", "Remote IRR"),
        _state(2, "infl", "In flight"),
        _state(3, "err", "Configuration error (IOA-18)"),
        _state(4, "parked", "No target (SEL-22)"),
        _state(5, "serviceable", "Waits for its turn only (SEL-04)"),
        _state(6, "waiting", "PULL found nobody with room"),
        Field("k", 8, 6, text="Lane of the last grant"),
        Field("port", 16, 16, text="Port of the last grant"),
    ), (_SOURCES,), spec="SEL-24", text="State of a request."),
    Register("PIRQ_OWNER", 0x3000, _RW, "V", Keep.ENTRY, (
        Field("dom", 0, 4, text="Owning domain"),
        Field("valid", 8, reset=1, kept="owned", text="It is owned"),
    ), (_SOURCES,), spec="EVT-53", text="Owner of an interrupt source."),
    Register("IRT_LOW", 0x4000, _RW, "V", Keep.ENTRY, _LOW, (_MESSAGES,), spec="MSI-04",
             text="MSI table entry, low word."),
    Register("IRT_HIGH", 0x4004, _RW, "V", Keep.ENTRY, _HIGH, (_MESSAGES,), spec="MSI-04",
             text="MSI table entry, high word."),
)

#: Registers behind IOREGSEL and IOWIN (spec 2.1); `offset` is their number.
INDIRECT = (
    Register("IOA_ID", 0x00, _RW, "I", Keep.FLOP, (Field("id", 24, 4, text="Identification"),),
             spec="2.1", text="I/O APIC ID.", indirect=True),
    Register("IOA_VER", 0x01, _RO, "I", Keep.CONSTANT, (
        Field("version", 0, 8, reset=Formula("IOA_VER", lambda c: c.ioa_version),
              text="0x20 has an EOI register, 0x11 has none"),
        Field("last", 16, 8, reset=Formula("N_RTE - 1", lambda c: c.rtes - 1),
              text="Number of the last entry"),
    ), spec="2.1", text="Version and size.", indirect=True),
    Register("IOA_ARB", 0x02, _RO, "I", Keep.FLOP, (Field("id", 24, 4, text="Copy of the ID"),),
             spec="2.1", text="Arbitration ID.", indirect=True),
    Register("RTE_LOW", 0x10, _RW, "I", Keep.ENTRY, _LOW, (_PINS,), spec="IOA-02",
             text="Redirection table entry of a pin, low word.", indirect=True),
    Register("RTE_HIGH", 0x11, _RW, "I", Keep.ENTRY, _HIGH, (_PINS,), spec="IOA-02",
             text="Redirection table entry of a pin, high word.", indirect=True),
)
