"""What went wrong once."""

import pytest
from amaranth.hdl import ClockDomain, Const, Module, Mux, Signal, signed

from vapic_sim.engine import Simulator, Unsupported

from .twins import Design, both


def test_offset_beyond_what_64_bits_count():
    def make():
        m, a, o = Module(), Signal(32), Signal(64)
        m.d.comb += (out := Signal(8)).eq(a.word_select(o, 8))
        return Design(m, a=a, o=o, out=out)

    async def bench(ctx, dut, log):
        ctx.set(dut.a, 0x89ABCDEF)
        for offset in (0, 1, 3, 4, 1 << 60, 1 << 61, 1 << 63, (1 << 64) - 1):
            ctx.set(dut.o, offset)
            log(ctx, ctx.get(dut.out))

    both(make, bench, clocks={})


def test_equal_constants_of_other_sign():
    def make():
        return Design(Module(), a=Signal(4))

    async def bench(ctx, dut, log):
        log(ctx, ctx.get(dut.a | ~Const(3, signed(4))))
        log(ctx, ctx.get(dut.a | ~Const(3, 4)))
        log(ctx, ctx.get(Mux(dut.a, 1, Const(-1, 3))))

    both(make, bench, clocks={})


def test_clock_of_a_domain_without_registers_set_by_hand():
    def make():
        m = Module()
        m.domains.x = domain = ClockDomain(reset_less=True)
        return Design(m, domain=domain)

    async def clock(ctx, dut, log):
        for step in range(6):
            ctx.set(dut.domain.clk, step & 1)
            await ctx.delay(1e-6)

    async def waiter(ctx, dut, log):
        await ctx.delay(0.5e-6)
        for _ in range(3):
            await ctx.tick("x")
            log(ctx, "tick")

    both(make, clock, waiter, clocks={})


def test_a_process_that_raises_leaves_nothing_set():
    def make():
        m, a, fail = Module(), Signal(8), Signal(init=1)
        return Design(m, a=a, fail=fail)

    async def process(ctx, dut, log):
        ctx.set(dut.a[:4], 15)
        if not dut.failed:
            dut.failed = True
            raise KeyError("once")
        ctx.set(dut.a, 0x10)

    async def bench(ctx, dut, log):
        await ctx.delay(1e-6)
        log(ctx, ctx.get(dut.a))

    def drive(sim, dut, log):
        dut.failed = False
        with pytest.raises(KeyError):
            sim.run()
        sim.reset()
        sim.run()

    both(make, bench, processes=[process], drive=drive, clocks={})


def test_clock_driven_by_logic_without_registers():
    m = Module()
    m.domains.x = domain = ClockDomain(reset_less=True)
    m.d.comb += domain.clk.eq(Signal())
    sim = Simulator(m, engine="compiled")

    async def bench(ctx):
        await ctx.tick("x")

    sim.add_testbench(bench)
    with pytest.raises(Unsupported, match="the clock of domain 'x' is driven by logic"):
        sim.run()


def test_values_too_wide_for_the_netlist():
    m = Module()
    m.d.comb += Signal(70_000).eq(1)
    with pytest.raises(Unsupported, match="70000 bits wide"):
        Simulator(m, engine="compiled")


def test_time_has_an_end():
    m = Module()
    m.d.sync += Signal().eq(1)
    sim = Simulator(m, engine="compiled")
    sim.add_clock(1e-3)

    async def bench(ctx):
        ctx.skip_time(9000.0)
        await ctx.delay(500.0)

    sim.add_testbench(bench)
    with pytest.raises(OverflowError, match="simulated time ends at 9223 s"):
        sim.run()
