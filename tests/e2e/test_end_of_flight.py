"""A register write that ends what is in flight, while other interrupts never rest.

The golden model is told of the write and of every grant in the order of their commits, and judges
what is read of the entry after it.
"""

import pytest

from vapic import Config
from vapic.regs import pack
from vapic_sim.verify.rig import MASKED, Rig

CONFIG = Config(rtes=4, irts=0, vcpus=4, lanes=4, domains=2, ports=32, vectors=128)
LEVEL, EDGES, VECTOR = 0, (1, 2, 3), 0x61
#: Bits of REQSTAT: RIRR, and something is in flight.
RIRR, INFL = 1 << 1, 1 << 2
#: Cycles of the write at most, grants to all lanes and the end of as many flights among them.
WRITE = 80


class Flood:
    """A rig whose edges come all the time while it is on."""

    def __init__(self):
        self.rig, self.on = Rig(CONFIG), False
        self.rig.sim.add_testbench(self._drive, background=True)

    async def _drive(self, ctx):
        cycle = 0
        while True:
            await ctx.tick()
            cycle += 1
            for n in EDGES:
                if (cycle + n) % 4 == 0:
                    self.rig.line(n, int(self.on and (cycle + n) % 8 == 0))


@pytest.fixture(scope="module")
def flood(simulation_engine):
    return Flood()


@pytest.mark.parametrize("write", ["eoi", "edge"])
def test_it_is_answered_in_time_and_nothing_is_in_flight(flood, write):
    took = []

    async def scenario(rig):
        await rig.setup()
        for n in (LEVEL, *EDGES):
            await rig.write("REQX", n, value=pack("REQX", path=1, allow=7))
            for k in range(CONFIG.lanes):
                await rig.bind(n, k)
            if n != LEVEL:
                await rig.rte(n, vector=VECTOR + n, dest=0xFF)
        flood.on = True
        for delay in range(30):
            await rig.rte(LEVEL, vector=VECTOR, level=1, dest=0xFF)
            rig.line(LEVEL, 1)
            while not await rig.read("REQSTAT", LEVEL) & INFL:
                assert rig.cycle < 10_000
            rig.line(LEVEL, 0)
            await rig.ticks(delay)
            start = rig.cycle
            if write == "eoi":
                await rig.write("IOA_EOI", value=VECTOR)
            else:
                await rig.write("IOA_WIN", value=VECTOR | MASKED)
            took.append(rig.cycle - start)
            assert not await rig.read("REQSTAT", LEVEL) & (RIRR | INFL)
        flood.on = False
        assert len(rig.traces) > 5 * len(took)      # of the edges, most of them

    flood.rig.run(scenario)
    assert max(took) <= WRITE
