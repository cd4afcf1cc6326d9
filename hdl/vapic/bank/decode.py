"""Address decoder of the bank: which register an access means."""

from amaranth import Cat, Const, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..regs import lapic, vcpu

__all__ = ["TARGETS", "AccessDecoder", "access_layout"]

_NAMED = {register: register.name.partition("_")[2]
          for register in (*vcpu.REGISTERS, *lapic.REGISTERS) if register.built}

#: One flag each in a decoded access; none is set for a register that reads 0 and ignores writes.
#: BASE is APIC_BASE, RESERVED records ESR.ILLREGA (LAPIC-04), FAULT and UNMAPPED answer bus
#: error, the second one logged (ERR-02).
TARGETS = (*sorted(_NAMED.values()), "RESERVED", "FAULT", "UNMAPPED")


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
        lapic_page, msr = addr[22], addr[12]
        number = (addr[13:22] & lapic_page.replicate(9)) | (addr[6:15] & (~lapic_page).replicate(9))
        present = number < self.config.vcpus if self.config.vcpus < 512 else 1
        row, aligned = addr[4:12], addr[2:4] == 0
        page = lapic_page & present & aligned

        def at(register):
            if len(register.dims) > 1:      # eight words of a bitmap
                return row[3:] == (register.offset & 0xFFF) >> 7
            return row == (register.offset & 0xFFF) >> 4

        # What the pages of a vLAPIC have; in the second one only what is valid in all modes.
        named, named_msr = [], []
        for register in lapic.REGISTERS:
            hit, second = at(register), bool(register.offset & lapic.MSR_PAGE)
            both = any(place & lapic.MSR_PAGE for place in register.also)
            if second or both:
                named_msr.append(hit)
            if not second:
                named.append(hit)
            if register.built:
                here = Const(1) if both else msr if second else ~msr
                m.d.comb += target[_NAMED[register]].eq(page & hit & here)

        known = []
        for register in vcpu.REGISTERS:
            hit = addr[2:6] == (register.offset & 0x3F) >> 2
            known.append(hit)
            if register.built:
                m.d.comb += target[_NAMED[register]].eq(~lapic_page & present & hit)

        m.d.comb += [
            target.RESERVED.eq(page & ~msr & ~Cat(named).any()),
            target.FAULT.eq(lapic_page & present & msr & ~(aligned & Cat(named_msr).any())),
            target.UNMAPPED.eq(~present | ~lapic_page & ~Cat(known).any()),
            access.v.eq(number),
            access.word.eq(row[:3]),
            access.lapic.eq(lapic_page), access.msr.eq(msr),
            access.always.eq(~lapic_page | ~present | target.CR8 | target.BASE),
            access.we.eq(request.we), access.whole.eq(request.sel == 0xF),
            access.data.eq(request.data),
        ]
        return m
