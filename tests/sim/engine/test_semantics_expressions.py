"""Operators of every kind, in random trees and by hand, in the design and read by benches."""

import pytest
from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, signed, unsigned

from .trees import Trees, inputs, seeded, stimulus
from .twins import Design, both

NARROW = range(1, 71)
WIDE = (1, 2, 40, 63, 64, 65, 90, 127, 128, 129, 191, 192, 193, 256)


def forest(seed, count, depth, widths):
    """Random expressions, each assigned to an output of a random shape."""
    def make():
        rng = seeded(seed)
        m, leaves = Module(), inputs(rng, 10, widths)
        trees = Trees(rng, leaves)
        values = [trees.expression(rng.randrange(1, depth + 1)) for _ in range(count)]
        outputs = []
        for index, value in enumerate(values):
            shape = value.shape()
            if rng.random() < 0.3:
                shape = Shape(rng.randrange(1, 140), rng.random() < 0.5)
            outputs.append(Signal(shape, name=f"out{index}"))
            m.d.comb += outputs[-1].eq(value)
        registers = [Signal(len(out), name=f"q{index}") for index, out in enumerate(outputs[::7])]
        m.d.sync += [q.eq(out) for q, out in zip(registers, outputs[::7], strict=True)]
        return Design(m, leaves=leaves, values=values, outputs=outputs, registers=registers)
    return make


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("widths", [NARROW, WIDE], ids=["narrow", "wide"])
def test_random_trees(seed, widths):
    """Hundreds of expressions for some hundred cycles: logic, flip-flops, and `get`."""
    async def bench(ctx, dut, log):
        rng = seeded(seed)
        for cycle in range(100):
            ctx.set(Cat(*dut.leaves), _packed(dut.leaves, stimulus(rng, dut.leaves)))
            for index, out in enumerate(dut.outputs):
                log(ctx, cycle, index, ctx.get(out))
            if cycle % 10 == 0:
                for index, value in enumerate(dut.values):
                    log(ctx, cycle, "get", index, ctx.get(value))
            await ctx.tick()
            log(ctx, cycle, *(ctx.get(q) for q in dut.registers))

    both(forest(seed, 100, 4, widths), bench)


def _packed(signals, values):
    word, at = 0, 0
    for signal, value in zip(signals, values, strict=True):
        word |= (value & (1 << len(signal)) - 1) << at
        at += len(signal)
    return word


@pytest.mark.parametrize("seed", range(3))
def test_random_trees_as_conditions(seed):
    """Benches wait until random expressions are true."""
    def waiter(index):
        async def bench(ctx, dut, log):
            for _ in range(4):
                log(ctx, index, *await ctx.tick().sample(dut.values[index]).until(
                    dut.values[index]))
        return bench

    async def stir(ctx, dut, log):
        rng = seeded(seed)
        for _ in range(60):
            await ctx.tick()
            for leaf, value in zip(dut.leaves, stimulus(rng, dut.leaves), strict=True):
                ctx.set(leaf, value)
        log(ctx, "end")

    both(forest(seed + 100, 24, 3, WIDE), stir, background=[waiter(i) for i in range(24)])


def binary(make_values, shapes):
    """A design of two inputs for each pair of shapes, and what is made of them."""
    def make():
        m, pairs, outputs = Module(), [], []
        for index, (left, right) in enumerate((a, b) for a in shapes for b in shapes):
            a, b = Signal(left, name=f"a{index}"), Signal(right, name=f"b{index}")
            pairs.append((a, b))
            for value in make_values(a, b):
                outputs.append(Signal(value.shape(), name=f"out{len(outputs)}"))
                m.d.comb += outputs[-1].eq(value)
        return Design(m, pairs=pairs, outputs=outputs)
    return make


SHAPES = [unsigned(1), signed(1), unsigned(4), signed(4), unsigned(32), signed(33), unsigned(64),
          signed(64), unsigned(65), signed(130)]
OPERATORS = {
    "add": lambda a, b: [a + b, a - b, -a, abs(b)], "multiply": lambda a, b: [a * b],
    "divide": lambda a, b: [a // b, a % b],
    "compare": lambda a, b: [a == b, a != b, a < b, a <= b, a > b, a >= b],
    "bits": lambda a, b: [a & b, a | b, a ^ b, ~a, a.all(), a.any(), a.xor(), a.bool()],
    "shift": lambda a, b: [a << b.as_unsigned()[:7], a >> b.as_unsigned(), a.rotate_left(3),
                           a.shift_left(70), a.shift_right(2)],
    "part": lambda a, b: [a.bit_select(b.as_unsigned()[:8], 5), a.word_select(b.as_unsigned(), 3),
                          a.bit_select(b.as_unsigned()[:8], 70)],
    "choose": lambda a, b: [Mux(a, a, b), Mux(b, a, b), Array([a, b, a])[b.as_unsigned()[:3]],
                            Cat(a, b), Cat(b, a).as_signed()],
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_on_extreme_values(operator):
    async def bench(ctx, dut, log):
        rng = seeded(operator)
        for _ in range(60):
            signals = [signal for pair in dut.pairs for signal in pair]
            ctx.set(Cat(*signals), _packed(signals, stimulus(rng, signals)))
            log(ctx, *(ctx.get(out) for out in dut.outputs))

    both(binary(OPERATORS[operator], SHAPES), bench, clocks={})


def test_division_by_zero_and_of_the_smallest_number():
    def make():
        m, outs = Module(), []
        a, b = Signal(signed(64), init=-(1 << 63)), Signal(signed(64))
        c, d = Signal(64), Signal(70)
        values = [a // b, a % b, a // -1, a % -1, c // b, c % b, a // c, a % c, c // d, d // c,
                  d % c, a // d, a % d, d // a, d % a, (a // b)[:20] % 7, a // 10, a % 10, c % 10,
                  c // 1000, c % 1, d // 3, Const(-7) // a, Const(7) % b]
        for index, value in enumerate(values):
            outs.append(Signal(value.shape(), name=f"out{index}"))
            m.d.comb += outs[-1].eq(value)
        return Design(m, a=a, b=b, c=c, d=d, outs=outs)

    async def bench(ctx, dut, log):
        numbers = (0, 1, -1, 2, 3, -3, 10, (1 << 63) - 1, -(1 << 63), 0x123456789ABCDEF)
        for a in numbers:
            for b in numbers:
                for signal, value in ((dut.a, a), (dut.b, b), (dut.c, b), (dut.d, a)):
                    ctx.set(signal, value)
                log(ctx, *(ctx.get(out) for out in dut.outs))

    both(make, bench, clocks={})


def test_values_of_no_width():
    def make():
        m, x, none = Module(), Signal(5), Signal(0)
        # Amaranth cannot `get` these, of which the choice is made by nothing.
        chosen = [Array([x, none])[none], Mux(none, x, 3), none.matches("")]
        values = [none, Cat(), none + x, none == 0, x[2:2], none.bool(), none.all(), none.xor(),
                  x << none, x >> none, x.bit_select(none, 3), Cat(none, x, none),
                  x.bit_select(x, 0), none * x, none // x, x // none, x % none, ~none,
                  none.replicate(4), x.replicate(0)]
        outs = []
        for index, value in enumerate(values + chosen):
            outs.append(Signal(value.shape(), name=f"out{index}"))
            m.d.comb += outs[-1].eq(value)
        with m.Switch(none):
            with m.Default():
                m.d.sync += (q := Signal(5)).eq(x)
        m.d.sync += (empty := Signal(0)).eq(x)
        return Design(m, x=x, none=none, outs=outs, values=values, q=q, empty=empty)

    async def bench(ctx, dut, log):
        for x in (0, 1, 30, 31):
            ctx.set(dut.x, x)
            ctx.set(dut.none, x)
            log(ctx, *(ctx.get(out) for out in dut.outs), ctx.get(dut.none))
            log(ctx, *(ctx.get(value) for value in dut.values))
            log(ctx, *await ctx.tick().sample(dut.none, dut.q, dut.empty))

    both(make, bench)
