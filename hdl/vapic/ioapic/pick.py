"""Round robin among the requests of the table, group by group."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..trees import lowest

__all__ = ["Picker"]

#: Requests that are looked at together.
_GROUP = 8


class Picker(wiring.Component):
    """Pick the next request after ``last``, wrapping around; two cycles of latency (IOA-22).

    Requests stand in groups of eight. In the first cycle each group finds its lowest request, and
    the group of ``last`` those that follow ``last`` in it. In the second these win if there are
    any, otherwise the next group that has one, the group of ``last`` itself coming after all.

    ``last`` is to stand still for two cycles before a pick is used.

    Parameters
    ----------
    width : int
        Number of requests.

    Members
    -------
    request : ``In(width)``
        Who may be picked.
    last : ``In(range(width))``
        After whom to start.
    valid, n : ``Out(1)``, ``Out(range(width))``
        The pick of two cycles ago.
    """

    def __init__(self, width: int):
        index = max(1, (width - 1).bit_length())
        super().__init__({
            "request": In(width), "last": In(index),
            "valid": Out(1), "n": Out(index),
        })

    def elaborate(self, platform):
        m = Module()
        fine, coarse = self.last[:3], self.last[3:]
        groups = [self.request[base:base + _GROUP]
                  for base in range(0, len(self.request), _GROUP)]

        # First cycle.
        some, firsts, rest = Signal(len(groups)), [], Signal(_GROUP)
        own = Signal(_GROUP)
        for i, group in enumerate(groups):
            found, first = lowest(m, group, name=f"group_{i}")
            kept = Signal(3, name=f"first_{i}")
            m.d.sync += [some[i].eq(found), kept.eq(first)]
            firsts.append(kept)
        with m.Switch(coarse):
            for i, group in enumerate(groups):
                with m.Case(i):
                    m.d.comb += own.eq(group)
        m.d.sync += rest.eq(own & Cat(fine < i for i in range(_GROUP)))

        # Second cycle.
        follows, follower = lowest(m, rest, name="rest")
        above = Signal.like(some)
        m.d.comb += above.eq(some & Cat(coarse < i for i in range(len(groups))))
        later, later_group = lowest(m, above, name="above")
        found, first_group = lowest(m, some, name="all")
        group = Signal(max(1, len(coarse)))
        place = Signal(3)
        m.d.comb += group.eq(Mux(later, later_group, first_group))
        with m.Switch(group):
            for i, first in enumerate(firsts):
                with m.Case(i):
                    m.d.comb += place.eq(first)
        m.d.sync += [self.valid.eq(found),
                     self.n.eq(Mux(follows, Cat(follower, coarse), Cat(place, group)))]
        return m
