"""What the VMM does before interrupts come: vCPUs, owners, entries."""

from vapic.regs import pack, regsel

from .registers import Registers

__all__ = ["entry_init", "entry_write", "indirect_read", "indirect_write", "vmm_init"]


async def vmm_init(regs: Registers, v: int, *, dom: int, k: int, sched: int | None = None) -> None:
    """Bring vCPU v online as lane k of a domain, with its number as APIC ID; tell its state.

    Writes VCPU_CTL (LAPIC-60), then VCPU_SCHED if a state is given (LAPIC-64).
    """
    await regs.write("VCPU_CTL", v, value=pack("VCPU_CTL", online=1, dom=dom, apicid=v & 0xFF, k=k))
    if sched is not None:
        await regs.write("VCPU_SCHED", v, value=sched)


async def entry_init(regs: Registers, n: int, *, dom: int, policy: int, learn: int = 0) -> None:
    """Give interrupt n to a domain, by its event channels, one occurrence in flight at a time.

    Writes PIRQ_OWNER (EVT-53), then REQX (SEL-01): all scheduling states are allowed. With `learn`
    STICKY keeps to the vCPU of last time while that is no more loaded than another.
    """
    await regs.write("PIRQ_OWNER", n, value=pack("PIRQ_OWNER", dom=dom, valid=1))
    await regs.write("REQX", n, value=pack("REQX", path=1, ser=1, policy=policy, allow=7,
                                              learn=learn))


async def entry_write(regs: Registers, n: int, *, rtes: int, high: int, low: int) -> None:
    """Write the entry of interrupt n, its destination first, so that it never has the old one.

    For a pin, n < `rtes`, RTE_HIGH and RTE_LOW by IOA_REGSEL and IOA_WIN (IOA-02); else IRT_HIGH
    and IRT_LOW of entry n - `rtes`.
    """
    if n < rtes:
        await indirect_write(regs, regsel("RTE_HIGH", n), high)
        await indirect_write(regs, regsel("RTE_LOW", n), low)
    else:
        await regs.write("IRT_HIGH", n - rtes, value=high)
        await regs.write("IRT_LOW", n - rtes, value=low)


async def indirect_write(regs: Registers, index: int, value: int) -> None:
    """Write a register of the I/O APIC: IOA_REGSEL, then IOA_WIN (IOA-01)."""
    await regs.write("IOA_REGSEL", value=index)
    await regs.write("IOA_WIN", value=value)


async def indirect_read(regs: Registers, index: int) -> int:
    """Read a register of the I/O APIC: writes IOA_REGSEL, reads IOA_WIN (IOA-01)."""
    await regs.write("IOA_REGSEL", value=index)
    return await regs.read("IOA_WIN")
