"""Wrong use: the same exceptions with the same texts."""

import pytest
from amaranth.hdl import Array, Cat, ClockDomain, ClockSignal, Module, Mux, Signal
from amaranth.lib import data, enum
from amaranth.lib.memory import Memory
from amaranth.sim import DomainReset

from .twins import Design, attempt, attempt_await, both

PAIR = data.StructLayout({"low": 4, "high": 4})


class Mode(enum.Enum, shape=2):
    IDLE = 0


def design():
    m = Module()
    a, pair, mode, q = Signal(8), Signal(PAIR), Signal(Mode), Signal(8)
    m.submodules.inner = inner = Design(Module())
    m.submodules.memory = memory = Memory(shape=8, depth=4, init=[])
    memory.write_port()
    m.domains.gated = ClockDomain()
    m.d.comb += ClockSignal("gated").eq(ClockSignal() & a[0])
    m.d.sync += q.eq(a)
    m.d.comb += (mix := Signal(8))[:4].eq(q)
    return Design(m, a=a, pair=pair, mode=mode, q=q, inner=inner, memory=memory, mix=mix)


async def idle(ctx):
    await ctx.tick()


def generator(ctx):
    yield


async def generator_by_mistake(ctx):
    yield


def test_adding():
    def setup(sim, dut):
        dut.told = told = []

        def log(ctx, *values):
            told.append(values)

        attempt(log, None, sim.add_clock, 1e-6, domain="nothing")
        attempt(log, None, sim.add_clock, 1e-6, domain="nothing", if_exists=True)
        attempt(log, None, sim.add_clock, 1e-6, domain="gated")
        attempt(log, None, sim.add_clock, 1e-6)
        attempt(log, None, sim.add_clock, 1e-6)
        attempt(log, None, sim.add_clock, 1e-6, if_exists=True)
        attempt(log, None, sim.add_clock, 1e-6, domain=ClockDomain("gated"))
        attempt(log, None, sim.add_clock, "fast", domain=ClockDomain("other"))
        for add in (sim.add_testbench, sim.add_process):
            for wrong in (generator_by_mistake, generator(None), lambda ctx: None, 3, None):
                attempt(log, None, add, wrong)
        coroutine = idle(None)
        attempt(log, None, sim.add_testbench, coroutine)
        coroutine.close()

    def drive(sim, dut, log):
        sim.run()
        attempt(log, None, sim.add_clock, 1e-6, domain=ClockDomain("late"))
        attempt(log, None, sim.add_testbench, idle)
        attempt(log, None, sim.add_process, idle)
        attempt(log, None, sim.add_testbench, 3)
        for values in dut.told:
            log(None, *values)

    both(design, clocks={}, setup=setup, drive=drive)


def test_waiting_in_the_wrong_way():
    async def bench(ctx, dut, log):
        for function, *arguments in [
                (ctx.tick, "comb"), (ctx.tick, "nothing"), (ctx.tick, 3), (ctx.delay, -1),
                (ctx.delay, "long"), (ctx.changed, dut.a[1]), (ctx.changed, dut.a + 1),
                (ctx.changed, dut.memory.data[1]), (ctx.changed, 3), (ctx.posedge, dut.a),
                (ctx.posedge, dut.a + 1), (ctx.negedge, dut.a[:2]), (ctx.negedge, dut.mode),
                (ctx.posedge, Cat(dut.a)[2]), (ctx.edge, dut.a[0], 2), (ctx.edge, dut.a[0], None),
                (ctx.posedge, dut.memory.data[1][0]), (ctx.tick().sample, "text")]:
            try:
                log(ctx, type(function(*arguments)).__name__)
            except Exception as error:
                log(ctx, type(error), str(error))
        attempt(log, ctx, ctx.tick, ClockDomain("x"), context=dut.inner)
        attempt(log, ctx, ctx.tick, context=Design(None))
        attempt(log, ctx, ctx.tick, "nothing", context=dut.inner)
        for condition in (dut.pair, dut.mode, "text", None, 1.5, idle):
            await attempt_await(log, ctx, lambda c=condition: ctx.tick().until(c))
        for wrong in (lambda: ctx.tick().sample("text"), lambda: ctx.tick().repeat("text"),
                      lambda: ctx.delay(1e-9).sample(None)):
            try:
                log(ctx, await wrong())
            except Exception as error:
                log(ctx, type(error), str(error))

    both(design, bench)


def test_get_and_set_of_what_has_no_value():
    async def bench(ctx, dut, log):
        for value in (ClockSignal(), "text", None, 1.5, idle):
            attempt(log, ctx, ctx.get, value)
        for target in (ClockSignal(), "text", None, 3, dut.a + dut.q, dut.a.any(), -dut.a,
                       Mux(dut.a[0], dut.a, dut.a + 1), Array([1, dut.a])[dut.a]):
            attempt(log, ctx, ctx.set, target, 0)
        for target in (dut.mix, dut.mix[6], dut.mix[:2], Array([dut.mix, dut.a])[dut.a]):
            attempt(log, ctx, ctx.set, target, 1)
        attempt(log, ctx, ctx.set, dut.pair, 5)
        attempt(log, ctx, ctx.set, dut.mode, 1)
        log(ctx, ctx.get(dut.a), ctx.get(dut.mix), ctx.get(dut.pair))

    both(design, bench)


def test_processes_cannot_get():
    async def process(ctx, dut, log):
        attempt(log, None, ctx.get, dut.a)
        attempt(log, None, ctx.set, dut.mix, 3)

    async def bench(ctx, dut, log):
        await ctx.tick()

    log = both(design, bench, processes=[process])
    assert log[0][1] is TypeError


def test_awaiting_something_else():
    """Which exception it is, is Amaranth's accident; that there is one, is not."""
    class Stranger:
        def __await__(self):
            yield "sleep"

    async def bench(ctx, dut, log):
        await Stranger()

    def drive(sim, dut, log):
        with pytest.raises((AssertionError, AttributeError, TypeError)):
            sim.run()
        log(None, "raised")

    both(design, bench, drive=drive)


def test_until_after_a_reset_goes_on():
    async def bench(ctx, dut, log):
        for _ in range(2):
            try:
                await ctx.tick().until(dut.q == 3)
            except DomainReset as error:
                log(ctx, type(error), error.args)

    def make():
        dut = design()
        dut.module.domains.sync = dut.domain = ClockDomain()
        return dut

    async def helper(ctx, dut, log):
        ctx.set(dut.domain.rst, 1)
        await ctx.tick()
        ctx.set(dut.domain.rst, 0)
        ctx.set(dut.a, 3)

    both(make, bench, background=[helper])


def test_clock_domain_of_the_same_name_warns():
    def setup(sim, dut):
        sim.add_clock(1e-6, domain=ClockDomain("sync"))

    async def bench(ctx, dut, log):
        await ctx.tick()
        log(ctx, ctx.get(dut.q))

    log = both(design, bench, setup=setup)
    assert "distinct from an identically named domain" in log[-1][2]
