"""Clocks and domains: period, phase, edge, reset kinds, and clocks that a bench drives."""

import pytest
from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Module,
    ResetSignal,
    Signal,
)

from .twins import Design, both


def counters(**domains):
    """A counter in every domain, free running, with a reset where there is one."""
    def make():
        m, parts = Module(), {}
        for name, options in domains.items():
            domain = ClockDomain(name, local=False, **options)
            count = Signal(8, name=f"count_{name}", init=3)
            m.domains += domain
            m.d[name] += count.eq(count + 1)
            parts |= {name: count, f"domain_{name}": domain}
        return Design(m, **parts)
    return make


def watch(name, edges):
    async def bench(ctx, dut, log):
        for _ in range(edges):
            log(ctx, name, await ctx.tick(name).sample(getattr(dut, name)),
                ctx.get(getattr(dut, name)))
    return bench


@pytest.mark.parametrize("clock", [
    {"period": 1e-6}, {"period": 1e-6, "phase": 0}, {"period": 1e-6, "phase": 3.3e-7},
    {"period": 1e-6, "phase": 5e-6}, {"period": 3e-15}, {"period": 1 / 3e6},
    {"period": 7.0000001e-9, "phase": 1e-15}, {"period": 10.1e-9}, {"period": 1e3},
])
def test_period_and_phase(clock):
    log = both(counters(sync={}), watch("sync", 6), clocks={"sync": clock})
    assert [entry[2] for entry in log] == list(range(4, 10))


@pytest.mark.parametrize("fast,slow", [
    ({"period": 2e-6}, {"period": 6e-6}), ({"period": 2e-6}, {"period": 2e-6}),
    ({"period": 2e-6}, {"period": 3e-6}), ({"period": 2e-6}, {"period": 4e-6, "phase": 1e-6}),
    ({"period": 1.7e-6}, {"period": 1.3e-6, "phase": 2e-7}),
    ({"period": 2e-6, "phase": 0}, {"period": 6e-6, "phase": 0}),
])
def test_two_clocks(fast, slow):
    async def peek(ctx, dut, log):
        async for _, _, a, b in ctx.tick("slow").sample(dut.fast, dut.slow):
            log(ctx, "peek", a, b, ctx.get(dut.fast), ctx.get(dut.slow))

    both(counters(fast={}, slow={}), watch("fast", 20), watch("slow", 9), background=[peek],
         clocks={"fast": fast, "slow": slow})


def exchange():
    """Two domains that read each other's flip-flop."""
    m = Module()
    m.domains += ClockDomain("a"), ClockDomain("b", clk_edge="neg")
    x, y = Signal(16, init=1), Signal(16, init=2)
    m.d.a += x.eq(x + y)
    m.d.b += y.eq(y ^ (x << 1))
    return Design(m, x=x, y=y)


@pytest.mark.parametrize("phases", [(0.5e-6, 0), (0, 0.5e-6), (0, 0), (0.5e-6, 0.5e-6),
                                    (0.5e-6, 1e-6)])
def test_edges_at_the_same_instant_see_each_others_old_value(phases):
    async def bench(ctx, dut, log):
        for _ in range(20):
            log(ctx, await ctx.tick("a").sample(dut.x, dut.y), ctx.get(dut.x), ctx.get(dut.y))

    both(exchange, bench, clocks={
        "a": {"period": 1e-6, "phase": phases[0]}, "b": {"period": 1e-6, "phase": phases[1]}})


def test_negedge_domain():
    log = both(counters(sync={"clk_edge": "neg"}), watch("sync", 4))
    assert len(log) == 4


@pytest.mark.parametrize("options", [
    {}, {"async_reset": True}, {"reset_less": True}, {"clk_edge": "neg", "async_reset": True}])
def test_reset_kinds(options):
    async def bench(ctx, dut, log):
        for _ in range(3):
            log(ctx, await ctx.tick().sample(dut.sync))
        if dut.domain_sync.rst is not None:
            ctx.set(dut.domain_sync.rst, 1)
            log(ctx, "asserted", ctx.get(dut.sync))
            for _ in range(2):
                log(ctx, await ctx.tick().sample(dut.sync), ctx.get(dut.sync))
            await ctx.delay(0.2e-6)
            ctx.set(dut.domain_sync.rst, 0)
            log(ctx, "released", ctx.get(dut.sync))
        for _ in range(3):
            log(ctx, await ctx.tick().sample(dut.sync), ctx.get(dut.sync))

    both(counters(sync=options), bench)


def test_asynchronous_reset_between_edges_and_at_an_edge():
    async def bench(ctx, dut, log):
        await ctx.tick()
        for wait in (0.2e-6, 0.3e-6, 0.5e-6, 0.1e-6):
            await ctx.delay(wait)
            ctx.set(dut.domain_sync.rst, ~ctx.get(dut.domain_sync.rst) & 1)
            log(ctx, ctx.get(dut.sync), ctx.get(dut.domain_sync.rst))
            log(ctx, await ctx.tick().sample(dut.sync), ctx.get(dut.sync))

    async def watcher(ctx, dut, log):
        async for hit in ctx.tick().sample(dut.sync):
            log(ctx, "watcher", hit)

    both(counters(sync={"async_reset": True}), bench, background=[watcher])


def test_domain_without_clock_stands_still():
    async def never(ctx, dut, log):
        log(ctx, await ctx.tick("still"))

    async def bench(ctx, dut, log):
        await ctx.tick("moves").repeat(10)
        log(ctx, ctx.get(dut.still), ctx.get(dut.moves))

    assert both(counters(still={}, moves={}), bench, background=[never],
                clocks={"moves": 1e-6}) == [(3, 13)]


def test_clock_by_hand():
    async def world(ctx, dut, log):
        for step in range(6):
            ctx.set(dut.domain_sync.clk, 1)
            log(ctx, "high", step, ctx.get(dut.sync))
            await ctx.delay(3e-9)
            ctx.set(dut.domain_sync.clk, 0)
            if step % 2:
                await ctx.delay(2e-9)

    async def watcher(ctx, dut, log):
        async for hit in ctx.tick().sample(dut.sync):
            log(ctx, "tick", hit, ctx.get(dut.sync))

    async def falls(ctx, dut, log):
        async for hit in ctx.negedge(dut.domain_sync.clk).sample(dut.sync):
            log(ctx, "fall", hit)

    both(counters(sync={}), world, background=[watcher, falls], clocks={})


def test_clock_by_hand_without_any_time_passing():
    async def world(ctx, dut, log):
        for _ in range(5):
            ctx.set(dut.domain_sync.clk, 1)
            ctx.set(dut.domain_sync.clk, 0)
            log(ctx, ctx.get(dut.sync))

    assert both(counters(sync={}), world, clocks={}) == [(4,), (5,), (6,), (7,), (8,)]


def test_clock_by_hand_on_top_of_add_clock():
    async def bench(ctx, dut, log):
        await ctx.tick()
        await ctx.delay(0.2e-6)
        ctx.set(dut.domain_sync.clk, 0)
        ctx.set(dut.domain_sync.clk, 1)
        for _ in range(3):
            log(ctx, await ctx.tick().sample(dut.sync), ctx.get(dut.domain_sync.clk))

    both(counters(sync={}), bench)


def test_clock_signal_and_reset_signal_as_data():
    def make():
        m, q, seen = Module(), Signal(4), Signal(2)
        hold = Signal()
        m.d.sync += q.eq(q + 1)
        m.d.comb += [seen.eq(ClockSignal() | ResetSignal() << 1), ResetSignal().eq(hold)]
        return Design(m, q=q, seen=seen, hold=hold)

    async def bench(ctx, dut, log):
        for step in range(8):
            await ctx.delay(0.5e-6)
            ctx.set(dut.hold, step in (4, 5))
            log(ctx, ctx.get(dut.q), ctx.get(dut.seen))

    both(make, bench)


def test_clock_divided_by_a_flip_flop():
    def make():
        m, q, half = Module(), Signal(8), Signal(8)
        m.domains.half = domain = ClockDomain(reset_less=True)
        m.d.sync += [domain.clk.eq(~domain.clk), q.eq(q + 1)]
        m.d.half += half.eq(q)      # sees what the same edge of sync has written
        return Design(m, q=q, half=half)

    async def bench(ctx, dut, log):
        for _ in range(12):
            await ctx.tick()
            log(ctx, ctx.get(dut.q), ctx.get(dut.half))

    async def slow(ctx, dut, log):
        async for hit in ctx.tick("half").sample(dut.q, dut.half):
            log(ctx, "half", hit)

    both(make, bench, background=[slow], may_refuse=True)


def test_renamed_domain_and_context():
    def make():
        m, inner, q = Module(), Module(), Signal(4)
        inner.d.sync += q.eq(q + 1)
        m.domains.pix = domain = ClockDomain()
        m.submodules.inner = renamed = DomainRenamer("pix")(part := Design(inner))
        return Design(m, q=q, part=part, renamed=renamed, domain=domain)

    async def bench(ctx, dut, log):
        for trigger in (ctx.tick("pix"), ctx.tick(dut.domain), ctx.tick(context=dut.part)):
            log(ctx, await trigger.sample(dut.q), ctx.get(dut.q))

    both(make, bench, clocks={"pix": 1e-6})


def test_clock_of_a_domain_that_is_not_in_the_design():
    def make():
        return Design(Module(), foreign=ClockDomain("foreign"), x=Signal(4))

    async def bench(ctx, dut, log):
        for step in range(4):
            log(ctx, await ctx.tick(dut.foreign).sample(dut.x))
            ctx.set(dut.x, step + 7)

    both(make, bench, clocks={}, setup=lambda sim, dut: sim.add_clock(1e-6, domain=dut.foreign))
