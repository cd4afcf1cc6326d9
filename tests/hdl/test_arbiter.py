# amaranth: UnusedElaboratable=no
"""The arbiter between played sources and a played dispatch: who gets its slots."""

import random
from collections import Counter

import pytest
from amaranth import Module, Signal
from amaranth.back import rtlil

from vapic import Config
from vapic.layouts import Outcome
from vapic.sources.arbiter import RoundRobin, SourceArbiter
from vapic_sim.harness import simulate

SIZES = dict(rtes=3, irts=1, vcpus=4, lanes=4, domains=2, ports=32)
SMALL = Config(**SIZES)


@pytest.mark.parametrize("width", [1, 7, 56])
def test_round_robin_starts_after_last(width):
    dut, rng = RoundRobin(width), random.Random(width)

    async def bench(ctx):
        for _ in range(300):
            request, last = rng.getrandbits(width) & rng.getrandbits(width), rng.randrange(width)
            ctx.set(dut.request, request)
            ctx.set(dut.last, last)
            await ctx.tick()
            order = [(last + 1 + i) % width for i in range(width)]
            picks = [n for n in order if request >> n & 1]
            assert ctx.get(dut.valid) == bool(picks)
            if picks:
                assert ctx.get(dut.n) == picks[0]

    simulate(dut, bench)


class PlayedSource:
    """Offers by chance, changes its mind by chance, and checks what comes back."""

    def __init__(self, ctx, port, number, rng):
        self.ctx, self.port, self.number, self.rng = ctx, port, number, rng
        self.offers, self.tag, self.vector, self.asked = False, 0, 0, None

    def drive(self, rate):
        ctx, port, rng = self.ctx, self.port, self.rng
        self.offers = rng.random() < (.9 if self.offers else rate)
        self.tag = rng.randrange(4) if not self.offers or rng.random() < .1 else self.tag
        ctx.set(port.offer, self.offers)
        ctx.set(port.tag, self.tag)
        ctx.set(port.ok, bool(self.asked) and rng.random() < .8)
        if self.asked and not self.asked["shown"]:
            self.asked["shown"] = True
            ctx.set(port.request, {"kind": self.number % 4, "vector": self.vector, "dom": 1})

    def take(self):
        self.vector = self.rng.randrange(16, 256)
        self.asked = {"shown": False, "vector": self.vector}


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_slot_of_another_is_followed_by_one_of_the_table(count):
    """INV-05, turns of the others, and the way back to the owner of the slot alone."""
    config = Config(**SIZES, policies=("lowpri", "sticky"))     # whose hint is learnt
    dut, rng, seen = SourceArbiter(config, count), random.Random(count), Counter()

    async def bench(ctx):
        sources = [PlayedSource(ctx, port, i, rng) for i, port in enumerate(dut.sources)]
        owner, left, before, waited = None, 0, None, [0] * count
        for cycle in range(6000):
            rate = .8 if cycle % 500 < 250 else .1
            for source in sources:
                source.drive(rate)
            take = owner is None and ctx.get(dut.requests.offer) and rng.random() < .7
            ctx.set(dut.requests.take, take)
            ends = owner is not None and left == 0
            first = ends and rng.random() < .5
            ctx.set(dut.requests.first, first)
            ctx.set(dut.requests.last, first)
            learn = first and rng.random() < .5
            ctx.set(dut.requests.learn, learn)
            ctx.set(dut.requests.multi, owner is not None and not ends)
            ctx.set(dut.requests.target, {"k": cycle % 4, "port": 7})
            ctx.set(dut.requests.outcome, Outcome.PARK if ends and not first else Outcome.NONE)
            taken = [bool(ctx.get(source.port.take)) for source in sources]
            assert sum(taken) == take
            if take:
                winner = taken.index(True)
                assert sources[winner].offers
                assert ctx.get(dut.requests.tag) == sources[winner].tag
                if winner and before:
                    assert not sources[0].offers, cycle     # two slots in a row of others
                seen[winner] += 1
                before = winner
            for i, source in enumerate(sources):
                own = i == owner
                assert ctx.get(source.port.first) == ctx.get(source.port.last) == (own and first)
                assert ctx.get(source.port.learn) == (own and learn)
                assert ctx.get(source.port.multi) == (own and not ends)
                if own and ends:
                    assert ctx.get(source.port.target.k) == cycle % 4
                assert ctx.get(source.port.outcome) == (
                    Outcome.PARK if own and ends and not first else Outcome.NONE)
                # Slots that went to somebody else while it offered without a break.
                waited[i] = 0 if not source.offers or taken[i] else waited[i] + take
                assert waited[i] <= (1 if not i else 2 * count), (cycle, i)
            if owner is not None:
                assert ctx.get(dut.requests.ok) == ctx.get(sources[owner].port.ok)
                if sources[owner].asked["shown"]:
                    request = ctx.get(dut.requests.request)
                    assert (request.kind, request.vector, request.dom) == (
                        owner % 4, sources[owner].vector, 1)
            await ctx.tick()
            if ends:
                sources[owner].asked = owner = None
            elif owner is not None:
                left -= 1
            if take:
                owner, left = winner, rng.randrange(1, 5)
                sources[winner].take()

    clocked, tick = Module(), Signal()      # one source alone has no register
    clocked.submodules.dut = dut
    clocked.d.sync += tick.eq(~tick)
    simulate(clocked, bench)
    assert all(seen[i] > 100 for i in range(count)), seen


def test_the_domain_of_the_offer_is_told():
    """That of the source that has the choice, in the cycle of the offer itself, for records."""
    config = Config(rtes=3, irts=1, vcpus=4, lanes=4, domains=4, ports=32, commits=True)
    dut, rng, seen = SourceArbiter(config, 3), random.Random(4), set()

    async def bench(ctx):
        for i, port in enumerate(dut.sources):
            ctx.set(port.offer_dom, i + 1)
        for _ in range(300):
            for port in dut.sources:
                ctx.set(port.offer, rng.randrange(2))
            take = ctx.get(dut.requests.offer)
            ctx.set(dut.requests.take, take)
            if take:
                taken = [ctx.get(port.take) for port in dut.sources].index(1)
                assert ctx.get(dut.requests.offer_dom) == taken + 1
                seen.add(taken)
            await ctx.tick()

    simulate(dut, bench)
    assert seen == {0, 1, 2}


@pytest.mark.parametrize("table", [0, 1])
def test_the_others_take_turns_whether_the_table_has_slots_between_or_not(table):
    dut, slots = SourceArbiter(SMALL, 4), []

    async def bench(ctx):
        for i, port in enumerate(dut.sources):
            ctx.set(port.offer, int(i > 0 or table))
        await ctx.tick().repeat(2)
        for _ in range(24):
            ctx.set(dut.requests.take, 1)
            slots.append([ctx.get(port.take) for port in dut.sources].index(1))
            await ctx.tick()
            ctx.set(dut.requests.take, 0)
            await ctx.tick().repeat(2)

    simulate(dut, bench)
    others = [winner for winner in slots if winner]
    assert len(others) == (12 if table else 24)
    assert others == [1 + (others[0] - 1 + i) % 3 for i in range(len(others))]


def test_no_offer_is_left_standing():
    """An idle dispatch is offered something two cycles after any source has something."""
    dut, rng = SourceArbiter(SMALL, 3), random.Random(3)

    async def bench(ctx):
        for _ in range(300):
            asks = rng.randrange(1, 8)
            for i, port in enumerate(dut.sources):
                ctx.set(port.offer, asks >> i & 1)
            await ctx.tick().repeat(2)
            assert ctx.get(dut.requests.offer)
            ctx.set(dut.requests.take, 1)
            await ctx.tick()
            ctx.set(dut.requests.take, 0)
            await ctx.tick().repeat(rng.randrange(1, 4))

    simulate(dut, bench)


def test_one_source_costs_nothing():
    assert "cell " not in rtlil.convert(SourceArbiter(SMALL, 1))


def test_wrong_count():
    with pytest.raises(ValueError, match="at least one source, not 0"):
        SourceArbiter(SMALL, 0)
