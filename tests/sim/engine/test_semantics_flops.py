"""Flip-flops: initial and reset values, partial drivers, and what a bench sets of them."""

import pytest
from amaranth.hdl import ClockDomain, Module, Mux, ResetSignal, Signal, signed
from amaranth.lib import data

from .twins import Design, both

WIDTHS = (1, 5, 8, 32, 63, 64, 65, 127, 128, 129, 200)


def state(**options):
    """Flip-flops of many widths with initial values, half of them without reset."""
    def make():
        m, flops = Module(), []
        m.domains.sync = domain = ClockDomain(**options)
        en, data_in = Signal(), Signal(256)
        for width in WIDTHS:
            for reset_less in (False, True):
                init = 0x5A3C << width // 2 & (1 << width) - 1
                q = Signal(width, init=init, reset_less=reset_less,
                           name=f"q{width}_{reset_less:d}")
                s = Signal(signed(width), init=-1, reset_less=reset_less,
                           name=f"s{width}_{reset_less:d}")
                with m.If(en):
                    m.d.sync += [q.eq(q + data_in), s.eq(s - data_in)]
                flops += [q, s]
        return Design(m, domain=domain, en=en, data=data_in, flops=flops)
    return make


KINDS = {"synchronous": {}, "asynchronous": {"async_reset": True}, "none": {"reset_less": True},
         "falling": {"clk_edge": "neg"}, "falling asynchronous": {"clk_edge": "neg",
                                                                  "async_reset": True}}


@pytest.mark.parametrize("kind", KINDS)
def test_initial_and_reset_values(kind):
    async def bench(ctx, dut, log):
        def told():
            log(ctx, *(ctx.get(q) for q in dut.flops))

        told()
        for step in range(12):
            # An asynchronous reset rises while flip-flops without reset hold their values.
            ctx.set(dut.en, 0)
            if dut.domain.rst is not None:
                ctx.set(dut.domain.rst, step in (3, 4, 8))
            told()
            ctx.set(dut.data, 0x1234567 << step * 17)
            ctx.set(dut.en, step % 4 != 2)
            await ctx.tick()
            told()

    both(state(**KINDS[kind]), bench)


def test_flops_without_reset_when_asynchronous_reset_rises():
    """In Amaranth's simulator the rise is an active edge for them."""
    def make():
        m = Module()
        m.domains.sync = domain = ClockDomain(async_reset=True)
        q, free = Signal(4, init=3), Signal(4, init=5, reset_less=True)
        m.d.sync += [q.eq(q + 1), free.eq(free + 1)]
        return Design(m, domain=domain, q=q, free=free)

    async def bench(ctx, dut, log):
        for step in range(8):
            await ctx.delay(0.4e-6)
            ctx.set(dut.domain.rst, step % 3 == 1)
            log(ctx, ctx.get(dut.q), ctx.get(dut.free))

    both(make, bench)


def partial():
    """Signals whose bits come from several domains, modules and kinds of logic."""
    m, sub = Module(), Module()
    m.domains.slow = slow = ClockDomain(async_reset=True)
    m.domains.sync = sync = ClockDomain()
    x = Signal(16)
    mixed, wide, free = Signal(24, init=0x123456), Signal(140, init=1 << 139), Signal(8, init=0xA5)
    pair = Signal(data.StructLayout({"a": 4, "b": signed(4)}), init={"a": 7, "b": -2})
    m.d.sync += [mixed[4:9].eq(x), wide[100:].eq(wide[60:100] ^ x), pair.a.eq(x)]
    m.d.slow += [mixed[9:12].eq(mixed[4:7] + 1), wide[:70].eq(x << 40), free[2:5].eq(free[1:4])]
    sub.d.sync += [mixed[16:20].eq(~mixed[4:8]), pair.b.eq(pair.b - pair.a)]
    sub.d.slow += mixed[20:].eq(mixed[16:20])
    m.submodules.sub = sub
    m.d.comb += [(seen := Signal(24)).eq(mixed ^ 0xFF), (loose := Signal(8, init=0x3C))[2:4].eq(x)]
    return Design(m, x=x, mixed=mixed, wide=wide, free=free, pair=pair, seen=seen, loose=loose,
                  slow=slow, sync=sync)


@pytest.mark.parametrize("periods", [(1e-6, 3e-6), (2e-6, 2e-6), (1e-6, 1.7e-6)])
def test_bits_of_one_signal_from_several_domains_and_modules(periods):
    async def bench(ctx, dut, log):
        for step in range(40):
            ctx.set(dut.x, step * 2777 & 0xFFFF)
            ctx.set(dut.sync.rst, step % 11 == 5)
            if step % 13 == 6:
                ctx.set(dut.slow.rst, step & 1)
            log(ctx, *await ctx.tick().sample(dut.mixed, dut.wide, dut.pair, dut.seen, dut.free))
            log(ctx, *(ctx.get(s) for s in (dut.mixed, dut.wide, dut.pair, dut.seen, dut.loose)))

    both(partial, bench, clocks={"sync": periods[0], "slow": periods[1]})


def test_bits_without_driver_are_the_benches():
    """They keep what a bench sets, through edges and resets; driven ones until their edge."""
    async def bench(ctx, dut, log):
        def told():
            # Not all of `free`: a reset takes its bits without driver along in the netlist.
            log(ctx, *(ctx.get(s) for s in (dut.mixed, dut.wide, dut.free[2:5], dut.seen)))

        for step in range(20):
            ctx.set(dut.x, step * 999)
            if step == 3:
                ctx.set(dut.mixed, 0xFFFFFF)
            if step == 6:
                ctx.set(dut.wide[70:100], 0x2AAAAAAA)
                ctx.set(dut.free, 0x7E)
            if step in (9, 10, 14):
                ctx.set(dut.sync.rst, step != 10)
            if step in (12, 13):
                ctx.set(dut.slow.rst, step & 1)
            if step == 16:
                ctx.set(dut.mixed[:4], 9)
                ctx.set(dut.mixed[12:16], 6)
            told()
            await ctx.tick()
            told()

    both(partial, bench, clocks={"sync": 1e-6, "slow": 2e-6})


def test_reset_from_inside_of_the_design():
    def make():
        m, count, busy = Module(), Signal(4), Signal(3, reset_less=True)
        m.domains.other = ClockDomain(async_reset=True)
        other = Signal(6, init=33)
        m.d.sync += [count.eq(count + 1), busy.eq(busy ^ count)]
        m.d.comb += [ResetSignal().eq(count == 11), ResetSignal("other").eq(count[1])]
        m.d.other += other.eq(other + 3)
        return Design(m, count=count, busy=busy, other=other)

    async def bench(ctx, dut, log):
        async for hit in ctx.tick("other").sample(dut.count, dut.other):
            log(ctx, hit, ctx.get(dut.other))

    async def main(ctx, dut, log):
        for _ in range(40):
            log(ctx, await ctx.tick().sample(dut.count, dut.busy, dut.other), ctx.get(dut.other))

    both(make, main, background=[bench], clocks={"sync": 2e-6, "other": {"period": 3e-6,
                                                                          "phase": 0.7e-6}})


def test_last_assignment_wins_and_holds_otherwise():
    def make():
        m = Module()
        sel, x, q, w = Signal(3), Signal(8), Signal(8, init=1), Signal(100)
        m.d.sync += q.eq(x)
        with m.If(sel[0]):
            m.d.sync += q[:4].eq(15)
        with m.If(sel[1]):
            m.d.sync += [q[2:6].eq(0), w.eq(w << 3 | x)]
        with m.Elif(sel[2]):
            m.d.sync += w[20:90].eq(w[10:])
            m.d.sync += w[40].eq(Mux(x[0], ~w[40], q[7]))
        m.d.sync += [w[0].eq(1), q[7].eq(q[0])]
        return Design(m, sel=sel, x=x, q=q, w=w)

    async def bench(ctx, dut, log):
        for step in range(64):
            ctx.set(dut.sel, step * 5 % 8)
            ctx.set(dut.x, step * 37)
            log(ctx, *await ctx.tick().sample(dut.q, dut.w))

    both(make, bench)


def test_shift_register_and_swap_in_one_edge():
    def make():
        m, x = Module(), Signal(9)
        chain = [Signal(9, name=f"c{i}", init=i * 31) for i in range(20)]
        a, b = Signal(77, init=3), Signal(77, init=1 << 76)
        m.d.sync += [later.eq(earlier) for later, earlier in zip(chain, [x, *chain], strict=False)]
        m.d.sync += [a.eq(b), b.eq(a)]
        return Design(m, x=x, chain=chain, a=a, b=b)

    async def bench(ctx, dut, log):
        for step in range(30):
            ctx.set(dut.x, step * 101)
            await ctx.tick()
            log(ctx, [ctx.get(q) for q in dut.chain], ctx.get(dut.a), ctx.get(dut.b))

    both(make, bench)
