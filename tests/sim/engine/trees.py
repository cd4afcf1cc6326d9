"""Random expressions and statements, the same ones for the same seed."""

import random

from amaranth.hdl import Array, Cat, Const, Mux, Signal, signed, unsigned
from amaranth.hdl._ast import Operator


def inputs(rng, count, widths):
    """So many signals of random widths and signs."""
    return [Signal((signed if rng.random() < 0.5 else unsigned)(rng.choice(widths)),
                   name=f"in{index}") for index in range(count)]


def stimulus(rng, signals):
    """A value for each signal, often an extreme one."""
    values = []
    for signal in signals:
        width = len(signal)
        values.append(rng.choice([
            0, 1, (1 << width) - 1, 1 << width - 1, (1 << width - 1) - 1, rng.getrandbits(width),
            rng.getrandbits(width), rng.getrandbits(min(width, 3)), -1 << rng.randrange(width)]))
    return values


class Trees:
    """Makes random expressions of some leaves.

    Parameters
    ----------
    rng : random.Random
        Decides everything.
    leaves : list of values
        Signals to use.
    limit : int
        Bits that anything on the way may have.
    """

    def __init__(self, rng, leaves, limit=400):
        self.rng, self.leaves, self.limit = rng, leaves, limit
        self.makers = [getattr(self, name) for name in dir(type(self)) if name.startswith("_make")]

    def expression(self, depth):
        """A random expression of at most this depth, not wider than ``limit``."""
        rng = self.rng
        if depth == 0 or rng.random() < 0.05:
            return self._leaf()
        value = rng.choice(self.makers)(depth - 1)
        return value[:self.limit] if len(value) > self.limit else value

    def _leaf(self):
        rng = self.rng
        if rng.random() < 0.12:
            width = rng.choice([1, 3, 8, 33, 65, 70])
            shape = rng.choice([signed, unsigned])(width)
            return Const(rng.choice([0, 1, -1, rng.getrandbits(width)]), shape)
        return rng.choice(self.leaves)

    def _small(self, depth, width):
        """An unsigned value of few bits, to shift or choose by; at least one bit."""
        value = self._some(depth).as_unsigned()
        return value[:width] if len(value) > width else value

    def _some(self, depth):
        """An expression that is not empty: Amaranth cannot look at what is chosen by nothing."""
        value = self.expression(depth)
        return value if len(value) else self._leaf()

    def _make_arithmetic(self, depth):
        a, b = self.expression(depth), self.expression(depth)
        return self.rng.choice([
            lambda: a + b, lambda: a - b, lambda: a * b, lambda: a // b, lambda: a % b])()

    def _make_bitwise(self, depth):
        a, b = self.expression(depth), self.expression(depth)
        return self.rng.choice([lambda: a & b, lambda: a | b, lambda: a ^ b])()

    def _make_comparison(self, depth):
        a, b = self.expression(depth), self.expression(depth)
        return self.rng.choice([lambda: a == b, lambda: a != b, lambda: a < b, lambda: a <= b,
                                lambda: a > b, lambda: a >= b, lambda: a.implies(b)])()

    def _make_unary(self, depth):
        a = self.expression(depth)
        if len(a) == 0:
            return a.bool()
        return self.rng.choice([lambda: -a, lambda: ~a, a.bool, a.all, a.any, a.xor, a.as_signed,
                                a.as_unsigned, lambda: abs(a)])()

    def _make_shift(self, depth):
        a, by = self.expression(depth), self._small(depth, 7)
        count = self.rng.randrange(1, 90)
        return self.rng.choice([
            lambda: a << by, lambda: a >> by, lambda: a.shift_left(count),
            lambda: a.shift_right(count), lambda: a.rotate_left(count),
            lambda: a.rotate_right(count), lambda: a >> self.expression(depth).as_unsigned()])()

    def _make_slice(self, depth):
        a = self.expression(depth)
        low = self.rng.randrange(len(a) + 1)
        high = self.rng.randrange(low, len(a) + 1)
        value = a[low:high]
        return value.as_signed() if len(value) and self.rng.random() < 0.3 else value

    def _make_concat(self, depth):
        rng = self.rng
        parts = [self.expression(depth) for _ in range(rng.randrange(1, 4))]
        value = rng.choice([lambda: Cat(*parts), lambda: parts[0].replicate(rng.randrange(4))])()
        return value.as_signed() if len(value) and rng.random() < 0.3 else value

    def _make_part(self, depth):
        a, offset = self.expression(depth), self._small(depth, self.rng.randrange(1, 10))
        if isinstance(a, Operator) and a.operator in ("~", "u", "s"):
            # Beyond the end of these Amaranth's simulator differs from its netlist and from `get`.
            a = Cat(a)
        width = self.rng.randrange(0, 80)
        return self.rng.choice([lambda: a.bit_select(offset, width),
                                lambda: a.word_select(offset, max(1, width))])()

    def _make_choice(self, depth):
        choices = [self.expression(depth) for _ in range(self.rng.randrange(1, 6))]
        if self.rng.random() < 0.5:
            return Array(choices)[self._small(depth, 4)]
        return Mux(self._some(depth), choices[0], choices[-1])

    def _make_match(self, depth):
        a = self._some(depth)
        patterns = ["".join(self.rng.choice("01-----") for _ in range(len(a)))
                    for _ in range(self.rng.randrange(3))]
        return a.matches(*patterns, *([self.rng.getrandbits(len(a))] if not a.shape().signed
                                      else []))


def seeded(seed):
    """A generator of random numbers of its own."""
    return random.Random(seed)
