# amaranth: UnusedElaboratable=no
"""Sources of requests: who gets the slots of dispatch, and one more source in a controller."""

import random
from collections import Counter

import pytest
from amaranth import Module, Signal
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vapic import Config
from vapic.controller import Controller
from vapic.layouts import Layouts, Mode, Outcome, SourceKind
from vapic.regs import address
from vapic.sources.arbiter import RoundRobin, SourceArbiter
from vapic_sim.harness import simulate
from vapic_sim.machine.bus import BusMaster

SMALL = Config(rtes=3, irts=1, vcpus=4, lanes=4, domains=2, ports=32)


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


# -- the arbiter between played sources and a played dispatch ----------------------------------

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
    dut, rng, seen = SourceArbiter(SMALL, count), random.Random(count), Counter()

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


# -- one more source in a controller ------------------------------------------------------------

class Flood(wiring.Component):
    """A vCPU that sends fixed messages as long as it is told to: a third source after two tables.

    Members
    -------
    requests : ``Out(Layouts.source)``
        To dispatch; the tag is the sender.
    send : ``In(1)``
        Send.
    sender, dest, vector : ``In``
        From which vCPU to which APIC ID, and what.
    accepted, unclaimed : ``Out(16)``
        Messages that arrived; outcomes without a target.
    ready, quiet : ``Out(1)``
        Always ready; nothing is to be sent or under way.
    """

    def __init__(self, config):
        layouts = Layouts(config)
        super().__init__({
            "requests": Out(layouts.source), "send": In(1), "sender": In(2), "dest": In(8),
            "vector": In(8), "accepted": Out(16), "unclaimed": Out(16),
            "ready": Out(1), "quiet": Out(1)})

    def elaborate(self, platform):
        m = Module()
        requests, busy = self.requests, Signal()
        ends = requests.last | (requests.outcome != Outcome.NONE)
        m.d.comb += [
            requests.offer.eq(self.send & ~busy), requests.tag.eq(self.sender),
            requests.ok.eq(busy), self.ready.eq(1), self.quiet.eq(~self.send & ~busy),
        ]
        with m.If(requests.take):
            m.d.sync += [
                busy.eq(1), requests.request.kind.eq(SourceKind.IPI),
                requests.request.dest.eq(self.dest), requests.request.vector.eq(self.vector),
                requests.request.mode.eq(Mode.FIXED), requests.request.allow.eq(7),
                requests.request.policy.eq(15), requests.request.owned.eq(1),
            ]
        with m.If(ends):
            m.d.sync += busy.eq(0)
        m.d.sync += [self.accepted.eq(self.accepted + requests.last),
                     self.unclaimed.eq(self.unclaimed + (requests.outcome == Outcome.PARK))]
        return m


def system():
    """A controller with a `Flood`, and the bus of its VMM."""
    dut = Controller(SMALL)
    flood = dut.sources["flood"] = Flood(SMALL)
    return dut, flood, BusMaster(dut.bus, vmm=True)


async def bring_up(ctx, bus):
    """Four vCPUs of domain 0, and pins 0 and 1 as edges to vCPU 1 by vectors 0x40 and 0x41."""
    for v in range(4):
        await bus.write(ctx, address("VCPU_CTL", v), 1 | v << 8 | v << 24)
        await bus.write(ctx, address("LAPIC_SVR", v), 0x1FF)
    for pin in range(2):
        for index, word in ((0x11 + 2 * pin, 1 << 24), (0x10 + 2 * pin, 0x40 + pin)):
            await bus.write(ctx, address("IOA_REGSEL"), index)
            await bus.write(ctx, address("IOA_WIN"), word)


def test_a_request_of_another_source_is_granted_and_explained():
    dut, flood, bus = system()

    async def bench(ctx):
        await bring_up(ctx, bus)
        ctx.set(flood.sender, 3)
        ctx.set(flood.dest, 2)
        ctx.set(flood.vector, 0x6A)
        ctx.set(flood.send, 1)
        await ctx.tick().until(flood.requests.take)
        ctx.set(flood.send, 0)
        start = ctx.get(dut.now)
        assert not ctx.get(dut.idle)
        for _ in range(30):
            await ctx.tick()
        assert ctx.get(dut.idle) and ctx.get(dut.irq) == 1 << 2
        assert ctx.get(flood.accepted) == 1
        record = ctx.get(dut.trace.payload)
        assert ctx.get(dut.trace.valid)
        assert (record.kind, record.n, record.target, record.candidates, record.eligible) == (
            SourceKind.IPI, 3, 2, 1 << 2, 1 << 2)
        assert start == ctx.get(dut.now)
        assert await bus.read(ctx, address("LAPIC_IRR", 2, 3)) == 1 << 0x6A % 32
        # Nobody of that ID: the source is told, and it is nobody's parked entry.
        ctx.set(flood.dest, 9)
        ctx.set(flood.send, 1)
        await ctx.tick().until(flood.requests.take)
        ctx.set(flood.send, 0)
        for _ in range(30):
            await ctx.tick()
        assert ctx.get(dut.idle) and ctx.get(flood.unclaimed) == 1
        assert await bus.read(ctx, address("PARKED")) == 0

    simulate(dut, bench)


def test_a_flood_takes_every_other_slot_and_no_more():
    """INV-05 in a whole controller: pins that never rest against a source that never rests."""
    dut, flood, bus = system()
    kinds = []

    async def trace(ctx):
        ctx.set(dut.trace.ready, 1)
        async for _, _, valid, record in ctx.tick().sample(dut.trace.valid, dut.trace.payload):
            if valid:
                kinds.append((SourceKind(record.kind), record.n))

    async def bench(ctx):
        await bring_up(ctx, bus)
        ctx.set(flood.sender, 3)
        ctx.set(flood.dest, 2)
        ctx.set(flood.vector, 0x6A)
        ctx.set(flood.send, 1)
        for cycle in range(1200):
            ctx.set(dut.pin, 0b11 if cycle % 8 < 4 else 0)
            await ctx.tick()
        # The first slot is the flood's; from then on the pins have every other one, in turn.
        assert len(kinds) > 60
        tables = kinds[kinds.index((SourceKind.PIN, 0)):]
        assert tables[:40] == [(SourceKind.PIN, 0), (SourceKind.IPI, 3),
                               (SourceKind.PIN, 1), (SourceKind.IPI, 3)] * 10
        assert await bus.read(ctx, address("LAPIC_IRR", 1, 2)) == 0b11
        # Alone again, the flood has all slots.
        ctx.set(dut.pin, 0)
        await ctx.tick().repeat(80)
        kinds.clear()
        await ctx.tick().repeat(200)
        assert len(kinds) > 10 and set(kinds) == {(SourceKind.IPI, 3)}

    simulate(dut, bench, background=[trace])
