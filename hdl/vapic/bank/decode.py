"""Address decoder of the bank: which register an access means."""

from amaranth import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..regs import REGISTERS

__all__ = ["TARGETS", "AccessDecoder", "access_layout"]

_VCPU = ("ABORTS", "CTL", "GRANTS", "LOAD", "RQPOS", "SCHED", "UPVEC", "WAKES")
_LAPIC = ("APR", "CR8", "DFR", "EOI", "ESR", "ID", "INTA", "LDR", "PPR", "SVR", "TPR", "VERSION")
_BITMAPS = ("IRR", "ISR", "TMR")

#: One flag each in a decoded access; none is set for a register that reads 0 and ignores writes.
#: BASE is APIC_BASE, RESERVED records ESR.ILLREGA (LAPIC-04), FAULT and UNMAPPED answer bus
#: error, the second one logged (ERR-02).
TARGETS = (*_VCPU, *_LAPIC, *_BITMAPS, "BASE", "RESERVED", "FAULT", "UNMAPPED")

#: Offsets of VCPU[v] that the specification names and this controller does not build.
_VCPU_UNBUILT = (0x08, 0x18, 0x1C, 0x20, 0x24)
#: The same of the xAPIC page: ICR, LVTs, timer, NMI handshake.
#: 0xFD0 and 0xFE0 exist for raw access alone and are no reserved offsets (LAPIC-22).
_LAPIC_UNBUILT = (0x300, 0x310, *range(0x320, 0x3A0, 16), 0x3E0, 0xFB0, 0xFD0, 0xFE0)


def access_layout(config) -> data.StructLayout:
    """A decoded access."""
    return data.StructLayout({
        "target": data.StructLayout({name: 1 for name in TARGETS}),
        "v": config.vcpu_bits,
        "word": 3,      # of a bitmap
        "lapic": 1,     # a vLAPIC page
        "msr": 1,       # its second page
        "always": 1,    # not subject to APIC_BASE.EN
        "we": 1, "whole": 1, "data": 32,
    })


class AccessDecoder(wiring.Component):
    """Decode one access to VCPU[v] or a vLAPIC page; combinational (1.1, LAPIC-02, 04, 22).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    request : ``In(Layouts.bus_request)``
        The access.
    access : ``Out(access_layout)``
        Its meaning, as far as it does not depend on the vCPU's state. At most one target flag.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "request": In(Layouts(config).bus_request),
            "access": Out(access_layout(config)),
        })

    def elaborate(self, platform):
        m = Module()
        request, access, target = self.request, self.access, self.access.target
        addr = request.addr
        lapic, msr = addr[22], addr[12]
        number = (addr[13:22] & lapic.replicate(9)) | (addr[6:15] & (~lapic).replicate(9))
        present = number < self.config.vcpus if self.config.vcpus < 512 else 1
        row, aligned = addr[4:12], addr[2:4] == 0
        page = lapic & present & aligned

        def at(offset):
            return row == offset >> 4

        both = {"INTA", "CR8"}
        named = []
        for name in _LAPIC:
            hit = at(REGISTERS[f"LAPIC_{name}"].offset & 0xFFF)
            named.append(hit)
            m.d.comb += target[name].eq(page & hit & (1 if name in both else ~msr))
        for name in _BITMAPS:
            hit = row[3:] == (REGISTERS[f"LAPIC_{name}"].offset & 0xFFF) >> 7
            named.append(hit)
            m.d.comb += target[name].eq(page & hit & ~msr)
        named += [at(offset) for offset in _LAPIC_UNBUILT]

        named_msr = aligned & (at(0xFA0) | at(0xFC0) | at(0xFF0))

        slot = addr[2:6]
        known = [slot == offset >> 2 for offset in _VCPU_UNBUILT]
        for name in _VCPU:
            hit = slot == (REGISTERS[f"VCPU_{name}"].offset & 0x3F) >> 2
            known.append(hit)
            m.d.comb += target[name].eq(~lapic & present & hit)

        m.d.comb += [
            target.BASE.eq(page & msr & at(0xFF0)),
            target.RESERVED.eq(page & ~msr & ~Cat(named).any()),
            target.FAULT.eq(lapic & present & msr & ~named_msr),
            target.UNMAPPED.eq(~present | ~lapic & ~Cat(known).any()),
            access.v.eq(number),
            access.word.eq(row[:3]),
            access.lapic.eq(lapic), access.msr.eq(msr),
            access.always.eq(~lapic | ~present | target.CR8 | target.BASE),
            access.we.eq(request.we), access.whole.eq(request.sel == 0xF),
            access.data.eq(request.data),
        ]
        return m
