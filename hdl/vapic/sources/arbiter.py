"""Any number of sources of requests before one dispatch, in turns."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..layouts import Layouts
from ..policy import falls_back
from ..trees import lowest, select

__all__ = ["RoundRobin", "SourceArbiter"]


class SourceArbiter(wiring.Component):
    """Give the slots of dispatch to sources, one selection a slot (INV-05, LAPIC-45).

    The first source is the table of interrupt sources. The others go before it and take turns
    among themselves, but of two consecutive slots at most one is theirs while the first source
    offers something. So whoever offers is served within two slots of the first source, or within
    two slots for every other one, and the share of no source depends on how often another asks.

    The choice is a register, made of the offers of the previous cycle; whether what was chosen
    is still offered, and not owed to the first source meanwhile, counts in the cycle itself. An
    offer thus is seen a cycle later if another source had the choice. Grant and outcome go back to
    the owner of the slot alone.

    One source is passed through: no register, no gate, no cycle.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    count : int
        Number of sources.

    Members
    -------
    sources : ``In(Layouts.source)``, `count` of them
        The sources, the table first.
    requests : ``Out(Layouts.source)``
        To dispatch.

    Raises
    ------
    ValueError
        If there is no source.
    """

    def __init__(self, config, count: int):
        if count < 1:
            raise ValueError(f"An arbiter needs at least one source, not {count!r}")
        self._config, self._count = config, count
        port = Layouts(config).source
        super().__init__({"sources": In(port).array(count), "requests": Out(port)})

    def elaborate(self, platform):
        m = Module()
        sources, requests = self.sources, self.requests
        if self._count == 1:
            connect(m, flipped(sources[0]), flipped(requests))
            return m
        offers = Cat(source.offer for source in sources)
        m.submodules.rotation = rotation = RoundRobin(self._count - 1)
        last, others, owed = Signal.like(rotation.last), Signal(), Signal()
        pick, owner = Signal(self._count), Signal(self._count)
        wins = offers[1:].any() & ~(owed & offers[0])
        m.d.comb += [
            rotation.request.eq(offers[1:]), rotation.last.eq(last),
            pick.eq(Mux(others, 2 << rotation.n, 1)),
            requests.offer.eq((pick & offers).any() & ~(others & owed & offers[0])),
            requests.tag.eq(_of(pick, [source.tag for source in sources])),
            requests.request.eq(_of(
                owner, [source.request.as_value() for source in sources])),
            requests.ok.eq(_of(owner, [source.ok for source in sources])),
        ]
        if self._config.commits:
            m.d.comb += requests.offer_dom.eq(_of(
                pick, [source.offer_dom for source in sources]))
        m.d.sync += others.eq(wins)
        with m.If(requests.take):
            m.d.sync += [owner.eq(pick), owed.eq(others)]
            with m.If(others):
                m.d.sync += last.eq(rotation.n)
        for source, chosen, mine in zip(sources, pick, owner, strict=True):
            if falls_back(self._config):
                m.d.comb += source.learn.eq(requests.learn & mine)
            m.d.comb += [
                source.take.eq(requests.take & chosen), source.target.eq(requests.target),
                source.first.eq(requests.first & mine), source.last.eq(requests.last & mine),
                source.multi.eq(requests.multi & mine),
                source.outcome.eq(Mux(mine, requests.outcome, 0)),
            ]
        return m


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


def _of(one_hot, values):
    return select(zip(one_hot, values, strict=True))
