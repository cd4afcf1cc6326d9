"""The register map as a CMSIS-SVD file."""

from importlib.metadata import version
from itertools import product
from xml.etree import ElementTree as Xml

from ..config import Config
from ..regs import INDIRECT, Access, Field, Register, events, globals, ioapic, lapic, vcpu

__all__ = ["INDIRECT_OFFSET", "to_svd"]

#: Where the cluster of the indirect registers stands in its peripheral, four bytes a number.
INDIRECT_OFFSET = 0x400

_ACCESS = {Access.RW: "read-write", Access.RO: "read-only", Access.WO: "write-only",
           Access.W1C: "read-write", Access.RC: "read-only"}


def to_svd(config: Config) -> str:
    """The file for a configuration.

    Each block is a peripheral; what there is of a vCPU or domain is a cluster array. Reset values
    that are not the same for all elements of an array are left out of its reset mask.
    """
    device = Xml.Element("device", schemaVersion="1.3")
    _text(device, name="vapic", version=version("vapic"),
          description="Interrupt hardware for virtual machines", addressUnitBits=8, width=32,
          size=32, access="read-write", resetValue="0x0", resetMask="0xFFFFFFFF")
    peripherals = Xml.SubElement(device, "peripherals")
    page = _peripheral(peripherals, "IOAPIC", 0, 0x1000, "I/O APIC page")
    for register in ioapic.REGISTERS[:3]:
        _register(page, register, 0, config)
    cluster = Xml.SubElement(page, "cluster")
    _text(cluster, name="INDIRECT",
          description="Not on the bus: a quarter of the offset in this cluster is the number to "
          "write to IOA_REGSEL, the register is then behind IOA_WIN.",
          addressOffset=f"{INDIRECT_OFFSET:#x}")
    for register in INDIRECT.values():
        _register(cluster, register, 0, config, scale=4)
    for name, base, size, registers, text in (
            ("GLOBAL", 0x1000, 0x1000, globals.REGISTERS, "Global registers"),
            ("SOURCES", 0x2000, 0x6000, ioapic.REGISTERS[3:], "Interrupt sources")):
        parent = _peripheral(peripherals, name, base, size, text)
        for register in registers:
            if all(register.counts(config)):
                _register(parent, register, base, config)
    for name, base, size, registers, text in (
            ("VCPU", 0x8000, 0x8000, vcpu.REGISTERS, "vCPUs"),
            ("EVT", 0x100000, 0x40000, events.REGISTERS, "Event windows"),
            ("LAPIC", 0x400000, 0x400000, lapic.REGISTERS, "Virtual local APICs")):
        parent = _peripheral(peripherals, name, base, size, text)
        dim = registers[0].dims[0]
        cluster = Xml.SubElement(parent, "cluster")
        _text(cluster, dim=dim.count(config), dimIncrement=f"{dim.stride:#x}",
              name=f"{name}[%s]", description=f"One for each {dim.name}", addressOffset="0x0")
        for register in registers:
            _register(cluster, register, base, config, outer=1)
    Xml.indent(device)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(device, "unicode") + "\n"


def _text(parent: Xml.Element, **children: object) -> None:
    for name, value in children.items():
        Xml.SubElement(parent, name).text = str(value)


def _peripheral(parent: Xml.Element, name: str, base: int, size: int, text: str) -> Xml.Element:
    peripheral = Xml.SubElement(parent, "peripheral")
    _text(peripheral, name=name, description=text, baseAddress=f"{base:#x}")
    block = Xml.SubElement(peripheral, "addressBlock")
    _text(block, offset="0x0", size=f"{size:#x}", usage="registers")
    return Xml.SubElement(peripheral, "registers")


def _register(parent: Xml.Element, register: Register, base: int, config: Config, *,
              outer: int = 0, scale: int = 1) -> None:
    """Add a register; its first `outer` dimensions are those of the cluster."""
    own, built = register.dims[outer:], register.exists(config)
    access = register.access if built else Access.RO
    for offset in (register.offset, *register.also):
        name = register.name.partition("_")[2] if outer else register.name
        name += "_MSR" if offset != register.offset else ""
        element = Xml.SubElement(parent, "register")
        if own:
            _text(element, dim=own[0].count(config), dimIncrement=f"{own[0].stride * scale:#x}")
        value, known = _reset(register, config)
        text = register.text if built else f"{register.text} Not built: reads 0."
        _text(element, name=f"{name}[%s]" if own else name, description=text,
              addressOffset=f"{(offset - base) * scale:#x}", access=_ACCESS[access],
              resetValue=f"{value:#010x}", resetMask=f"{known:#010x}")
        _effects(element, access)
        fields = Xml.SubElement(element, "fields")
        for part in register.fields:
            _field(fields, register, part, config)


def _field(parent: Xml.Element, register: Register, part: Field, config: Config) -> None:
    built = register.exists(config) and part.built
    element = Xml.SubElement(parent, "field")
    _text(element, name=part.name, description=part.text or part.name, bitOffset=part.low,
          bitWidth=part.bits,
          access=_ACCESS[register.access_of(part) if built else Access.RO])
    if part.values:
        values = Xml.SubElement(element, "enumeratedValues")
        for value, name in part.values.items():
            _text(Xml.SubElement(values, "enumeratedValue"), name=name, value=value)


def _effects(element: Xml.Element, access: Access) -> None:
    if access is Access.W1C:
        _text(element, modifiedWriteValues="oneToClear")
    elif access is Access.RC:
        _text(element, readAction="modify")


def _reset(register: Register, config: Config) -> tuple[int, int]:
    """Reset value, and the mask of bits for which it holds at every index."""
    if not register.exists(config):
        return 0, 0xFFFFFFFF
    value, known = 0, 0xFFFFFFFF
    for part in register.fields:
        found = {part.reset_of(config, *index)
                 for index in product(*map(range, register.counts(config)))}
        reset = found.pop()
        if found or reset is None:
            known &= ~part.mask
        else:
            value |= reset << part.low
    return value, known
