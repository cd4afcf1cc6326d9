"""Lengths of accesses: ``python -m docs.budget`` measures them for docs/cycles.md.

One access after the other, nothing else under way: from the cycle in which the bus asks to the
one of the acknowledge.
"""

from pathlib import Path

from vapic import Config
from vapic.layouts import Mode
from vapic.policy import Policy
from vapic.regs import Command, pack
from vapic_sim.verify.rig import Rig

from .figures import fill

__all__ = ["PAGE", "measure", "table"]

PAGE = Path(__file__).resolve().parent / "cycles.md"
_CONFIG = Config(rtes=8, irts=8, vcpus=4, lanes=4, domains=2, ports=64)
_ENTRY = pack("REQX", path=1, policy=Policy.PULL, allow=0b111)
_MESSAGE = 0xFEE00010


async def _prepare(rig: Rig) -> None:
    await rig.setup(2)
    await rig.write("REQX", 3, value=_ENTRY)
    await rig.bind(3, 0)
    await rig.write("EVT_UPCALL", 0, 0, value=0)
    await rig.rte(3, vector=0x61, mode=Mode.LOWEST.value, dest=0xFF)


async def measure_in(rig: Rig) -> dict[str, tuple[str, int]]:
    """Lengths by what is done, with the block that answers."""
    found: dict[str, tuple[str, int]] = {}

    async def take(what: str, block: str, name: str | int, *index: int, value: int | None = None,
                   v: int | None = None) -> None:
        await rig.settle()
        before = rig.cycle
        if isinstance(name, int):
            await rig.vmm.write(rig.ctx, name, value or 0)
        elif value is None:
            await rig.read(name, *index, v=v)
        else:
            await rig.write(name, *index, value=value, v=v)
        found[what] = block, rig.cycle - before

    await _prepare(rig)
    await take("global register", "access", "NOW")
    await take("I/O APIC page, REQX, REQSTAT, PIRQ_OWNER, IRT, read", "ioapic", "REQX", 3)
    await take("the same, write", "ioapic", "REQX", 4, value=_ENTRY)
    await take("message (MSI)", "msi", _MESSAGE, value=0)
    await take("vLAPIC register, read", "bank", "LAPIC_TPR", 1, v=1)
    await take("vLAPIC register, write", "bank", "LAPIC_TPR", 1, value=0, v=1)
    await take("INTA", "bank", "LAPIC_INTA", 1, v=1)
    await take("VCPU register (SCHED), write", "bank", "VCPU_SCHED", 1, value=0)
    await take("VCPU_CTL, write", "evtchn, bank", "VCPU_CTL", 3,
               value=pack("VCPU_CTL", online=1, apicid=3, k=3))
    await take("pending word, read", "evtchn", "EVT_PENDING", 0, 0, v=1)
    await take("mask word, write that changes one bit", "evtchn", "EVT_MASK", 0, 0, value=1, v=1)
    await take("ARG, write", "evtchn", "EVT_ARG", 0, 0, value=4)
    await take("RESULT, read", "evtchn", "EVT_RESULT", 0)
    await rig.write("EVT_ARG", 0, 1, value=1)
    await take("command bind_pirq_vcpu", "evtchn", "EVT_CMD", 0,
               value=Command.BIND_PIRQ_VCPU)
    assert await rig.read("EVT_RESULT", 0) == 0
    result, port, _ = await rig.command(0, Command.BIND_IPI, 0)
    assert result == 0
    for what, name, value in (
            ("SEND to a port of the domain itself", "EVT_SEND", port),
            ("UNMASK", "EVT_UNMASK", port), ("CLAIM", "EVT_CLAIM", port),
            ("PIRQ_EOI", "EVT_PIRQ_EOI", 3)):
        await take(what, "evtchn", name, 0, value=value, v=0)
        assert await rig.read("EVT_FASTRES", 0, v=0) < 2
    return found


def measure() -> dict[str, tuple[str, int]]:
    """Lengths, measured on a small controller."""
    rig, found = Rig(_CONFIG), {}

    async def scenario(rig: Rig) -> None:
        found.update(await measure_in(rig))

    rig.run(scenario)
    return found


def table(found: dict[str, tuple[str, int]]) -> str:
    """As a Markdown table."""
    lines = ["| access | block | cycles |", "|---|---|---|"]
    lines += [f"| {what} | {block} | {cycles} |" for what, (block, cycles) in found.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table."""
    PAGE.write_text(fill(PAGE.read_text(), "accesses", table(measure())))


if __name__ == "__main__":
    main()
