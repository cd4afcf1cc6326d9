"""Every register of the address map through the whole controller, right after reset."""

from vapic.config import Config
from vapic.controller import Controller
from vapic.regs import REGISTERS, address
from vapic_sim.harness import simulate
from vapic_sim.machine.bus import BusMaster

CONFIG = Config(rtes=4, irts=4, vcpus=4, lanes=4, domains=2, ports=64)


def places(register):
    """Index of the first and last of a register or array of registers."""
    counts = register.counts(CONFIG)
    return sorted({(0,) * len(counts), tuple(count - 1 for count in counts)})


def test_reset_values_and_existence():
    """The VMM reads each without an error in at most 64 cycles (GEN-01), with its reset value."""
    dut, wrong = Controller(CONFIG), []

    async def bench(ctx):
        await ctx.tick().until(dut.ready)
        vmm = BusMaster(dut.bus, limit=64)
        for name, register in REGISTERS.items():
            for index in places(register):
                place = address(name, *index)
                value = await vmm.read(ctx, place)
                if not register.access.readable:
                    continue
                reset = register.reset_of(CONFIG, *index)
                if reset is not None and value != reset:
                    wrong.append(f"{name} at {place:#x}: {value:#x}, not {reset:#x}")
        assert await vmm.read(ctx, address("ERRSTAT")) == 0
        assert await vmm.read(ctx, address("SPURIOUS")) == 2

    simulate(dut, bench)
    assert not wrong
