"""The lowest bit of a word: where it is, and the word without it."""

from operator import or_

from amaranth import Cat, Module, Signal
from amaranth.hdl import Value

from ..trees import reduce_pairs

__all__ = ["FirstBit"]

_GROUP = 4


class FirstBit:
    """Find the lowest bit of a word by groups of four, in about four levels of logic.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    word : Value
        Its width is a power of 2, at least 8.
    take : 1
        Drop the lowest bit in `rest`.

    Attributes
    ----------
    some, index : 1, bits of a place
        There is one; its place, 0 if there is none.
    rest : Value
        The word, without its lowest bit if ``take`` is 1.
    """

    def __init__(self, m: Module, word: Value, take, *, name: str):
        groups = [word[i:i + _GROUP] for i in range(0, len(word), _GROUP)]
        count = len(groups)
        some, first, drop = (Signal(count, name=f"{name}_{what}")
                             for what in ("some", "first", "drop"))
        places, rest = [], []
        for j, bits in enumerate(groups):
            m.d.comb += [some[j].eq(bits.any()), first[j].eq(some[j] & ~some[:j].any()),
                         drop[j].eq(first[j] & take)]
            place = Signal(2, name=f"{name}_place_{j}")
            m.d.comb += [place[0].eq(~bits[0] & (bits[1] | ~bits[2])), place[1].eq(~bits[:2].any())]
            places.append(place & first[j].replicate(2))
            rest += [bit & ~(drop[j] & ~bits[:i].any()) for i, bit in enumerate(bits)]
        high = [first & Cat(j >> bit & 1 for j in range(count))
                for bit in range((count - 1).bit_length())]
        self.some = some.any()
        self.index = Cat(reduce_pairs(places, or_), *(bits.any() for bits in high))
        self.rest = Cat(rest)
