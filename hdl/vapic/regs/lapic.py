"""The pages of a virtual local APIC (spec 3.1, 0x400000)."""

from .field import Access, Dim, Field, Formula, Keep, Register

__all__ = ["MSR_PAGE", "REGISTERS"]

#: Offset of the second page, which has the registers of all modes.
MSR_PAGE = 0x1000

_BASE, _STRIDE = 0x400000, 0x2000
_RW, _RO, _WO, _RC = Access.RW, Access.RO, Access.WO, Access.RC
_VCPUS = Dim("v", _STRIDE, lambda c: c.vcpus, "N_VCPU", 512)
_WORDS = Dim("w", 16, lambda c: 8, "8", 8)


def _register(name: str, offset: int, access: Access, keep: Keep, spec: str, text: str,
              *fields: Field, both_pages: bool = False, built: bool = True) -> Register:
    return Register(f"LAPIC_{name}", _BASE + offset, access, "S", keep, fields, (_VCPUS,),
                    spec=spec, text=text, built=built,
                    also=(_BASE + MSR_PAGE + offset,) if both_pages else ())


def _bitmap(name: str, offset: int, text: str) -> Register:
    return Register(f"LAPIC_{name}", _BASE + offset, _RO, "S", Keep.BITMAP, (
        Field("bits", 0, 32, text="Bit i: vector 32 w + i"),
    ), (_VCPUS, _WORDS), spec="LAPIC-13", text=text)


def _unbuilt(name: str, offset: int, spec: str, text: str, *fields: Field) -> Register:
    return _register(name, offset, _RW, Keep.HEAD, spec, text, *fields, built=False)


def _lvt(name: str, offset: int, *fields: Field, spec: str = "LAPIC-54", text: str) -> Register:
    mask = Field("mask", 16, reset=1, text="Masked; forced while SVR is off")
    status = Field("status", 12, access=_RO, text="Delivery status")
    parts = sorted((Field("vector", 0, 8), status, mask, *fields), key=lambda part: part.low)
    return _unbuilt(name, offset, spec, text, *parts)


_MODE = Field("mode", 8, 3)
_LINE = (_MODE, Field("polarity", 13), Field("rirr", 14, access=_RO), Field("trigger", 15))

REGISTERS = (
    _register("ID", 0x020, _RW, Keep.HEAD, "3.1", "APIC ID.",
              Field("id", 24, 8, text="Reset and re-enable restore the initial one",
                    reset=Formula("v mod 256", lambda c, v: v % 256))),
    _register("VERSION", 0x030, _RO, Keep.CONSTANT, "3.1", "Version.",
              Field("version", 0, 8, reset=0x14),
              Field("last_lvt", 16, 8, reset=5, text="Number of the last LVT"),
              Field("directed_eoi", 24, reset=1, text="SVR.suppress is there")),
    _register("TPR", 0x080, _RW, Keep.HEAD, "LAPIC-10", "Task priority.",
              Field("priority", 0, 8, kept="tpr")),
    _register("APR", 0x090, _RO, Keep.COMPUTED, "LAPIC-11", "Arbitration priority.",
              Field("priority", 0, 8)),
    _register("PPR", 0x0A0, _RO, Keep.COMPUTED, "LAPIC-10", "Processor priority.",
              Field("priority", 0, 8)),
    _register("EOI", 0x0B0, _WO, Keep.ACT, "LAPIC-17", "End of interrupt; any value.",
              Field("any", 0, 32)),
    _register("LDR", 0x0D0, _RW, Keep.HEAD, "LAPIC-31", "Logical destination.",
              Field("id", 24, 8, kept="ldr")),
    _register("DFR", 0x0E0, _RW, Keep.HEAD, "LAPIC-31", "Destination format.",
              Field("ones", 0, 28, access=_RO, reset=0xFFFFFFF, keep=Keep.CONSTANT),
              Field("model", 28, 4, reset=0xF, kept="dfr", values={0: "cluster", 15: "flat"},
                    text="Other values match broadcast only")),
    _register("SVR", 0x0F0, _RW, Keep.HEAD, "LAPIC-19", "Spurious vector, and the APIC's switch.",
              Field("vector", 0, 8, reset=0xFF, kept="svr_vector"),
              Field("enable", 8, kept="svr_enabled", text="Fixed and lowest are accepted"),
              Field("focus_off", 9, text="No focus rule for this vCPU (SEL-12)"),
              Field("suppress", 12, text="No EOI broadcast")),
    _bitmap("ISR", 0x100, "Vectors in service."),
    _bitmap("TMR", 0x180, "Vectors accepted as level."),
    _bitmap("IRR", 0x200, "Vectors requested."),
    _register("ESR", 0x280, _RW, Keep.HEAD, "LAPIC-55",
              "Errors; a write of any value latches what was seen since the last.",
              Field("recvill", 6, kept="esr_recvill", access=_RO, text="Illegal vector received"),
              Field("illrega", 7, kept="esr_illrega", access=_RO, text="Reserved offset accessed")),
    _unbuilt("ICR_LOW", 0x300, "LAPIC-40", "Interrupt command; a write sends.",
             Field("vector", 0, 8), _MODE, Field("logical", 11), Field("status", 12, access=_RO),
             Field("level", 14), Field("trigger", 15), Field("shorthand", 18, 2)),
    _unbuilt("ICR_HIGH", 0x310, "LAPIC-40", "Destination of the interrupt command.",
             Field("dest", 24, 8)),
    _lvt("LVT_TIMER", 0x320, Field("periodic", 17), spec="LAPIC-50", text="Timer entry."),
    _lvt("LVT_THERMAL", 0x330, _MODE, text="Thermal entry."),
    _lvt("LVT_PERF", 0x340, _MODE, text="Performance counter entry."),
    _lvt("LVT_LINT0", 0x350, *_LINE, text="Local pin 0 entry."),
    _lvt("LVT_LINT1", 0x360, *_LINE, text="Local pin 1 entry."),
    _lvt("LVT_ERROR", 0x370, spec="LAPIC-56", text="Error entry."),
    _unbuilt("TMICT", 0x380, "LAPIC-51", "Initial count; a write starts the timer.",
             Field("count", 0, 32)),
    _unbuilt("TMCCT", 0x390, "LAPIC-51", "Current count.", Field("count", 0, 32, access=_RO)),
    _unbuilt("TDCR", 0x3E0, "LAPIC-50", "Divisor of the timer clock.",
             Field("low", 0, 2), Field("high", 3)),
    _register("CR8", 0xFA0, _RW, Keep.HEAD, "LAPIC-22", "TPR[7:4]; a write clears TPR[3:0].",
              Field("class", 0, 4, keep=Keep.COMPUTED), both_pages=True),
    _unbuilt("NMI", 0xFB0, "LAPIC-22", "NMI handshake of a soft CPU.",
             Field("pend", 0), Field("blocked", 1)),
    _register("INTA", 0xFC0, _RC, Keep.COMPUTED, "LAPIC-22", "Acknowledge: the read takes it.",
              Field("vector", 0, 8, reset=0xFF, text="Spurious vector if not valid"),
              Field("valid", 31), both_pages=True),
    _unbuilt("PRESCALER", 0xFD0, "LAPIC-61", "Prescaler of the timer, raw.",
             Field("count", 0, 8)),
    _unbuilt("ESR_SEEN", 0xFE0, "LAPIC-61", "Accumulator of ESR, raw.", Field("errors", 0, 8)),
    _register("BASE", MSR_PAGE + 0xFF0, _RW, Keep.HEAD, "LAPIC-01", "APIC_BASE.",
              Field("bsp", 8, access=_RO, keep=Keep.COMPUTED, text="Lane 0 of its domain",
                    reset=Formula("v mod N_LANE = 0", lambda c, v: int(v % c.lanes == 0))),
              Field("x2apic", 10, built=False, text="EXTD"),
              Field("enable", 11, reset=1, kept="en", text="EN; its rise resets the APIC"),
              Field("base", 12, 20, access=_RO, reset=0xFEE00, keep=Keep.CONSTANT,
                    values={0xFEE00: "fixed"}, text="No other value may be written")),
)
