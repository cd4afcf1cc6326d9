"""Memories: every kind of port, at every kind of address, in every order."""

import random

import pytest
from amaranth.hdl import ClockDomain, Module, ResetInserter, Signal, signed
from amaranth.lib import data, enum
from amaranth.lib.memory import Memory, MemoryData

from .twins import Design, both


class Row(data.Struct):
    tag: 3 = 5
    value: signed(9) = -7


class Kind(enum.Enum, shape=4):
    NONE = 0
    SOME = 9


def memory(*, shape=8, depth=8, init=(), writes=1, reads=1, comb=1, granularity=None,
           transparent=(), backwards=False, **options):
    """A memory whose ports are all inputs and outputs of the design."""
    def make():
        m = Module()
        m.domains.sync = domain = ClockDomain(**options)
        m.submodules.memory = store = Memory(shape=shape, depth=depth, init=init)
        write_ports = [store.write_port(granularity=granularity) for _ in range(writes)]
        seen = [write_ports[i] for i in transparent]
        read_ports = [store.read_port(transparent_for=seen[::-1] if backwards else seen)
                      for _ in range(reads)]
        comb_ports = [store.read_port(domain="comb") for _ in range(comb)]
        return Design(m, domain=domain, store=store, w=write_ports, r=read_ports, c=comb_ports)
    return make


def plain(value):
    return value.as_value() if hasattr(value, "as_value") else value


def traffic(seed, cycles, *, spread=None, resets=False):
    """Random accesses of all ports, in a small range of addresses so that they meet."""
    async def bench(ctx, dut, log):
        rng = random.Random(seed)
        for cycle in range(cycles):
            for port in dut.w + dut.r + dut.c:
                limit = min(spread or 1 << len(port.addr), 1 << len(port.addr))
                ctx.set(port.addr, rng.randrange(limit) if cycle % 3 else cycle % limit)
            for port in dut.w:
                ctx.set(plain(port.data), rng.getrandbits(len(plain(port.data))))
                ctx.set(port.en, rng.getrandbits(len(port.en)) if rng.random() < 0.7 else 0)
            for port in dut.r:
                ctx.set(port.en, rng.random() < 0.7)
            if resets:
                ctx.set(dut.domain.rst, rng.random() < 0.1)
            log(ctx, *await ctx.tick().sample(*(port.data for port in dut.r + dut.c)))
            log(ctx, *(ctx.get(plain(port.data)) for port in dut.r + dut.c))
        log(ctx, *(ctx.get(plain(dut.store.data[row])) for row in range(dut.store.depth)))
    return bench


@pytest.mark.parametrize("case", [
    {}, {"depth": 1}, {"depth": 2}, {"depth": 5}, {"depth": 6, "spread": 8}, {"depth": 17},
    {"shape": 1, "depth": 3}, {"shape": 33, "depth": 7}, {"shape": 64}, {"shape": 65},
    {"shape": 130, "depth": 9}, {"shape": signed(7)}, {"shape": signed(64), "init": [-1, -2]},
    {"shape": signed(70), "depth": 3, "init": [-1, 5, -(1 << 69)]},
    {"shape": 40, "init": [1, 2, 1 << 39]}, {"shape": Row, "depth": 6, "init": [{"value": 3}]},
    {"depth": 0, "writes": 0},
], ids=str)
def test_shapes_depths_and_initial_contents(case):
    spread = case.pop("spread", None)
    both(memory(reads=2, comb=2, **case), traffic(1, 60, spread=spread))
    if spread:
        case["spread"] = spread


@pytest.mark.parametrize("case", [
    {"writes": 2}, {"writes": 3, "reads": 2}, {"writes": 3, "shape": 70, "depth": 5},
    {"writes": 1, "transparent": [0]}, {"writes": 3, "transparent": [0, 1, 2]},
    {"writes": 3, "transparent": [0, 1, 2], "backwards": True},
    {"writes": 3, "transparent": [1]}, {"writes": 2, "granularity": 2, "transparent": [0, 1]},
    {"writes": 2, "granularity": 1, "transparent": [1]}, {"granularity": 8, "shape": 32},
    {"granularity": 13, "shape": 130, "transparent": [0], "writes": 2},
    {"granularity": 1, "shape": data.ArrayLayout(Row, 3), "writes": 2, "transparent": [0, 1]},
    {"granularity": 2, "shape": data.ArrayLayout(31, 4), "depth": 3, "transparent": [0]},
], ids=str)
def test_several_ports_meet_at_one_address(case):
    both(memory(**case), traffic(2, 150, spread=3))


def test_out_of_range():
    """Reads give 0, writes do nothing, though a transparent port shows what was not written."""
    both(memory(depth=5, writes=2, reads=2, transparent=[0, 1]), traffic(3, 200))
    both(memory(depth=3, shape=80, writes=2, reads=1), traffic(4, 100))


def test_read_data_before_the_first_enable():
    async def bench(ctx, dut, log):
        port, = dut.r
        log(ctx, ctx.get(port.data), ctx.get(dut.c[0].data))
        ctx.set(port.en, 0)
        await ctx.tick().repeat(2)
        log(ctx, ctx.get(port.data))
        ctx.set(port.en, 1)
        await ctx.tick()
        log(ctx, ctx.get(port.data))

    for shape in (8, Row, Kind, data.ArrayLayout(Row, 2)):
        init = {8: [77], Kind: [Kind.SOME]}.get(shape, [])
        both(memory(shape=shape, init=[*init], depth=4), bench)


@pytest.mark.parametrize("options", [{}, {"clk_edge": "neg"}, {"reset_less": True}], ids=str)
def test_domain_kinds(options):
    both(memory(writes=2, reads=2, transparent=[0], **options), traffic(5, 60))


def test_reset_leaves_rows_and_clears_read_data_that_is_not_enabled():
    both(memory(writes=2, reads=2, transparent=[0], shape=Row), traffic(6, 200, resets=True))


def test_asynchronous_reset_of_a_memory_without_enables():
    """The rise of the reset with an enable is an active edge in Amaranth's simulator."""
    async def bench(ctx, dut, log):
        port, write, read = dut.c[0], dut.w[0], dut.r[0]
        for step in range(20):
            ctx.set(write.addr, step % 4)
            ctx.set(read.addr, (step + 3) % 4)
            ctx.set(port.addr, step % 4)
            ctx.set(write.data, step * 11)
            ctx.set(write.en, 1)
            ctx.set(read.en, step % 3 == 0)
            await ctx.tick()
            ctx.set(write.en, 0)
            ctx.set(read.en, 0)
            ctx.set(dut.domain.rst, step % 5 == 3)
            log(ctx, ctx.get(read.data), ctx.get(port.data))

    both(memory(depth=4, async_reset=True), bench)


def test_asynchronous_reset_of_a_memory_with_enables():
    both(memory(depth=4, async_reset=True, writes=2), traffic(7, 100, resets=True))


@pytest.mark.parametrize("periods", [(2e-6, 2e-6), (2e-6, 6e-6), (1.3e-6, 1e-6)])
def test_ports_in_several_domains(periods):
    def make():
        m = Module()
        m.domains += ClockDomain("a"), ClockDomain("b", clk_edge="pos")
        m.submodules.memory = store = Memory(shape=12, depth=6, init=[1, 2, 3])
        write, mirror = store.write_port(domain="a"), store.read_port(domain="b")
        same = store.read_port(domain="a", transparent_for=[write])
        old = store.read_port(domain="a")
        count = Signal(8)
        m.d.a += count.eq(count * 5 + 3)
        m.d.b += (back := Signal(12)).eq(mirror.data + 1)
        m.d.comb += [write.addr.eq(count[:3]), write.data.eq(count * 7), write.en.eq(~count[3]),
                     mirror.addr.eq(count[1:4]), same.addr.eq(count[:3]), old.addr.eq(count[:3]),
                     mirror.en.eq(1), same.en.eq(1), old.en.eq(count[4])]
        return Design(m, count=count, ports=[mirror, same, old], back=back, store=store)

    async def follow(ctx, dut, log):
        async for hit in ctx.tick("b").sample(*(port.data for port in dut.ports), dut.back):
            log(ctx, hit)

    async def main(ctx, dut, log):
        for _ in range(60):
            log(ctx, *await ctx.tick("a").sample(dut.count, *(p.data for p in dut.ports)))
        log(ctx, *(ctx.get(dut.store.data[row]) for row in range(6)))

    both(make, main, background=[follow],
         clocks={"a": periods[0], "b": {"period": periods[1], "phase": periods[0] / 2}})


def test_rows_set_by_benches_show_at_once_in_combinational_ports():
    async def bench(ctx, dut, log):
        rng = random.Random(8)
        for step in range(50):
            row = rng.randrange(6)
            ctx.set(dut.store.data[row], {"tag": rng.randrange(8), "value": -step})
            if step % 4 == 0:
                ctx.set(dut.store.data[row].value[2:5], step)
            ctx.set(dut.c[0].addr, row)
            ctx.set(dut.r[0].addr, row)
            log(ctx, ctx.get(dut.c[0].data), ctx.get(dut.r[0].data))
            if step % 3 == 0:
                await ctx.tick()

    both(memory(shape=Row, depth=6), bench)


def test_two_memories_of_one_data_and_chained_ports():
    """The address of one port is the data of another, in the same cycle."""
    def make():
        m = Module()
        index = MemoryData(shape=3, depth=8, init=[3, 1, 4, 1, 5, 2, 6, 7])
        m.submodules.index = first = Memory(index)
        m.submodules.table = second = Memory(shape=16, depth=7, init=[i * 1111 for i in range(7)])
        a, b = first.read_port(domain="comb"), second.read_port(domain="comb")
        c, d = second.read_port(), second.write_port()
        start = Signal(3)
        m.d.comb += [a.addr.eq(start), b.addr.eq(a.data), c.addr.eq(b.data), c.en.eq(1),
                     d.addr.eq(start), d.data.eq(b.data + 1), d.en.eq(start[0])]
        return Design(m, start=start, index=index, ports=[a, b, c])

    async def bench(ctx, dut, log):
        for step in range(40):
            ctx.set(dut.start, step * 3)
            if step == 20:
                ctx.set(dut.index[5], 0)
            log(ctx, *(ctx.get(port.data) for port in dut.ports))
            await ctx.tick()

    both(make, bench)


def test_reset_inserter():
    def make():
        inner = memory(reads=1, writes=1, comb=1, depth=4)()
        reset = Signal()
        return Design(ResetInserter(reset)(inner), reset=reset, w=inner.w, r=inner.r,
                      c=inner.c, store=inner.store)

    async def bench(ctx, dut, log):
        for step in range(12):
            ctx.set(dut.reset, step % 4 == 3)
            ctx.set(dut.w[0].data, step * 17)
            ctx.set(dut.w[0].en, step & 1)
            ctx.set(dut.r[0].en, 1)
            await ctx.tick()
            log(ctx, ctx.get(dut.r[0].data), ctx.get(dut.c[0].data))

    both(make, bench)
