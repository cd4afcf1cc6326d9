"""Benches and processes: their order, who keeps the simulation running, and what they raise."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data

from .twins import Design, attempt, both

PAIR = data.StructLayout({"low": 4, "high": 4})


def design():
    """An input, a register of it, and logic on both."""
    m = Module()
    x, y, q, s = Signal(8), Signal(8), Signal(8), Signal(9)
    m.d.sync += q.eq(x)
    m.d.comb += s.eq(q + y)
    return Design(m, x=x, y=y, q=q, s=s)


def test_benches_run_in_the_order_they_were_added():
    def turn(name, next_name):
        async def bench(ctx, dut, log):
            for _ in range(5):
                log(ctx, name, await ctx.tick().sample(dut.x, dut.q), ctx.get(dut.x))
                ctx.set(dut.x, ctx.get(dut.x) * 3 + next_name)
        return bench

    log = both(design, *(turn(name, name) for name in range(4)))
    assert [entry[0] for entry in log] == [0, 1, 2, 3] * 5


def test_benches_that_share_state():
    async def producer(ctx, dut, log):
        dut.queue = []
        for step in range(10):
            await ctx.tick()
            if step % 3:
                dut.queue.append(step)

    async def consumer(ctx, dut, log):
        for _ in range(10):
            await ctx.tick()
            log(ctx, list(dut.queue))
            ctx.set(dut.x, dut.queue.pop() if dut.queue else 255)

    async def late_consumer(ctx, dut, log):
        dut.queue = [42]
        await consumer(ctx, dut, log)

    both(design, producer, consumer)
    both(design, late_consumer, producer)


def test_set_wakes_a_bench_in_the_same_step():
    async def early(ctx, dut, log):
        log(ctx, "early", await ctx.changed(dut.y))
        log(ctx, "early again", await ctx.changed(dut.s))

    async def middle(ctx, dut, log):
        await ctx.tick()
        ctx.set(dut.y, 7)
        log(ctx, "set")
        ctx.set(dut.y, 9)

    async def late(ctx, dut, log):
        log(ctx, "late", await ctx.changed(dut.y), ctx.get(dut.s))
        ctx.set(dut.x, 1)
        log(ctx, "late again", await ctx.changed(dut.s))

    both(design, early, middle, late)


def test_background_benches_do_not_keep_the_simulation_running():
    async def forever(ctx, dut, log):
        while True:
            log(ctx, "background", *await ctx.tick().sample(dut.q))

    async def short(ctx, dut, log):
        await ctx.tick().repeat(3)
        log(ctx, "done")

    both(design, short, background=[forever])


def test_only_background():
    async def forever(ctx, dut, log):
        log(ctx, "started")
        async for _ in ctx.tick():
            log(ctx, "tick")

    assert both(design, background=[forever]) == [("started",)]


def test_critical_holds_the_run():
    async def worker(ctx, dut, log):
        await ctx.tick().repeat(2)
        with ctx.critical():
            await ctx.tick().repeat(4)
            with ctx.critical():
                await ctx.tick()
            log(ctx, "worker", ctx.get(dut.q))
        while True:
            await ctx.tick()
            log(ctx, "worker no longer critical")

    async def main(ctx, dut, log):
        await ctx.tick().repeat(3)
        log(ctx, "main is done")

    both(design, main, background=[worker])


def test_process_replaces_combinational_logic():
    def make():
        m, a, b, total, seen = Module(), Signal(8), Signal(8, init=5), Signal(9), Signal(9)
        m.d.sync += seen.eq(total)
        m.d.comb += (twice := Signal(10)).eq(total << 1)
        return Design(m, a=a, b=b, total=total, seen=seen, twice=twice)

    async def adder(ctx, dut, log):
        async for a, b in ctx.changed(dut.a, dut.b):
            log(None, a, b)
            ctx.set(dut.total, a + b)

    async def bench(ctx, dut, log):
        log(ctx, ctx.get(dut.total), ctx.get(dut.twice))
        for step in range(8):
            ctx.set(dut.a, step * 31)
            log(ctx, ctx.get(dut.total), ctx.get(dut.twice))
            await ctx.tick()
            ctx.set(dut.b, step)
            log(ctx, ctx.get(dut.total), ctx.get(dut.seen))

    assert both(make, bench, processes=[adder])[0] == (5, 10)


def test_process_replaces_synchronous_logic():
    def make():
        m, a, q, q2 = Module(), Signal(PAIR), Signal(8), Signal(8)
        en = Signal()
        m.d.sync += q2.eq(q)
        return Design(m, a=a, q=q, q2=q2, en=en)

    async def flop(ctx, dut, log):
        async for clk, rst, en, a in ctx.tick().sample(dut.en, dut.a):
            log(None, clk, rst, en, a.low, a.high)
            if en:
                ctx.set(dut.q, a.low * 16 + a.high)

    async def bench(ctx, dut, log):
        for step in range(10):
            ctx.set(dut.a, {"low": step, "high": 15 - step})
            ctx.set(dut.en, step % 3 != 1)
            log(ctx, *await ctx.tick().sample(dut.q, dut.q2))
            log(ctx, ctx.get(dut.q), ctx.get(dut.q2))

    both(make, bench, processes=[flop])


def test_chain_of_processes_settles_before_set_returns():
    def stage(number):
        async def process(ctx, dut, log):
            async for value, in ctx.changed(dut.stages[number]):
                log(None, value)
                ctx.set(dut.stages[number + 1], value + 1)
        return process

    def make():
        m = Module()
        stages = [Signal(8, name=f"stage{i}") for i in range(4)]
        m.d.comb += (end := Signal(8)).eq(stages[-1] * 2)
        return Design(m, stages=stages, end=end)

    async def bench(ctx, dut, log):
        for value in (1, 10, 10, 200):
            ctx.set(dut.stages[0], value)
            log(ctx, [ctx.get(stage) for stage in dut.stages], ctx.get(dut.end))
        await ctx.delay(1e-6)

    both(make, bench, processes=[stage(2), stage(0), stage(1)], clocks={})


def test_critical_process_and_process_that_ends():
    async def process(ctx, dut, log):
        with ctx.critical():
            for _ in range(4):
                log(ctx, *await ctx.tick().sample(dut.q))
                ctx.set(dut.x, 77)
        await ctx.delay(5e-6)
        log(ctx, "never reached")

    async def bench(ctx, dut, log):
        log(ctx, "bench is done")

    both(design, bench, processes=[process])


@pytest.mark.parametrize("when", ["at once", "after a tick", "in a process", "in until"])
def test_exception_passes_through_and_reset_mends(when):
    broken = {"now": True}

    class Oops(Exception):
        pass

    async def raising(ctx, dut, log):
        if when == "after a tick":
            await ctx.tick().repeat(2)
        if when == "in until":
            await ctx.tick().until(dut.q == 9)
        if broken["now"]:
            raise Oops(f"at {ctx.elapsed_time():.3g}")

    async def bench(ctx, dut, log):
        ctx.set(dut.x, 9)
        for _ in range(4):
            log(ctx, *await ctx.tick().sample(dut.q, dut.s))

    def drive(sim, dut, log):
        broken["now"] = True
        attempt(log, None, sim.run)
        broken["now"] = False
        sim.reset()
        sim.run()

    processes = [raising] if when == "in a process" else []
    log = both(design, bench, *([] if processes else [raising]), processes=processes, drive=drive)
    assert next(entry for entry in log if entry[0] == "raised")[1].__name__ == "Oops"


def test_exception_inside_of_set_and_after_it():
    async def bench(ctx, dut, log):
        ctx.set(dut.x, 3)
        attempt(log, ctx, ctx.set, dut.s, 1)
        await ctx.tick()
        log(ctx, ctx.get(dut.q), ctx.get(dut.s))

    log = both(design, bench)
    assert log[0][1].__name__ == "DriverConflict"


def test_context_after_the_run():
    contexts = []

    async def bench(ctx, dut, log):
        contexts.append(ctx)
        await ctx.tick().repeat(3)

    def drive(sim, dut, log):
        sim.run()
        ctx = contexts.pop()
        log(ctx, ctx.get(dut.q))
        ctx.set(dut.y, 12)
        log(ctx, ctx.get(dut.s))

    both(design, bench, drive=drive)
