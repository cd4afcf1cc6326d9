"""The local APIC, by the vCPU itself or by the VMM for it."""

from vapic.regs import mask, pack

from .registers import Registers

__all__ = ["eoi", "inta", "lapic_init"]

_ON = pack("LAPIC_SVR", vector=0xFF, enable=1)
_FLAT = 0xFFFFFFFF
_VALID, _VECTOR = mask("LAPIC_INTA", "valid"), mask("LAPIC_INTA", "vector")


async def lapic_init(regs: Registers, v: int, *, base: bool = False, ldr: int | None = None,
                     flat: bool = False) -> None:
    """Switch the local APIC of vCPU v on, with spurious vector 255.

    With `base` sets the enable bit of LAPIC_BASE (reads and writes it, LAPIC-01); writes LAPIC_SVR
    (enable); then LAPIC_LDR if a logical ID is given; with `flat` LAPIC_DFR, which only a write
    brings back to the flat model.
    """
    if base:
        old = await regs.read("LAPIC_BASE", v)
        await regs.write("LAPIC_BASE", v, value=pack("LAPIC_BASE", old, enable=1))
    await regs.write("LAPIC_SVR", v, value=_ON)
    if ldr is not None:
        await regs.write("LAPIC_LDR", v, value=pack("LAPIC_LDR", id=ldr))
    if flat:
        await regs.write("LAPIC_DFR", v, value=_FLAT)


async def inta(regs: Registers, v: int) -> int | None:
    """Take the most urgent interrupt: its vector, None if there is none. Reads LAPIC_INTA."""
    taken = await regs.read("LAPIC_INTA", v)
    return taken & _VECTOR if taken & _VALID else None


async def eoi(regs: Registers, v: int) -> None:
    """End the most urgent interrupt in service. Writes LAPIC_EOI (LAPIC-17)."""
    await regs.write("LAPIC_EOI", v)
