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
        for _ in range(400):
            ctx.set(dut.o.ready, rng.random() >= pause)
            if not ctx.get(dut.i.valid) or sent_last:
                ctx.set(dut.i.valid, rng.random() >= pause)
                ctx.set(dut.i.payload, rng.getrandbits(8))
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                got.append(ctx.get(dut.o.payload))
            sent_last = bool(ctx.get(dut.i.valid) and ctx.get(dut.i.ready))
            if sent_last:
                sent.append(ctx.get(dut.i.payload))
            await ctx.tick()

    simulate(dut, bench)
    assert got == sent[:len(got)]
    assert len(sent) - len(got) <= 2
    assert len(got) > (395 if pause == 0.0 else 80)
