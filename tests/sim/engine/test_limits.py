"""More of everything than the tables of the runtime hold at first."""

import pytest
from amaranth.hdl import ClockDomain, Module, Signal

from vapic_sim.engine import Simulator, Unsupported


def counter():
    m, count = Module(), Signal(32)
    m.domains.sync = domain = ClockDomain()
    m.d.sync += count.eq(count + 1)
    sim = Simulator(m, engine="compiled")
    sim.add_clock(1e-6)
    return sim, count, domain


def test_many_benches():
    sim, count, _ = counter()
    seen = []

    async def bench(ctx):
        for _ in range(2):
            await ctx.tick()
        seen.append(ctx.get(count))

    for _ in range(5000):
        sim.add_testbench(bench)
    sim.run()
    assert seen == [2] * 5000


def test_many_edges():
    """Each wait for an edge is another one."""
    sim, count, domain = counter()

    async def bench(ctx):
        for cycle in range(6000):
            assert (await ctx.posedge(domain.clk).sample(count)) == (True, cycle)

    sim.add_testbench(bench)
    sim.run()


def test_large_samples():
    """Ten testbenches that sample ten thousand words each."""
    sim, count, _ = counter()
    wide = [Signal(64 * 100, name=f"wide{i}", init=i << 6000) for i in range(100)]

    async def bench(ctx):
        for _ in range(2):
            _, _, *values, now = await ctx.tick().sample(*wide, count)
        assert values == [i << 6000 for i in range(100)] and now == 1

    for _ in range(10):
        sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("clocks", [64, 65])
def test_many_clocks(clocks):
    """Of the design, and of others."""
    m, counts = Module(), []
    for i in range(clocks):
        m.domains += ClockDomain(f"d{i}", reset_less=True)
        counts.append(count := Signal(8, name=f"count{i}"))
        m.d[f"d{i}"] += count.eq(count + 1)
    if clocks > 64:
        with pytest.raises(Unsupported, match=r"at most 64 clock edges .* the design has 65; use"):
            Simulator(m, engine="compiled")
        return
    sim = Simulator(m, engine="compiled")
    for i in range(clocks):
        sim.add_clock(1e-6, domain=f"d{i}")
    with pytest.raises(Unsupported, match="at most 64 clocks; use"):
        sim.add_clock(1e-6, domain=ClockDomain("another"))

    async def bench(ctx):
        await ctx.tick("d63").repeat(5)
        assert [ctx.get(count) for count in counts] == [5] * clocks

    sim.add_testbench(bench)
    sim.run()
