"""Stream registers pass everything once, in order, whatever the pauses."""

import random

import pytest

from vapic import Config
from vapic.slices import SinkSlice, StreamSkid, StreamSlice
from vapic_sim.harness import simulate


@pytest.mark.parametrize("kind", [StreamSlice, StreamSkid])
@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_order_and_count(kind, pause):
    dut, rng, sent, got = kind(8), random.Random(1), [], []

    async def bench(ctx):
        taken = True
        for _ in range(400):
            if taken:       # else what is offered stays
                ctx.set(dut.i.valid, rng.random() >= pause)
                ctx.set(dut.i.payload, rng.getrandbits(8))
            ctx.set(dut.o.ready, rng.random() >= pause)
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                got.append(ctx.get(dut.o.payload))
            valid, ready = ctx.get(dut.i.valid), ctx.get(dut.i.ready)
            if valid and ready:
                sent.append(ctx.get(dut.i.payload))
            taken = ready or not valid
            await ctx.tick()

    simulate(dut, bench)
    assert got == sent[:len(got)]
    assert len(sent) - len(got) <= 2
    assert len(got) > (395 if pause == 0.0 else 80)


def test_targets_of_a_sink():
    dut, sent, got = SinkSlice(Config(), 8), [], []
    rng = random.Random(2)

    async def bench(ctx):
        source, sink = dut.i.target, dut.o.target
        ctx.set(source.valid, 1)
        for cycle in range(200):
            ctx.set(source.payload, len(sent))
            ready = ctx.get(source.ready)
            ctx.set(sink.ready, rng.randrange(2) if cycle < 150 else 1)
            assert ctx.get(source.ready) == ready   # from a flip-flop
            if ctx.get(sink.valid) and ctx.get(sink.ready):
                got.append(ctx.get(sink.payload))
            if ready:
                sent.append(len(sent))
            # The sink's words go straight.
            ctx.set(dut.i.ok, cycle % 2)
            ctx.set(dut.o.done.valid, cycle % 3 == 0)
            assert ctx.get(dut.o.ok) == cycle % 2
            assert ctx.get(dut.i.done.valid) == (cycle % 3 == 0)
            await ctx.tick()

    simulate(dut, bench)
    assert got == sent[:len(got)] and len(got) > 100
    assert len(sent) - len(got) <= 2
