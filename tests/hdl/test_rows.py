"""RowMemory: what each way to read shows beside a write, and the sweep after reset."""

import pytest
from amaranth import Module
from amaranth.lib import data

from vapic.rows import Read, RowMemory, Sweep
from vapic_sim.engine import Simulator


def simulate(memory, bench, sweep=None):
    m = Module()
    m.submodules.memory = memory
    if sweep is not None:
        m.submodules.sweep = sweep
        connect_sweep(m, sweep, memory)
    sim = Simulator(m)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


def connect_sweep(m, sweep, *memories):
    for memory in memories:
        m.d.comb += [memory.sweep.busy.eq(sweep.busy), memory.sweep.row.eq(sweep.row)]


def write(ctx, memory, addr, value, en=1):
    ctx.set(memory.write.addr, addr)
    ctx.set(memory.write.data, value)
    ctx.set(memory.write.en, en)


def test_each_read_beside_a_write():
    memory = RowMemory(8, 4, reads={"now": Read.NOW, "before": Read.BEFORE})
    seen = {}

    async def bench(ctx):
        write(ctx, memory, 2, 0x11)
        await ctx.tick()
        for name in ("now", "before"):
            ctx.set(getattr(memory, name).addr, 2)
        write(ctx, memory, 2, 0x22)
        seen["now"] = ctx.get(memory.now.data)
        await ctx.tick()
        seen["before"] = ctx.get(memory.before.data)
        write(ctx, memory, 2, 0x33, en=0)
        seen["now later"] = ctx.get(memory.now.data)
        await ctx.tick()
        seen["before later"] = ctx.get(memory.before.data)
        seen["not written"] = ctx.get(memory.now.data)

    simulate(memory, bench)
    assert seen == {"now": 0x11, "before": 0x11, "now later": 0x22, "before later": 0x22,
                    "not written": 0x22}


def test_held_keeps_its_row_and_apart_follows():
    memory = RowMemory(8, 4, reads={"held": Read.HELD, "apart": Read.APART})
    seen = []

    async def bench(ctx):
        for row in range(4):
            write(ctx, memory, row, 0x40 + row)
            await ctx.tick()
        write(ctx, memory, 0, 0, en=0)
        for addr, hold in ((1, 0), (3, 1), (3, 0)):
            ctx.set(memory.held.addr, addr)
            ctx.set(memory.apart.addr, addr)
            ctx.set(memory.held.hold, hold)
            await ctx.tick()
            seen.append((ctx.get(memory.held.data), ctx.get(memory.apart.data)))

    simulate(memory, bench)
    assert seen == [(0x41, 0x41), (0x41, 0x43), (0x43, 0x43)]


@pytest.mark.parametrize("quiet", [False, True])
def test_sweep_writes_every_row_and_no_more(quiet):
    shape = data.StructLayout({"low": 4, "high": 4})
    memory = RowMemory(shape, 3, reads={"read": Read.NOW}, sweep=True, quiet=quiet)
    sweep = Sweep(5)
    found = {}

    async def bench(ctx):
        ctx.set(memory.reset.high, 0xA)
        if not quiet:
            write(ctx, memory, 1, {"low": 7, "high": 7})    # ignored until the sweep is over
        cycles = 0
        while ctx.get(sweep.busy):
            await ctx.tick()
            cycles += 1
        found["cycles"] = cycles
        ctx.set(memory.write.en, 0)
        found["rows"] = []
        for row in range(3):
            ctx.set(memory.read.addr, row)
            found["rows"].append(ctx.get(memory.read.data.as_value()))
        write(ctx, memory, 2, {"low": 5, "high": 0})
        await ctx.tick()
        found["written"] = ctx.get(memory.read.data.as_value())

    simulate(memory, bench, sweep)
    assert found == {"cycles": 5, "rows": [0xA0] * 3, "written": 5}


def test_parts_of_a_row():
    memory = RowMemory(data.ArrayLayout(8, 2), 2, reads={"read": Read.NOW}, granularity=1)
    found = []

    async def bench(ctx):
        write(ctx, memory, 1, [0x12, 0x34], en=0b11)
        await ctx.tick()
        write(ctx, memory, 1, [0x56, 0x78], en=0b10)
        await ctx.tick()
        ctx.set(memory.read.addr, 1)
        found.extend(ctx.get(memory.read.data[i]) for i in range(2))

    simulate(memory, bench)
    assert found == [0x12, 0x78]
