# amaranth: UnusedElaboratable=no
"""Parts of the I/O APIC: picker, lines, and what reset does to a used one."""

import random
from functools import partial

import pytest
from amaranth import ResetInserter, Signal

from vapic.config import Config
from vapic.ioapic.lines import Lines
from vapic.ioapic.pick import Picker
from vapic.ioapic.unit import Ioapic
from vapic_sim.engine import Simulator
from vapic_sim.harness import simulate


@pytest.mark.parametrize("width", [1, 7, 8, 9, 56])
def test_picker_starts_after_last(width):
    dut, rng = Picker(width), random.Random(width)

    async def bench(ctx):
        last, request, asked = 0, 0, []
        for cycle in range(900):
            if cycle % 6 == 0:
                last = rng.randrange(width)
                ctx.set(dut.last, last)
                asked = []
            request = rng.getrandbits(width) & rng.getrandbits(width) & -(rng.randrange(5) > 0)
            ctx.set(dut.request, request)
            asked.append(request)
            await ctx.tick()
            if len(asked) < 2:
                continue
            order = [(last + 1 + i) % width for i in range(width)]
            picks = [n for n in order if asked[-2] >> n & 1]
            assert ctx.get(dut.valid) == bool(picks)
            if picks:
                assert ctx.get(dut.n) == picks[0]

    simulate(dut, bench)


def test_line_and_edge_come_together_three_cycles_after_the_pin():
    dut = Lines(2)

    async def bench(ctx):
        ctx.set(dut.armed, 0b11)
        ctx.set(dut.polarity, 0b10)
        assert ctx.get(dut.settled)
        ctx.set(dut.pin, 0b11)
        for _ in range(2):
            assert not ctx.get(dut.settled) and not ctx.get(dut.changed)
            assert not ctx.get(dut.edge)
            await ctx.tick()
        assert ctx.get(dut.edge) == 0b01 and ctx.get(dut.changed) and ctx.get(dut.line) == 0
        await ctx.tick()
        assert ctx.get(dut.line) == 0b11 and not ctx.get(dut.edge) and ctx.get(dut.settled)
        ctx.set(dut.polarity, 0b01)
        assert not ctx.get(dut.edge)
        ctx.set(dut.pin, 0b01)
        await ctx.tick().repeat(2)
        ctx.set(dut.armed, 0)
        assert ctx.get(dut.changed) and not ctx.get(dut.edge)

    simulate(dut, bench)


async def access_to(dut, ctx, addr, data=None):
    """Write `data`, or read."""
    ctx.set(dut.bus.req.payload, {"addr": addr, "we": int(data is not None), "data": data or 0,
                                  "sel": 15, "vmm": 1})
    ctx.set(dut.bus.req.valid, 1)
    await ctx.tick().until(dut.bus.req.ready)
    ctx.set(dut.bus.req.valid, 0)
    answer, = await ctx.tick().sample(dut.bus.rsp.payload).until(dut.bus.rsp.valid)
    return answer.data


def test_eoi_register_ends_all_in_flight_though_one_was_about_to_be_offered():
    dut, ended = Ioapic(Config(rtes=2, irts=0, vcpus=4, lanes=4, domains=2, ports=64)), []

    async def channels(ctx):
        while True:
            n, = await ctx.tick().sample(dut.end_flight.payload).until(dut.end_flight.valid)
            ended.append(n)
            await ctx.tick().repeat(3)
            await note(ctx, n, 0)

    async def note(ctx, n, infl):
        ctx.set(dut.pirq_note, {"valid": 1, "n": n, "infl_any": infl})
        await ctx.tick()
        ctx.set(dut.pirq_note.valid, 0)

    async def bench(ctx):
        await ctx.tick().until(dut.ready)
        ctx.set(dut.globals.enable, 1)
        ctx.set(dut.end_flight.ready, 1)
        for n in range(2):
            await access_to(dut, ctx, 0, 0x10 + 2 * n)
            await access_to(dut, ctx, 0x10, 0x8031)     # level
            await note(ctx, n, 1)
        ctx.set(dut.pin, 0b01)      # the second one comes first: its turn is after the first
        await ctx.tick().until(dut.requests.offer)
        ctx.set(dut.bus.req.payload, {"addr": 0x40, "we": 1, "data": 0x31, "sel": 15, "vmm": 1})
        ctx.set(dut.bus.req.valid, 1)
        await ctx.tick().until(dut.bus.req.ready)
        ctx.set(dut.bus.req.valid, 0)
        for _ in range(60):
            if ctx.get(dut.bus.rsp.valid):
                break
            await ctx.tick()
        assert ctx.get(dut.bus.rsp.valid) and sorted(ended) == [0, 1]

    simulate(dut, bench, background=[channels])


@pytest.mark.parametrize("ser", [0, 1])
def test_what_is_in_flight_blocks_a_serialised_request_alone(ser):
    """REQSTAT shows it as serviceable as long as nobody takes it."""
    dut = Ioapic(Config(rtes=1, irts=0, vcpus=4, lanes=4, domains=2, ports=64))

    async def bench(ctx):
        await ctx.tick().until(dut.ready)
        ctx.set(dut.globals.enable, 1)
        await access_to(dut, ctx, 0x2000, 0x70F1 | ser << 1)        # path EVT
        await access_to(dut, ctx, 0, 0x10)
        await access_to(dut, ctx, 0x10, 0x31)
        ctx.set(dut.pirq_note, {"valid": 1, "infl_any": 1})
        await ctx.tick()
        ctx.set(dut.pirq_note.valid, 0)
        ctx.set(dut.pin, 1)
        await ctx.tick().repeat(8)
        assert await access_to(dut, ctx, 0x2800) == 0b00101 | (not ser) << 5

    simulate(dut, bench)


def test_reset_restores_every_row_and_makes_no_edge():
    config = Config(rtes=3, irts=2, vcpus=4, lanes=4, domains=2, ports=64)
    dut, reset = Ioapic(config), Signal()
    access = partial(access_to, dut)

    async def bench(ctx):
        ctx.set(dut.globals.enable, 1)
        ctx.set(dut.pin, 0b111)
        reset_values = {0x2000: 0x70F2, 0x3000: 0x100, 0x2800: 0}
        for _ in range(2):
            assert not ctx.get(dut.ready)
            for base, value in reset_values.items():
                for n in range(config.pirqs):
                    assert await access(ctx, base + 4 * n) == value
            for n in range(config.pirqs):
                low, high = 0x10 + 2 * n, 0x11 + 2 * n
                if n < config.rtes:
                    await access(ctx, 0, high)
                    assert await access(ctx, 0x10) == 0
                    await access(ctx, 0x10, 0x55000000)
                    await access(ctx, 0, low)
                    assert await access(ctx, 0x10) == 0x10000
                    await access(ctx, 0x10, 0xFFFFFFFF if n else 0xFFFEFFFF)
                    assert await access(ctx, 0x10) == (0x1AFFF if n else 0xAFFF)
                else:
                    place = 0x4000 + 8 * (n - config.rtes)
                    assert (await access(ctx, place), await access(ctx, place + 4)) == (0x10000, 0)
                    await access(ctx, place, 0xFFFFFFFF)
                    await access(ctx, place + 4, 0xFFFFFFFF)
                    assert await access(ctx, place + 4) == 0xFF000000
                await access(ctx, 0x2000 + 4 * n, 0xFFFFFFFF)
                assert await access(ctx, 0x2000 + 4 * n) == 0xFFFFF0FF
                await access(ctx, 0x3000 + 4 * n, 0xFFFFFFF1)
                assert await access(ctx, 0x3000 + 4 * n) == 0x101
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
        assert not ctx.get(dut.requests.offer)

    sim = Simulator(ResetInserter(reset)(dut))
    sim.add_clock(10e-9)
    sim.add_testbench(bench)
    sim.run()
