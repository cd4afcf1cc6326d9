"""VCPU[v]: what the VMM keeps of a vCPU (spec 1.1, 0x8000)."""

from .field import Access, Dim, Field, Formula, Keep, Register

__all__ = ["REGISTERS", "SCHED"]

#: Names of the scheduling states (LAPIC-64).
SCHED = {0: "running", 1: "runnable", 2: "blocked", 3: "offline"}

_BASE, _STRIDE = 0x8000, 0x40
_RW, _RO = Access.RW, Access.RO
_VCPUS = Dim("v", _STRIDE, lambda c: c.vcpus, "N_VCPU", 512)


def _register(name: str, offset: int, access: Access, keep: Keep, spec: str, text: str,
              *fields: Field, built: bool = True, policy: str = "") -> Register:
    return Register(f"VCPU_{name}", _BASE + offset, access, "V", keep, fields, (_VCPUS,),
                    spec=spec, text=text, built=built, policy=policy)


def _counter(name: str, offset: int, spec: str, text: str) -> Register:
    return _register(name, offset, _RO, Keep.COUNT, spec, text, Field("count", 0, 32))


REGISTERS = (
    _register("CTL", 0x00, _RW, Keep.HEAD, "LAPIC-60", "Placement of the vCPU.",
              Field("online", 0, text="It holds its lane"),
              Field("freeze", 1, text="Stop it, for save and restore"),
              Field("dom", 4, 4, text="Domain",
                    reset=Formula("v / N_LANE", lambda c, v: v // c.lanes)),
              Field("apicid", 8, 8, text="Initial APIC ID",
                    reset=Formula("v mod 256", lambda c, v: v % 256)),
              Field("frozen", 16, access=_RO, kept="freeze", text="Freeze acknowledged"),
              Field("k", 24, 6, text="Lane in its domain",
                    reset=Formula("v mod N_LANE", lambda c, v: v % c.lanes))),
    _register("SCHED", 0x04, _RW, Keep.HEAD, "LAPIC-64", "Scheduling state.",
              Field("state", 0, 2, reset=3, kept="sched", values=SCHED)),
    _register("WEIGHT", 0x08, _RW, Keep.HEAD, "SEL-14", "Share for WEIGHTED.",
              Field("weight", 0, 8), built=False),
    _register("RQPOS", 0x0C, _RW, Keep.HEAD, "SEL-15", "Place in the run queue for RUNFIRST.",
              Field("rqpos", 0, 8), policy="runfirst"),
    _register("UPVEC", 0x10, _RW, Keep.HEAD, "EVT-05", "Vector that an upcall injects.",
              Field("vector", 0, 8, kept="upvec", text="A vector below 16 is not valid"),
              Field("valid", 8, kept="upvec_valid", text="Inject it instead of the upcall line")),
    _register("LOAD", 0x14, _RO, Keep.COMPUTED, "SEL-10", "Work accepted and not finished.",
              Field("load", 0, 8)),
    _register("CREDIT", 0x18, _RW, Keep.HEAD, "SEL-14", "Credit for WEIGHTED.",
              Field("credit", 0, 32), built=False),
    _register("NMI", 0x1C, _RW, Keep.HEAD, "LAPIC-20", "NMI latch.",
              Field("pend", 0), Field("blocked", 1), built=False),
    _register("RECALL", 0x20, _RW, Keep.ACT, "SEL-25", "Calls back what the vCPU has not begun.",
              Field("busy", 0), built=False),
    _register("NEXTRUN", 0x24, _RW, Keep.HEAD, "SEL-17", "When it will run, for SED.",
              Field("cycles", 0, 32), built=False),
    _counter("GRANTS", 0x28, "1.1", "Grants to this vCPU."),
    _counter("WAKES", 0x2C, "LAPIC-63", "Pulses of wake."),
    _counter("ABORTS", 0x30, "1.1", "Selections won and lost at commit."),
)
