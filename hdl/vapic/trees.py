"""Balanced trees: a 256-way chain of `If` breaks synthesis, a tree of the same is small."""

from collections.abc import Callable, Iterable, Sequence
from operator import or_
from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.hdl import Value, ValueLike

__all__ = ["decode", "highest", "lowest", "reduce_pairs", "select"]


def reduce_pairs(items: Sequence[Any], join: Callable[[Any, Any], Any]) -> Any:
    """Fold with a balanced tree; `join` gets (lower index, higher index)."""
    items = list(items)
    while len(items) > 1:
        pairs = [join(a, b) for a, b in zip(items[::2], items[1::2], strict=False)]
        items = pairs + items[len(pairs) * 2:]
    return items[0]


def select(cases: Iterable[tuple[ValueLike, ValueLike]]) -> Value:
    """The value whose condition is 1, or 0; of several they are or-ed together."""
    return reduce_pairs([Mux(condition, value, 0) for condition, value in cases], or_)


def _find(m: Module, bits: Value, prefer_high: bool, name: str) -> tuple[Value, Value]:
    width = max(1, (len(bits) - 1).bit_length())
    nodes = [(bits[i], Const(i, width)) for i in range(len(bits))]
    level = 0
    while len(nodes) > 1:
        joined = []
        for i, (a, b) in enumerate(zip(nodes[::2], nodes[1::2], strict=False)):
            found = Signal(name=f"{name}_{level}_{i}_found")
            index = Signal(width, name=f"{name}_{level}_{i}_index")
            pick_b = b[0] if prefer_high else ~a[0]
            m.d.comb += [found.eq(a[0] | b[0]), index.eq(Mux(pick_b, b[1], a[1]))]
            joined.append((found, index))
        nodes = joined + nodes[len(joined) * 2:]
        level += 1
    return nodes[0]


def highest(m: Module, bits: Value, *, name: str = "highest") -> tuple[Value, Value]:
    """Whether any bit is set, and the index of the highest one; combinational."""
    return _find(m, bits, True, name)


def lowest(m: Module, bits: Value, *, name: str = "lowest") -> tuple[Value, Value]:
    """Whether any bit is set, and the index of the lowest one; combinational."""
    return _find(m, bits, False, name)


def decode(index: Value, width: int) -> Value:
    """One-hot word of `width` bits with bit `index` set (0 if it is out of range)."""
    return Cat(index == i for i in range(width))
