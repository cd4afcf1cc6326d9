"""The address map: one description that access unit, agents, tests and documents share.

Offsets are bytes from the block base (spec 1.1). `address` gives the place of one register;
`REGISTERS` is what tables and headers are made from.
"""

from dataclasses import dataclass

__all__ = ["REGISTERS", "Register", "address"]


@dataclass(frozen=True)
class Register:
    """One register, or an array of up to two dimensions of it.

    Parameters
    ----------
    name : str
        Name, with the block as prefix.
    offset : int
        Byte offset of the first one from the block base.
    access : str
        ``RW``, ``RO``, ``WO``, ``W1C`` or ``RC`` (reading clears).
    reset : int or None
        Value after reset; None where it depends on the configuration or the index.
    strides : tuple of int
        Bytes from one to the next, a dimension each.
    right : str
        ``V`` VMM only, ``S`` the master it names or the VMM, ``I`` as ``V`` or the delegate.
    text : str
        What it is, with the spec ID.
    """

    name: str
    offset: int
    access: str
    reset: int | None
    strides: tuple[int, ...]
    right: str
    text: str


_TABLE = (
    ("IOA_REGSEL", 0x0000, "RW", 0, (), "I", "I/O APIC register select (IOA-01)"),
    ("IOA_WIN", 0x0010, "RW", None, (), "I", "I/O APIC register window (IOA-01)"),
    ("IOA_EOI", 0x0040, "WO", 0, (), "I", "EOI by vector (IOA-16)"),
    ("ID", 0x1000, "RO", 0x44445631, (), "V", "Identification"),
    ("CAP0", 0x1004, "RO", None, (), "V", "Sizes: vCPUs, domains, pins"),
    ("CAP1", 0x1008, "RO", None, (), "V", "Sizes: ports, MSI table entries"),
    ("CTRL", 0x100C, "RW", 1, (), "V", "Control bits (GEN-05)"),
    ("ERRSTAT", 0x1010, "W1C", 0, (), "V", "Errors seen, bit ERR-1 (chapter 6)"),
    ("ERRINFO", 0x1014, "RO", 0, (), "V", "First error: address, domain, number"),
    ("COALESCED", 0x1018, "RO", 0, (), "V", "Occurrences merged into a pending one"),
    ("PARKED", 0x101C, "RO", 0, (), "V", "Entries into parking (SEL-22)"),
    ("IPI_UNCLAIMED", 0x1020, "RO", 0, (), "V", "IPIs nobody matched; 0 until IPIs exist"),
    ("SPURIOUS", 0x1024, "RO", 0, (), "V", "Spurious INTA (LAPIC-15)"),
    ("IOA_OWNER", 0x1028, "RW", 0, (), "V", "Domain of the delegated I/O APIC"),
    ("TRACE_DROP", 0x1034, "RO", 0, (), "V", "Trace records dropped (GEN-08)"),
    ("ABORTS", 0x1038, "RO", 0, (), "V", "Selections lost at commit (SEL-20)"),
    ("POLICY", 0x1100, "RW", 0x30, (), "V", "Default policy [3:0], fallback of STICKY [7:4]"),
    ("LPCFG", 0x1104, "RW", 1, (), "V", "Metric of LOWPRI [1:0], fixed tie [3]"),
    ("PULL", 0x110C, "RW", 1, (), "V", "Depth [7:0], wake a blocked vCPU [8] (SEL-16)"),
    ("NOW", 0x1110, "RO", None, (), "V", "Cycle counter"),
    ("RRPTR", 0x1140, "RW", 0, (4,), "V", "Rotation pointer of a domain (SEL-11)"),
    ("REQX", 0x2000, "RW", 0x70F2, (4,), "V", "Extension of an entry (SEL-01)"),
    ("REQSTAT", 0x2800, "RO", 0, (4,), "V", "State of a request (SEL-24)"),
    ("PIRQ_OWNER", 0x3000, "RW", 0x100, (4,), "V", "Owning domain [3:0], valid [8] (EVT-53)"),
    ("IRT_LOW", 0x4000, "RW", 0x10000, (8,), "V", "MSI table entry, low word"),
    ("IRT_HIGH", 0x4004, "RW", 0, (8,), "V", "MSI table entry, high word"),
    ("VCPU_CTL", 0x8000, "RW", None, (0x40,), "V", "Online, freeze, domain, lane (LAPIC-60)"),
    ("VCPU_SCHED", 0x8004, "RW", 3, (0x40,), "V", "Scheduling state (LAPIC-64)"),
    ("VCPU_UPVEC", 0x8010, "RW", 0, (0x40,), "V", "Upcall vector [7:0], valid [8] (EVT-05)"),
    ("VCPU_LOAD", 0x8014, "RO", 0, (0x40,), "V", "Work accepted and not finished (SEL-10)"),
    ("VCPU_GRANTS", 0x8028, "RO", 0, (0x40,), "V", "Grants to this vCPU"),
    ("VCPU_WAKES", 0x802C, "RO", 0, (0x40,), "V", "Pulses of wake (LAPIC-63)"),
    ("VCPU_ABORTS", 0x8030, "RO", 0, (0x40,), "V", "Selections won and lost at commit"),
    ("LAPIC_ID", 0x400020, "RW", None, (0x2000,), "S", "APIC ID [31:24]"),
    ("LAPIC_VERSION", 0x400030, "RO", 0x01050014, (0x2000,), "S", "Version"),
    ("LAPIC_TPR", 0x400080, "RW", 0, (0x2000,), "S", "Task priority"),
    ("LAPIC_APR", 0x400090, "RO", 0, (0x2000,), "S", "Arbitration priority (LAPIC-11)"),
    ("LAPIC_PPR", 0x4000A0, "RO", 0, (0x2000,), "S", "Processor priority (LAPIC-10)"),
    ("LAPIC_EOI", 0x4000B0, "WO", 0, (0x2000,), "S", "End of interrupt (LAPIC-17)"),
    ("LAPIC_LDR", 0x4000D0, "RW", 0, (0x2000,), "S", "Logical destination"),
    ("LAPIC_DFR", 0x4000E0, "RW", 0xFFFFFFFF, (0x2000,), "S", "Destination format"),
    ("LAPIC_SVR", 0x4000F0, "RW", 0xFF, (0x2000,), "S", "Spurious vector, enable [8]"),
    ("LAPIC_ISR", 0x400100, "RO", 0, (0x2000, 16), "S", "In service, 8 words"),
    ("LAPIC_TMR", 0x400180, "RO", 0, (0x2000, 16), "S", "Trigger mode, 8 words"),
    ("LAPIC_IRR", 0x400200, "RO", 0, (0x2000, 16), "S", "Requested, 8 words"),
    ("LAPIC_ESR", 0x400280, "RW", 0, (0x2000,), "S", "Error status, a write latches (LAPIC-55)"),
    ("LAPIC_CR8", 0x400FA0, "RW", 0, (0x2000,), "S", "TPR[7:4] as [3:0] (LAPIC-22)"),
    ("LAPIC_INTA", 0x400FC0, "RC", 0, (0x2000,), "S", "Acknowledge: valid [31], vector [7:0]"),
    ("LAPIC_BASE", 0x401FF0, "RW", None, (0x2000,), "S", "APIC_BASE: enable [11] (LAPIC-01)"),
    ("EVT_UPCALL", 0x100000, "RW", 0x100, (0x4000, 0x40), "S",
     "vcpu_info: upcall_pending byte 0, upcall_mask byte 1 (EVT-01)"),
    ("EVT_SEL", 0x100004, "RO", 0, (0x4000, 0x40), "S", "vcpu_info: pending_sel"),
    ("EVT_SEL_RC", 0x100008, "RC", 0, (0x4000, 0x40), "S", "pending_sel, read and clear"),
    ("EVT_UPCALL_ACK", 0x10000C, "WO", 0, (0x4000, 0x40), "S", "Clear upcall_pending"),
    ("EVT_PENDING", 0x101000, "RO", 0, (0x4000, 4), "S", "Pending word"),
    ("EVT_MASK", 0x101080, "RW", 0, (0x4000, 4), "S", "Mask word"),
    ("EVT_PENDING_W1C", 0x101100, "WO", 0, (0x4000, 4), "S", "Clear pending bits"),
    ("EVT_MASK_W1S", 0x101180, "WO", 0, (0x4000, 4), "S", "Set mask bits"),
    ("EVT_MASK_W1C", 0x101200, "WO", 0, (0x4000, 4), "S", "Clear mask bits"),
    ("EVT_PENDING_W1S", 0x101280, "WO", 0, (0x4000, 4), "V", "Set pending bits (restore)"),
    ("EVT_ARG", 0x101300, "RW", 0, (0x4000, 4), "S", "Arguments 0..2 of a command"),
    ("EVT_CMD", 0x10130C, "WO", 0, (0x4000,), "S", "Command (EVT-20)"),
    ("EVT_RESULT", 0x101310, "RO", 0, (0x4000,), "S", "0 or a negative errno"),
    ("EVT_OUT", 0x101314, "RO", 0, (0x4000, 4), "S", "Results 0..1 of a command"),
    ("EVT_BUSY", 0x10131C, "RO", 0, (0x4000,), "S", "A command runs"),
    ("EVT_SEND", 0x101320, "WO", 0, (0x4000,), "S", "Send on a port"),
    ("EVT_UNMASK", 0x101324, "WO", 0, (0x4000,), "S", "Unmask a port, re-raise (EVT-11)"),
    ("EVT_PIRQ_EOI", 0x101328, "WO", 0, (0x4000,), "S", "End of a physical interrupt (EVT-40)"),
    ("EVT_FASTRES", 0x10132C, "RO", 0, (0x4000,), "S", "Result of the last fast operation"),
    ("EVT_CLAIM", 0x101330, "WO", 0, (0x4000,), "S", "Take one pending bit (EVT-14)"),
)

#: All registers of this feature set, by name.
REGISTERS: dict[str, Register] = {row[0]: Register(*row) for row in _TABLE}


def address(name: str, *index: int) -> int:
    """Byte offset of a register; `index` has one number a dimension, all of them needed.

    Raises
    ------
    KeyError
        If there is no such register.
    ValueError
        If the number of indices is not the register's.
    """
    register = REGISTERS[name]
    if len(index) != len(register.strides):
        raise ValueError(f"{name} takes {len(register.strides)} indices, not {len(index)}")
    return register.offset + sum(i * s for i, s in zip(index, register.strides, strict=True))
