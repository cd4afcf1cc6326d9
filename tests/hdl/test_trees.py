"""Balanced trees against Python."""

import random

import pytest
from amaranth.hdl import Module, Signal

from vapic.trees import decode, highest, lowest, reduce_pairs, select
from vapic_sim.engine import Simulator


@pytest.mark.parametrize("width", [1, 2, 3, 7, 16, 33, 64])
def test_lowest_highest_decode(width):
    m, bits, index = Module(), Signal(width), Signal(range(width + 2))
    found_low, low = lowest(m, bits)
    found_high, high = highest(m, bits, name="top")
    onehot = decode(index, width)
    rng = random.Random(width)

    async def bench(ctx):
        words = [0, 1, 1 << width - 1, (1 << width) - 1]
        words += [1 << n for n in range(width)]
        words += [rng.getrandbits(width) & rng.getrandbits(width) for _ in range(200)]
        for word in words:
            ctx.set(bits, word)
            assert ctx.get(found_low) == ctx.get(found_high) == (word != 0)
            if word:
                assert ctx.get(low) == (word & -word).bit_length() - 1
                assert ctx.get(high) == word.bit_length() - 1
        for n in range(width + 2):
            ctx.set(index, n)
            assert ctx.get(onehot) == (1 << n if n < width else 0)

    sim = Simulator(m)
    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_reduce_pairs_keeps_order_and_is_balanced(count):
    def join(a, b):
        assert a[-1] + 1 == b[0], "lower index comes first"
        return a + b

    assert reduce_pairs([[i] for i in range(count)], join) == list(range(count))
    depth = reduce_pairs([0] * count, lambda a, b: max(a, b) + 1)
    assert depth == (count - 1).bit_length()


def test_reduce_pairs_takes_an_iterator_and_nothing_is_an_error():
    assert reduce_pairs(iter("ab"), lambda a, b: a + b) == "ab"
    with pytest.raises(IndexError):
        reduce_pairs([], lambda a, b: a)


def test_select_is_the_value_of_the_condition():
    m, bits, chosen = Module(), Signal(3), Signal(8)
    values = (0x11, 0x22, 0x84)
    m.d.comb += chosen.eq(select(zip(bits, values, strict=True)))

    async def bench(ctx):
        for word, wanted in ((0, 0), (1, 0x11), (2, 0x22), (4, 0x84), (5, 0x95)):
            ctx.set(bits, word)
            assert ctx.get(chosen) == wanted

    sim = Simulator(m)
    sim.add_testbench(bench)
    sim.run()
