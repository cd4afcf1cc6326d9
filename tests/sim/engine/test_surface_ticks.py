"""Waiting for a clock: tick, sample, until, repeat, and resets during the wait."""

from itertools import count

import pytest
from amaranth.hdl import Array, ClockDomain, Const, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.sim import BrokenTrigger, DomainReset

from .twins import Design, attempt_await, both

PAIR = data.StructLayout({"low": 4, "high": signed(4)})


def design(**options):
    """A counter with what can be awaited of it: wide, signed, combinational, in a memory."""
    def make():
        m = Module()
        m.domains.sync = domain = ClockDomain(**options)
        en, number, pair = Signal(init=1), Signal(8), Signal(PAIR)
        wide, low = Signal(200), Signal(signed(9))
        top, minus = Signal(), Signal(signed(70))
        m.submodules.memory = memory = Memory(shape=8, depth=4, init=[9, 9, 9, 9])
        write = memory.write_port()
        m.d.sync += [wide.eq(Mux(number == 11, 1 << 180, 0)),
                     low.eq(number.as_signed() - 6), pair.eq(number)]
        with m.If(en):
            m.d.sync += number.eq(number + 1)
        m.d.comb += [top.eq(number[4]), minus.eq(0 - (number == 13)), write.addr.eq(number),
                     write.data.eq(number), write.en.eq(1)]
        return Design(m, domain=domain, en=en, count=number, pair=pair, wide=wide,
                      low=low, top=top, minus=minus, memory=memory, loose=Signal(80))
    return make


def test_sample_sees_the_values_before_the_edge():
    async def bench(ctx, dut, log):
        for _ in range(5):
            log(ctx, await ctx.tick().sample(dut.count, dut.top, dut.count + 1, dut.pair),
                ctx.get(dut.count))
            ctx.set(dut.loose, ctx.get(dut.count) << 70)
            log(ctx, await ctx.tick().sample(dut.loose, dut.memory.data[1]).sample(dut.domain.clk))
        log(ctx, await ctx.tick().sample(), await ctx.tick(), await ctx.tick().sample(3))

    log = both(design(), bench)
    assert log[0][0][:3] == (True, False, 0) and log[0][1] == 1


CONDITIONS = {
    "bit": lambda dut: dut.top, "wide": lambda dut: dut.wide, "signed": lambda dut: dut.low < -3,
    "signed itself": lambda dut: dut.low, "comparison": lambda dut: dut.count == 20,
    "comb": lambda dut: dut.minus, "difference": lambda dut: dut.count - 5,
    "negative difference": lambda dut: Const(0) - (dut.count == 9), "slice": lambda dut:
    dut.count[2:4], "inverted": lambda dut: ~dut.low, "memory": lambda dut:
    dut.memory.data[2] == 14, "part": lambda dut: dut.wide.bit_select(dut.count * 15, 16),
    "array": lambda dut: Array([dut.minus, dut.top, 0, dut.en])[dut.pair.low],
    "field": lambda dut: dut.pair.high, "negative field": lambda dut: dut.pair.high == -8,
    "constant": lambda dut: Const(1), "integer": lambda dut: -1, "loose": lambda dut: dut.loose,
    "loose and not": lambda dut: dut.loose[79] & dut.top, "and": lambda dut: dut.low & dut.top,
    "shift": lambda dut: dut.count >> dut.pair.low[:3], "product": lambda dut:
    dut.low * dut.minus == -6, "modulo": lambda dut: dut.low % 5 == 4, "mux": lambda dut:
    Mux(dut.top, dut.count == 18, dut.minus)}


@pytest.mark.parametrize("names", [list(CONDITIONS)[start::6] for start in range(6)], ids=" ".join)
def test_until(names):
    """Benches wait for several conditions at once, each more than one time."""
    def waiter(name):
        async def bench(ctx, dut, log):
            condition = CONDITIONS[name](dut)
            for _ in range(3):
                log(ctx, name, await ctx.tick().sample(dut.count, dut.low).until(condition),
                    ctx.get(dut.count))
        return bench

    async def helper(ctx, dut, log):
        async for _, _, number in ctx.tick().sample(dut.count):
            ctx.set(dut.loose, (number % 7 == 3) << 79)

    log = both(design(), *(waiter(name) for name in names), background=[helper])
    assert len(log) == 3 * len(names)


def test_until_sees_what_is_set_between_the_edges():
    async def waiter(ctx, dut, log):
        for _ in range(3):
            log(ctx, await ctx.tick().sample(dut.count, dut.loose).until(dut.loose == 5))

    async def other(ctx, dut, log):
        for step in count():
            await ctx.delay(0.3e-6)
            ctx.set(dut.loose, 5 if step % 4 == 2 else step << 65)

    both(design(), waiter, background=[other])


def test_until_in_two_domains():
    def make():
        m, a, b = Module(), Signal(8), Signal(8)
        m.domains += ClockDomain("fast"), ClockDomain("slow", clk_edge="neg")
        m.d.fast += a.eq(a + 1)
        m.d.slow += b.eq(a)
        return Design(m, a=a, b=b)

    async def fast(ctx, dut, log):
        log(ctx, "fast", await ctx.tick("fast").sample(dut.a, dut.b).until(dut.b > 20))
        log(ctx, "slow", await ctx.tick("slow").sample(dut.a, dut.b).until(dut.a[5]))

    async def slow(ctx, dut, log):
        log(ctx, "slow", await ctx.tick("slow").sample(dut.a, dut.b).until(dut.b > 10))
        log(ctx, "slow", await ctx.tick("slow").sample(dut.a, dut.b).repeat(2))

    both(make, fast, slow, clocks={"fast": 2e-6, "slow": {"period": 6e-6, "phase": 1e-6}})


def test_repeat():
    async def bench(ctx, dut, log):
        for times in (1, 2, 5, 300):
            log(ctx, times, await ctx.tick().sample(dut.count, dut.pair).repeat(times))
        log(ctx, await ctx.tick().repeat(True))
        for times in (0, -1, 1.5, "2"):
            await attempt_await(log, ctx, lambda times=times: ctx.tick().repeat(times))

    log = both(design(), bench)
    assert log[-4][1:] == (ValueError, "Repeat count must be a positive integer, not 0")


@pytest.mark.parametrize("options", [{}, {"async_reset": True}, {"reset_less": True},
                                     {"clk_edge": "neg", "async_reset": True}], ids=str)
@pytest.mark.parametrize("when", [0.7e-6, 2e-6, 3.5e-6, 4.0e-6])
def test_reset_during_a_wait(options, when):
    def waiter(name, trigger):
        async def bench(ctx, dut, log):
            for _ in range(3):
                try:
                    log(ctx, name, await trigger(ctx, dut))
                except (DomainReset, BrokenTrigger) as error:
                    log(ctx, name, type(error), str(error), ctx.get(dut.count), ctx.get(dut.low))
        return bench

    async def resetter(ctx, dut, log):
        await ctx.delay(when)
        if dut.domain.rst is not None:
            ctx.set(dut.domain.rst, 1)
            log(ctx, "reset", ctx.get(dut.count))
            await ctx.delay(2.2e-6)
            ctx.set(dut.domain.rst, 0)
            log(ctx, "released", ctx.get(dut.count))

    both(design(**options), resetter,
         waiter("until", lambda ctx, dut: ctx.tick().sample(dut.count).until(dut.count == 4)),
         waiter("repeat", lambda ctx, dut: ctx.tick().sample(dut.count).repeat(5)),
         waiter("one", lambda ctx, dut: ctx.tick().sample(dut.count)))


def test_every_tick_tells_whether_reset_is_active():
    async def bench(ctx, dut, log):
        for step in range(9):
            log(ctx, await ctx.tick().sample(dut.count))
            ctx.set(dut.domain.rst, step in (2, 3, 6))

    async def loop(ctx, dut, log):
        try:
            async for hit in ctx.tick().sample(dut.count):
                log(ctx, "loop", hit)
        except BrokenTrigger:       # edges of clock and reset in one step
            log(ctx, "broken")

    for options in ({}, {"async_reset": True}):
        both(design(**options), bench, background=[loop])


@pytest.mark.parametrize("kind", ["await", "for", "until", "repeat"])
def test_condition_holds_at_once_and_is_asked_only_at_edges(kind):
    async def bench(ctx, dut, log):
        ctx.set(dut.loose, 1)
        ctx.set(dut.loose, 0)
        for _ in range(3):
            if kind == "await":
                log(ctx, await ctx.tick().sample(dut.loose))
            elif kind == "for":
                async for hit in ctx.tick().sample(dut.loose):
                    log(ctx, hit)
                    break
            elif kind == "until":
                log(ctx, await ctx.tick().until(dut.loose == 0))
            else:
                log(ctx, await ctx.tick().sample(dut.loose).repeat(1))
            await ctx.delay(0.1e-6)
            ctx.set(dut.loose, 1)
            await ctx.delay(0.1e-6)
            ctx.set(dut.loose, 0)

    both(design(), bench)


def test_waits_in_a_process():
    async def process(ctx, dut, log):
        log(None, await ctx.tick().sample(dut.count).until(dut.count == 6))
        ctx.set(dut.loose, 1)
        log(None, await ctx.tick().sample(dut.count, dut.loose).repeat(3))
        ctx.set(dut.en, 0)

    async def bench(ctx, dut, log):
        for _ in range(15):
            log(ctx, await ctx.tick().sample(dut.count, dut.loose, dut.en), ctx.get(dut.loose))

    both(design(), bench, processes=[process])


def test_trigger_objects_are_used_again():
    async def bench(ctx, dut, log):
        tick = ctx.tick().sample(dut.count)
        more = tick.sample(dut.top)
        for _ in range(2):
            log(ctx, await tick, await more, await tick.until(dut.count[1]), await more.repeat(2))

    both(design(), bench)


def test_many_benches_wait_at_once():
    def waiter(number):
        async def bench(ctx, dut, log):
            for _ in range(4):
                log(ctx, number, await ctx.tick().sample(dut.count).until(
                    dut.count[:4] == number * 5 % 16))
        return bench

    both(design(), *(waiter(number) for number in range(30)))
