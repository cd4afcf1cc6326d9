"""Round robin."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .trees import lowest

__all__ = ["RoundRobin"]


class RoundRobin(wiring.Component):
    """Pick the next request after ``last``, wrapping around; one cycle of latency (IOA-22).

    Two balanced trees look at the same time: one at the requests above ``last``, one at all.

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
        The pick of the previous cycle.
    """

    def __init__(self, width: int):
        index = max(1, (width - 1).bit_length())
        super().__init__({
            "request": In(width), "last": In(index),
            "valid": Out(1), "n": Out(index),
        })

    def elaborate(self, platform):
        m = Module()
        above = Signal.like(self.request)
        fine, coarse = self.last[:3], self.last[3:]
        over = Cat(fine < i for i in range(8))      # shared by all groups of eight
        for base in range(0, len(above), 8):
            group = self.request[base:base + 8]
            m.d.comb += above[base:base + 8].eq(
                group & ((coarse < base // 8).replicate(len(group))
                         | over & (coarse == base // 8).replicate(len(group))))
        later, later_n = lowest(m, above, name="above")
        found, found_n = lowest(m, self.request, name="all")
        m.d.sync += [self.valid.eq(found), self.n.eq(Mux(later, later_n, found_n))]
        return m
