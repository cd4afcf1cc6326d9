"""Running: run, run_until, advance, reset and running again."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data
from amaranth.lib.memory import Memory

from .twins import Design, attempt, both

ROW = data.StructLayout({"a": 5, "b": 9})


def design():
    """A counter, and a memory that it fills from its upper end."""
    m = Module()
    count, limit = Signal(8, init=2), Signal(8, init=0xFF)
    m.submodules.memory = memory = Memory(shape=ROW, depth=6, init=[{"a": 1, "b": 300}, {"a": 2}])
    write, read = memory.write_port(), memory.read_port()
    m.d.sync += count.eq(count + 1)
    m.d.comb += [write.addr.eq(count[:3]), write.data.a.eq(count), write.data.b.eq(~count),
                 write.en.eq(count < limit), read.addr.eq(count[1:4]), read.en.eq(1)]
    return Design(m, count=count, limit=limit, memory=memory, read=read)


async def follow(ctx, dut, log):
    """Tell everything of every cycle."""
    async for hit in ctx.tick().sample(dut.count, dut.read.data):
        log(ctx, hit, [ctx.get(dut.memory.data[row]) for row in range(6)])


async def twelve(ctx, dut, log):
    ctx.set(dut.limit, 6)
    await ctx.tick().repeat(12)
    log(ctx, ctx.get(dut.count), ctx.get(dut.memory.data[3].b))


def keep(sim, dut):
    """A bench that only keeps its context, for the time outside of benches."""
    async def keeper(ctx):
        dut.ctx = ctx
    sim.add_testbench(keeper)


@pytest.mark.parametrize("deadlines", [
    [0.5e-6], [0.49e-6], [0.51e-6], [1e-6, 1e-6, 1.5e-6], [0, 0.5e-6], [0.1e-6, 0.2e-6, 7.3e-6],
    [20e-6],
])
def test_run_until(deadlines):
    def drive(sim, dut, log):
        for deadline in deadlines:
            attempt(log, None, sim.run_until, deadline)
            if hasattr(dut, "ctx"):
                log(dut.ctx, "then", dut.ctx.get(dut.count))

    both(design, background=[follow], setup=keep, drive=drive)


def test_run_until_the_past():
    def drive(sim, dut, log):
        sim.run_until(5e-6)
        log(dut.ctx)
        attempt(log, dut.ctx, sim.run_until, 1e-6)

    both(design, background=[follow], setup=keep, drive=drive)


def test_run_until_goes_on_without_critical_benches():
    def drive(sim, dut, log):
        sim.run()
        log(dut.ctx, "run", dut.ctx.get(dut.count))
        sim.run_until(30e-6)
        log(dut.ctx, "until", dut.ctx.get(dut.count))
        sim.run()
        log(dut.ctx, "run", dut.ctx.get(dut.count))

    both(design, twelve, setup=keep, drive=drive)


def test_advance():
    def drive(sim, dut, log):
        for _ in range(40):
            critical = sim.advance()
            log(dut.ctx, critical, dut.ctx.get(dut.count), dut.ctx.get(dut.read.data))

    log = both(design, twelve, background=[follow], setup=keep, drive=drive)
    assert {entry[0] for entry in log if isinstance(entry[0], bool)} == {True, False}


def test_advance_then_run():
    def drive(sim, dut, log):
        for _ in range(5):
            log(None, sim.advance())
        sim.run()
        log(dut.ctx, sim.advance(), sim.advance())

    both(design, twelve, background=[follow], setup=keep, drive=drive)


@pytest.mark.parametrize("first", ["run", "run_until", "advance", "nothing"])
def test_reset_and_the_same_log_again(first):
    """Signals, memories, clocks, the time and the benches start anew."""
    async def poke(ctx, dut, log):
        await ctx.tick().repeat(3)
        ctx.set(dut.memory.data[5], {"a": 3, "b": 99})
        ctx.set(dut.count, 40)

    def drive(sim, dut, log):
        if first == "run":
            sim.run()
        elif first == "run_until":
            sim.run_until(6.2e-6)
        elif first == "advance":
            for _ in range(9):
                sim.advance()
        for _ in range(2):
            log.entries.clear()
            sim.reset()
            sim.run()
            log(dut.ctx, "end")
            dut.kept = [*getattr(dut, "kept", []), list(log.entries)]
        assert repr(dut.kept[0]) == repr(dut.kept[1])

    both(design, twelve, poke, background=[follow], setup=keep, drive=drive)


def test_reset_restores_what_benches_set():
    free = Signal(7, init=9)

    async def bench(ctx, dut, log):
        log(ctx, ctx.get(free), ctx.get(dut.limit), ctx.get(dut.memory.data[4]))
        ctx.set(free, 100)
        ctx.set(dut.limit, 1)
        ctx.set(dut.memory.data[4], {"a": 7, "b": 7})
        await ctx.tick()
        log(ctx, ctx.get(free), ctx.get(dut.limit), ctx.get(dut.memory.data[4]))

    def drive(sim, dut, log):
        for _ in range(3):
            sim.run()
            sim.reset()
        sim.run()

    log = both(design, bench, drive=drive)
    assert repr(log[0]) == repr(log[2]) == repr(log[4])


def test_additions_after_reset():
    async def late(ctx):
        await ctx.tick().repeat(2)

    def drive(sim, dut, log):
        sim.run()
        attempt(log, None, sim.add_testbench, late)
        sim.reset()
        sim.add_testbench(late)
        sim.run()
        log(dut.ctx, dut.ctx.get(dut.count))

    log = both(design, setup=keep, drive=drive)
    assert log[0][1] is RuntimeError


def test_two_simulators_of_one_design_at_once():
    """They have nothing in common but the signals' names."""
    def drive(sim, dut, log):
        other = type(sim)(dut, engine=sim.engine)
        other.add_clock(1e-6)

        async def bench(ctx):
            await ctx.tick().repeat(3)
            log(ctx, "other", ctx.get(dut.count), ctx.get(dut.memory.data[2]))

        other.add_testbench(bench)
        for _ in range(4):
            sim.advance()
            other.advance()
        sim.run()
        other.run()

    both(design, twelve, drive=drive)


def test_design_without_clocks_and_benches_only_with_delays():
    def make():
        m, a = Module(), Signal(4)
        m.d.comb += (b := Signal(4)).eq(~a)
        return Design(m, a=a, b=b)

    async def bench(ctx, dut, log):
        for value in range(5):
            ctx.set(dut.a, value)
            log(ctx, ctx.get(dut.b))
            await ctx.delay(value * 1e-7)

    both(make, bench, clocks={})


def test_empty_design():
    async def bench(ctx, dut, log):
        await ctx.delay(1)
        log(ctx, "a second")

    both(lambda: Design(Module()), bench, clocks={})


def test_long_run():
    async def bench(ctx, dut, log):
        for _ in range(3):
            log(ctx, *await ctx.tick().sample(dut.count).repeat(7_001))

    both(design, bench)
