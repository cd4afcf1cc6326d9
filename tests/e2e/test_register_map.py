"""Every register of the address map through the whole controller, right after reset."""

from vapic.config import Config
from vapic.controller import Controller
from vapic.regmap import REGISTERS, address
from vapic_sim.harness import simulate
from vapic_sim.machine.bus import BusMaster

CONFIG = Config(rtes=4, irts=4, vcpus=4, lanes=4, domains=2, ports=64)
#: Last index of each dimension, by the beginning of a name.
LAST = {"RRPTR": (1,), "REQ": (7,), "PIRQ_OWNER": (7,), "IRT": (3,), "VCPU": (3,),
        "LAPIC": (3, 7), "EVT_UPCALL": (1, 3), "EVT_SEL": (1, 3), "EVT_PENDING": (1, 1),
        "EVT_MASK": (1, 1), "EVT_ARG": (1, 2), "EVT_OUT": (1, 1), "EVT": (1,)}


def places(name):
    """First and last of a register or array of registers."""
    depth = len(REGISTERS[name].strides)
    last = next((last for start, last in LAST.items() if name.startswith(start)), ())
    return {address(name, *[0] * depth), address(name, *last[:depth])}


def test_reset_values_and_existence():
    """The VMM reads each without an error in at most 64 cycles (GEN-01), with its reset value."""
    dut, wrong = Controller(CONFIG), []

    async def bench(ctx):
        await ctx.tick().until(dut.ready)
        vmm = BusMaster(dut.bus, limit=64)
        for name, register in REGISTERS.items():
            for place in sorted(places(name)):
                value = await vmm.read(ctx, place)
                if register.access == "WO":
                    continue
                # An acknowledge with nothing requested answers the spurious vector (LAPIC-15).
                reset = 0xFF if name == "LAPIC_INTA" else register.reset
                if reset is not None and value != reset:
                    wrong.append(f"{name} at {place:#x}: {value:#x}, not {reset:#x}")
        assert await vmm.read(ctx, address("ERRSTAT")) == 0
        assert await vmm.read(ctx, address("SPURIOUS")) == 2

    simulate(dut, bench)
    assert not wrong
