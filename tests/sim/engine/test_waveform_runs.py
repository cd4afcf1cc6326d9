"""When waveforms are written: between clock edges, after a failure, more than once, too late."""

import io

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib.memory import MemoryData

from .twins import ENGINES, Design, build
from .waves import history, record


def between():
    m = Module()
    a = Signal(8)
    b = Signal(8)
    m.d.comb += (both := Signal(9)).eq(a + b)
    m.d.sync += (kept := Signal(9)).eq(both)
    return Design(m, a=a, b=b, both=both, kept=kept)


async def some_ticks(ctx, dut, log):
    await ctx.tick().repeat(40)


def test_set_between_edges(tmp_path):
    """What a bench sets is seen when it sets it, not at the next edge."""
    async def bench(ctx, dut, log):
        ctx.set(dut.a, 1)
        for i in range(8):
            await ctx.delay(1.7e-7)
            ctx.set(dut.a, i + 5)
            ctx.set(dut.b, i)
            ctx.set(dut.b, i + 1)
            await ctx.tick()
            ctx.set(dut.a, 0)

    async def process(ctx, dut, log):
        async for value in ctx.changed(dut.a):
            ctx.set(dut.b, value[0] ^ 0x55)

    seen = record(tmp_path, between, bench)
    assert (170_000_000, 5) in seen["bench.top.a"][2]
    record(tmp_path, between, bench, processes=[process])


def test_skipped_time(tmp_path):
    """What is set before time is skipped is seen before, and clocks go on after."""
    async def bench(ctx, dut, log):
        await ctx.tick().repeat(2)
        ctx.set(dut.a, 9)
        ctx.skip_time(5e-5)
        ctx.set(dut.b, 7)
        await ctx.tick().repeat(3)

    seen = record(tmp_path, between, bench)
    assert seen["bench.top.both"][2] == [(0, 0), (1_500_000_000, 9), (51_500_000_000, 16)]


def test_until_a_time(tmp_path):
    record(tmp_path, between, background=[stirring],
           run=lambda sim: [sim.run_until(t) for t in (2.5e-6, 2.6e-6, 9e-6)])
    record(tmp_path, between, background=[stirring],
           run=lambda sim: [sim.advance() for _ in range(31)])


async def stirring(ctx, dut, log):
    async for _ in ctx.tick():
        ctx.set(dut.a, ctx.get(dut.both) + 3)


def test_bench_fails(tmp_path):
    """The file has all up to the exception, which passes through."""
    async def bench(ctx, dut, log):
        await ctx.tick().repeat(3)
        ctx.set(dut.a, 77)
        raise ArithmeticError("on purpose")

    def run(sim):
        with pytest.raises(ArithmeticError, match="on purpose"):
            sim.run()

    seen = record(tmp_path, between, bench, run=run)
    assert seen["bench.top.a"][2][-1][1] == 77
    for engine in ENGINES:
        sim, *_ = build(engine, between, bench)
        file = (tmp_path / "again.vcd").open("w")
        with pytest.raises(ArithmeticError), sim.write_vcd(file):
            sim.run()
        assert "bench.top.both" in history(tmp_path / "again.vcd")[0]
        file.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_refused(engine, tmp_path):
    """Too late, and what can't be traced: nothing is left open."""
    sim, *_ = build(engine, between, some_ticks)
    with pytest.raises(TypeError, match="is not a traceable object"), \
            sim.write_vcd(io.StringIO(), traces=[object()]):
        pass
    with pytest.raises(TypeError, match="Cannot trace signal with private name"), \
            sim.write_vcd(io.StringIO(), traces=[Signal(name="")]):
        pass
    sim.run()
    file = (tmp_path / "late.vcd").open("w")
    with pytest.raises(ValueError, match="Cannot start writing waveforms after advancing"), \
            sim.write_vcd(file):
        pass
    assert file.closed
    sim.reset()
    with sim.write_vcd(str(tmp_path / "again.vcd")):
        sim.run()
    assert len(history(tmp_path / "again.vcd")[0]["bench.top.clk"][2]) > 70


def test_memory_outside(tmp_path):
    """A memory that no port reads or writes; a bench does."""
    rows = MemoryData(shape=8, depth=2, init=[4, 5])

    async def bench(ctx, dut, log):
        for i in range(3):
            await ctx.tick()
            ctx.set(rows[1], i)

    assert len(record(tmp_path, between, bench, traces=lambda dut: [rows])) > 4
