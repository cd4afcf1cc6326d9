"""Global registers, and those of target selection (spec 1.1, 0x1000 and 0x1100)."""

from ..policy import Policy
from .field import Access, Dim, Field, Formula, Keep, Register

__all__ = ["POLICIES", "REGISTERS", "SETTINGS"]

#: Names of the selection policies (spec 4.2).
POLICIES = {policy.value: policy.name.lower() for policy in Policy if policy != Policy.STATIC}

_RW, _RO, _W1C = Access.RW, Access.RO, Access.W1C
_DOMAINS = Dim("d", 4, lambda c: c.domains, "N_DOM", 16)


def _constant(name: str, offset: int, spec: str, text: str, *fields: Field) -> Register:
    return Register(name, offset, _RO, "V", Keep.CONSTANT, fields, spec=spec, text=text)


def _counter(name: str, offset: int, spec: str, text: str, built: bool = True) -> Register:
    return Register(name, offset, _RO, "V", Keep.COUNT, (Field("count", 0, 32),),
                    spec=spec, text=text, built=built)


def _plain(name: str, offset: int, spec: str, text: str, *fields: Field,
           built: bool = True, policy: str = "", kept: str = "") -> Register:
    return Register(name, offset, _RW, "V", Keep.FLOP, fields, spec=spec, text=text, built=built,
                    policy=policy, kept=kept)


REGISTERS = (
    _constant("ID", 0x1000, "1.1", "Identification, the letters DDV1.",
              Field("id", 0, 32, reset=0x44445631, text="Always 0x44445631")),
    _constant("CAP0", 0x1004, "1.1", "Sizes: vCPUs, domains, pins.",
              Field("vcpus", 0, 12, reset=Formula("N_VCPU", lambda c: c.vcpus)),
              Field("domains", 12, 8, reset=Formula("N_DOM", lambda c: c.domains)),
              Field("rtes", 20, 8, reset=Formula("N_RTE", lambda c: c.rtes))),
    _constant("CAP1", 0x1008, "1.1", "Sizes: event-channel ports, MSI table entries.",
              Field("ports", 0, 16, reset=Formula("N_PORT", lambda c: c.ports)),
              Field("irts", 16, 16, reset=Formula("N_IRT", lambda c: c.irts))),
    _plain("CTRL", 0x100C, "GEN-05", "Control bits.",
           Field("enable", 0, reset=1, text="Grants are made; latching goes on without"),
           Field("dyn_off", 1, text="Every request is static (SEL-02)"),
           Field("latch_masked_edges", 2, text="An edge on a masked pin is kept (IOA-05)"),
           Field("retry_on_irr", 3, text="A vector in IRR already answers RETRY (IOA-20)"),
           Field("auto_reraise", 4, text="Clearing a mask bit re-raises (EVT-12)"),
           Field("auto_unmask", 5, text="PIRQ_EOI unmasks the port (EVT-40)"),
           Field("ioa_deleg", 6, text="The domain IOA_OWNER may use the I/O APIC page")),
    Register("ERRSTAT", 0x1010, _W1C, "V", Keep.FLOP,
             (Field("errors", 0, 14, text="Bit i-1: ERR-i was seen"),),
             spec="chapter 6", text="Errors seen."),
    Register("ERRINFO", 0x1014, _RO, "V", Keep.FLOP, (
        Field("address", 0, 24, text="Byte offset of the access"),
        Field("dom", 24, 4, text="Domain of its master"),
        Field("error", 28, 4, text="i of ERR-i, 0 for none"),
    ), spec="chapter 6", text="The first error, until its bit of ERRSTAT is cleared."),
    _counter("COALESCED", 0x1018, "IOA-04", "Occurrences merged into a pending one."),
    _counter("PARKED", 0x101C, "SEL-22", "Entries into parking."),
    _counter("IPI_UNCLAIMED", 0x1020, "LAPIC-44", "IPIs that nobody matched.", built=False),
    _counter("SPURIOUS", 0x1024, "LAPIC-15", "Spurious acknowledges."),
    _plain("IOA_OWNER", 0x1028, "1.1", "Domain to which the I/O APIC page is delegated.",
           Field("dom", 0, 4, kept="ioa_owner", text="Domain")),
    _plain("STORM", 0x102C, "IOA-12", "Limiter of a line that stays active.",
           Field("repeats", 0, 16, text="Deliveries without the line falling"),
           Field("hold", 16, 16, text="Pause after them, in 256 cycles"), built=False),
    _plain("PIRQ_TMO", 0x1030, "EVT-42", "Longest time in flight, 0 for any.",
           Field("cycles", 0, 32), built=False),
    _counter("TRACE_DROP", 0x1034, "GEN-08", "Trace records dropped."),
    _counter("ABORTS", 0x1038, "SEL-20", "Selections lost at commit."),
    _plain("POLICY", 0x1100, "SEL-01", "Policy of entries that name none of their own.",
           Field("default", 0, 4, kept="policy", values=POLICIES, text="Policy 15 of REQX"),
           Field("fallback", 4, 4, reset=3, kept="policy_fallback", values=POLICIES,
                 text="What STICKY falls back to")),
    _plain("LPCFG", 0x1104, "4.2", "What LOWPRI compares, and how ties end.",
           Field("metric", 0, 2, reset=1, text="Priority compared",
                 values={0: "tpr", 1: "ppr", 2: "apr"}),
           Field("focus", 2, built=False, text="Focus rule (SEL-12)"),
           Field("fixed_tie", 3,
                 text="A tie goes to the smallest number, without rotation (SEL-11)"),
           kept="lpcfg"),
    _plain("SCHEDRANK", 0x1108, "SEL-15", "Rank of the scheduling states for RUNFIRST.",
           Field("ranks", 0, 8, reset=0xD8, kept="schedrank",
                 text="2 bits a state, running [1:0] to offline [7:6]"), policy="runfirst"),
    _plain("PULL", 0x110C, "SEL-16", "Whom PULL finds to have room.",
           Field("depth", 0, 8, reset=1, kept="pull_depth", text="Load below which there is room"),
           Field("wake", 8, kept="pull_wake", text="If none runs with room, take a blocked one")),
    Register("NOW", 0x1110, _RO, "V", Keep.COMPUTED, (
        Field("cycles", 0, 32, reset=None, text="The input now"),
    ), spec="GEN-07", text="Cycle counter."),
    Register("RRPTR", 0x1140, _RW, "V", Keep.ROTATION, (
        Field("k", 0, 6, text="Lane that wins a tie; a number of N_LANE or more is ignored"),
    ), (_DOMAINS,), spec="SEL-11", text="Rotation pointer of a domain."),
    Register("SVC", 0x1180, _RW, "V", Keep.FLOP, (Field("cycles", 0, 32),), (_DOMAINS,),
             spec="SEL-17", text="Mean service time of a domain for SED.", built=False),
)

#: Registers whose values the other blocks act on.
SETTINGS = tuple(register for register in REGISTERS
                 if register.built and register.keep is Keep.FLOP and register.access is _RW)
