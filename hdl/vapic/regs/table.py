"""The registers of all groups together, by name."""

from . import events, globals, ioapic, lapic, vcpu
from .field import Register

__all__ = ["GROUPS", "INDIRECT", "REGISTERS"]

#: Registers by group, in the order of the address map; a group's title names it in documents.
GROUPS: dict[str, tuple[Register, ...]] = {
    "I/O APIC page": ioapic.REGISTERS[:3],
    "I/O APIC, behind IOREGSEL and IOWIN": ioapic.INDIRECT,
    "Global": globals.REGISTERS,
    "Interrupt sources": ioapic.REGISTERS[3:],
    "vCPU": vcpu.REGISTERS,
    "Event window": events.REGISTERS,
    "Virtual local APIC": lapic.REGISTERS,
}

#: All registers on the bus, by name.
REGISTERS: dict[str, Register] = {
    register.name: register for group in GROUPS.values() for register in group
    if not register.indirect}

#: Those behind IOREGSEL and IOWIN, by name.
INDIRECT: dict[str, Register] = {register.name: register for register in ioapic.INDIRECT}
