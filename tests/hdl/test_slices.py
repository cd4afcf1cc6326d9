"""Stream registers pass everything once, in order, whatever the pauses."""

import random

import pytest

from vapic.slices import StreamSkid, StreamSlice
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
