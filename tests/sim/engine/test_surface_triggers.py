"""Waiting for changes, edges and delays, alone and together."""

import pytest
from amaranth.hdl import Cat, ClockSignal, Module, Signal, signed
from amaranth.lib import data
from amaranth.sim import BrokenTrigger

from .twins import Design, attempt_await, both

PAIR = data.StructLayout({"low": 4, "high": signed(4)})
PERIOD = 1e-6


def design():
    """Inputs, a counter, and one level of logic behind either."""
    m = Module()
    a, wide, pair = Signal(8), Signal(130), Signal(PAIR)
    count, divided, flag = Signal(8), Signal(), Signal()
    m.d.sync += [count.eq(count + 1), divided.eq(count[1])]
    m.d.comb += [flag.eq(count[1:3] == 2), (inverse := Signal(8)).eq(~a),
                 (clock := Signal()).eq(ClockSignal())]
    return Design(m, a=a, wide=wide, pair=pair, count=count, divided=divided, flag=flag,
                  inverse=inverse, clock=clock)


async def stir(ctx, dut, log):
    """Change the inputs at odd times, sometimes to the value they have."""
    for step in range(30):
        await ctx.delay(0.37e-6)
        ctx.set(dut.a, step // 2)
        if step % 5 == 0:
            ctx.set(dut.wide, step << 100)
            ctx.set(dut.pair, {"low": step % 3, "high": -step % 5})


TRIGGERS = {
    "input": lambda ctx, dut: ctx.changed(dut.a), "wide": lambda ctx, dut: ctx.changed(dut.wide),
    "struct": lambda ctx, dut: ctx.changed(dut.pair), "comb": lambda ctx, dut:
    ctx.changed(dut.inverse), "flop": lambda ctx, dut: ctx.changed(dut.count),
    "comb of flop": lambda ctx, dut: ctx.changed(dut.flag),
    "two": lambda ctx, dut: ctx.changed(dut.flag, dut.pair),
    "edge of input bit": lambda ctx, dut: ctx.posedge(dut.a[1]),
    "fall of input bit": lambda ctx, dut: ctx.negedge(dut.a[0]),
    "edge of flop": lambda ctx, dut: ctx.posedge(dut.divided),
    "edge of flop bit": lambda ctx, dut: ctx.edge(dut.count[2], 0),
    "edge of comb": lambda ctx, dut: ctx.posedge(dut.flag),
    "edges": lambda ctx, dut: ctx.posedge(dut.flag).negedge(dut.flag).posedge(dut.a[0]),
    "edge and change": lambda ctx, dut: ctx.posedge(dut.divided).changed(dut.a),
    "edge of wide bit": lambda ctx, dut: ctx.posedge(dut.wide[101]),
    "delay": lambda ctx, dut: ctx.delay(0.9e-6), "long delay or edge": lambda ctx, dut:
    ctx.delay(1.7e-6).posedge(dut.flag), "two delays": lambda ctx, dut:
    ctx.delay(0.8e-6).delay(1.1e-6), "equal delays": lambda ctx, dut:
    ctx.delay(0.6e-6).delay(0.6e-6), "delay or change": lambda ctx, dut:
    ctx.delay(0.5e-6).changed(dut.a).sample(dut.wide),
    "sampled": lambda ctx, dut: ctx.changed(dut.flag).sample(dut.a, dut.pair, Cat(dut.a, 1)),
    "clock": lambda ctx, dut: ctx.posedge(dut.clock), "clock changed": lambda ctx, dut:
    ctx.changed(dut.clock)}


@pytest.mark.parametrize("names", [list(TRIGGERS)[start::4] for start in range(4)], ids=" ".join)
@pytest.mark.parametrize("kind", ["await", "for"])
def test_triggers(names, kind):
    """All kinds of waits, several benches at a time."""
    def waiter(name):
        async def bench(ctx, dut, log):
            if kind == "await":
                for _ in range(8):
                    log(ctx, name, *await TRIGGERS[name](ctx, dut), ctx.get(dut.count))
            else:
                async for hit in TRIGGERS[name](ctx, dut):
                    log(ctx, name, *hit, ctx.get(dut.count))
        return bench

    both(design, stir, background=[waiter(name) for name in names])


def test_sample_sees_logic_before_it_follows():
    """The moment of a change is before combinational logic has taken it up."""
    async def bench(ctx, dut, log):
        async for hit in ctx.changed(dut.a).sample(dut.inverse):
            log(ctx, "input", *hit, ctx.get(dut.inverse))

    async def flop(ctx, dut, log):
        async for hit in ctx.changed(dut.count).sample(dut.flag, dut.divided):
            log(ctx, "flop", *hit, ctx.get(dut.flag), ctx.get(dut.divided))

    async def edge(ctx, dut, log):
        async for hit in ctx.posedge(dut.count[1]).sample(dut.flag, dut.count):
            log(ctx, "edge", *hit, ctx.get(dut.flag))

    both(design, stir, background=[bench, flop, edge])


@pytest.mark.parametrize("interval", [0.5e-6, 1.5e-6, 1e-6, 2.5e-6, 2e-6 + 0.5e-6])
def test_delay_that_ends_at_an_edge(interval):
    """A sample is of before the edge, what the bench gets of after it."""
    async def bench(ctx, dut, log):
        for _ in range(4):
            log(ctx, *await ctx.delay(interval).sample(dut.count, dut.flag, dut.clock),
                ctx.get(dut.count), ctx.get(dut.clock))

    async def with_edge(ctx, dut, log):
        for _ in range(4):
            await attempt_await(log, ctx, lambda: ctx.delay(interval).posedge(dut.clock).sample(
                dut.count))     # both in one step, one after the other: BrokenTrigger

    async def process(ctx, dut, log):
        async for hit in ctx.delay(interval).sample(dut.count):
            log(ctx, *hit)

    both(design, bench, with_edge, processes=[process])


def test_delay_zero():
    async def bench(ctx, dut, log):
        for step in range(5):
            await ctx.delay(0)
            ctx.set(dut.a, step)
            log(ctx, step, ctx.get(dut.inverse))
            if step == 2:
                await ctx.tick()
        await ctx.delay(0.0)
        log(ctx, ctx.get(dut.count))

    async def other(ctx, dut, log):
        for _ in range(3):
            log(ctx, *await ctx.changed(dut.a))

    both(design, bench, other)


@pytest.mark.parametrize("interval", [1e-15, 0.4e-15, 0.6e-15, 1 / 3e6, 1.1e-9, 1e-3])
def test_odd_delays(interval):
    async def bench(ctx, dut, log):
        for _ in range(3):
            await ctx.delay(interval)
            log(ctx, ctx.elapsed_time())

    both(design, bench, clocks={"sync": 0.3e-3})


def test_delay_starts_anew_when_another_trigger_hits():
    async def bench(ctx, dut, log):
        hits = 0
        async for hit in ctx.delay(0.6e-6).changed(dut.a):
            log(ctx, *hit)
            if (hits := hits + 1) == 12:
                break

    async def slow(ctx, dut, log):
        for wait in (0.5e-6, 0.3e-6, 2e-6, 0.59e-6, 0.61e-6, 0.4e-6):
            await ctx.delay(wait)
            ctx.set(dut.a, ctx.get(dut.a) + 1)

    both(design, slow, bench, clocks={})


def test_changed_tells_the_first_values_at_once_in_a_loop_only():
    async def loop(ctx, dut, log):
        async for hit in ctx.changed(dut.a).sample(dut.count):
            log(ctx, "loop", *hit)

    async def second(ctx, dut, log):
        await ctx.delay(0.1e-6)
        async for hit in ctx.changed(dut.a):
            log(ctx, "second", *hit)

    async def once(ctx, dut, log):
        log(ctx, "once", *await ctx.changed(dut.inverse))

    async def bench(ctx, dut, log):
        log(ctx, "bench")
        await ctx.delay(0.2e-6)
        ctx.set(dut.a, 1)
        await ctx.delay(0.2e-6)
        ctx.set(dut.a, 3)

    both(design, bench, once, background=[second])
    both(design, bench, background=[second], processes=[loop])


@pytest.mark.parametrize("what", ["tick", "changed", "edge", "own set", "delay"])
def test_broken_trigger(what):
    async def bench(ctx, dut, log):
        trigger = {"tick": ctx.tick, "changed": lambda: ctx.changed(dut.count),
                   "edge": lambda: ctx.posedge(dut.count[0]),
                   "own set": lambda: ctx.changed(dut.a),
                   "delay": lambda: ctx.delay(0.2e-6)}[what]
        laps = 0
        await ctx.delay(0.1e-6)
        try:
            async for hit in trigger():
                log(ctx, *hit)
                laps += 1
                if what == "own set":
                    ctx.set(dut.a, laps + 1)
                elif laps == 3:
                    await ctx.delay(2.1e-6)
        except BrokenTrigger as error:
            log(ctx, "broken", str(error))
        log(ctx, *await ctx.tick().sample(dut.count))

    async def poke(ctx, dut, log):
        await ctx.delay(1.3e-6)
        ctx.set(dut.a, 77)

    log = both(design, bench, background=[poke])
    assert ("broken", "") in log


def test_waiting_for_a_change_that_a_bench_undoes():
    async def bench(ctx, dut, log):
        log(ctx, *await ctx.changed(dut.a), ctx.get(dut.a))
        log(ctx, *await ctx.posedge(dut.a[0]).sample(dut.a), ctx.get(dut.a))

    async def flicker(ctx, dut, log):
        await ctx.delay(1e-7)
        for value in (1, 0, 0, 2, 3):
            ctx.set(dut.a, value)
            if value == 0:
                await ctx.delay(0)

    both(design, bench, flicker, clocks={})
