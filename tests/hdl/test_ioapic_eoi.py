# amaranth: UnusedElaboratable=no
"""EOIs at the I/O APIC: which entries they are for, and in which order with table writes."""

import random

import pytest

from vapic.config import Config
from vapic.ioapic.match import EoiMatch
from vapic.ioapic.unit import Ioapic
from vapic.layouts import Outcome
from vapic_sim.harness import simulate

CONFIG = Config(rtes=4, irts=2, vcpus=4, lanes=4, domains=4, ports=64)
LEVEL = 1 << 15


class Desk:
    """An I/O APIC and what stands around it: bus, dispatch and event channels."""

    def __init__(self, config=CONFIG):
        self.dut, self.ended = Ioapic(config), []

    def run(self, bench):
        async def whole(ctx):
            await ctx.tick().until(self.dut.ready)
            ctx.set(self.dut.globals.enable, 1)
            await bench(ctx)

        simulate(self.dut, whole, background=[self.end_flights])

    async def end_flights(self, ctx):
        """The event channels: end what they are asked to end."""
        dut = self.dut
        while True:
            ctx.set(dut.end_flight.ready, 1)
            n, = await ctx.tick().sample(dut.end_flight.payload).until(dut.end_flight.valid)
            ctx.set(dut.end_flight.ready, 0)
            self.ended.append(n)
            await ctx.tick().repeat(3)
            await self.note(ctx, n, 0)

    async def note(self, ctx, n, infl):
        ctx.set(self.dut.pirq_note, {"valid": 1, "n": n, "infl_any": infl})
        await ctx.tick()
        ctx.set(self.dut.pirq_note.valid, 0)

    async def access(self, ctx, addr, data=None, dom=None):
        """One access, of the VMM unless a domain is named; what it reads."""
        dut = self.dut
        ctx.set(dut.bus.req.payload, {"addr": addr, "we": data is not None, "data": data or 0,
                                      "sel": 15, "vmm": dom is None, "dom": dom or 0})
        ctx.set(dut.bus.req.valid, 1)
        await ctx.tick().until(dut.bus.req.ready)
        ctx.set(dut.bus.req.valid, 0)
        answer, = await ctx.tick().sample(dut.bus.rsp.payload).until(dut.bus.rsp.valid)
        assert not answer.err.value
        return answer.data

    async def low(self, ctx, n, word):
        await self.access(ctx, 0, 0x10 + 2 * n)
        await self.access(ctx, 0x10, word)

    async def rirr(self, ctx):
        """RIRR of every entry, as REQSTAT tells it."""
        seen = [await self.access(ctx, 0x2800 + 4 * n) >> 1 & 1 for n in range(CONFIG.pirqs)]
        return {n for n, bit in enumerate(seen) if bit}

    async def eoi(self, ctx, vector, dom=0):
        """EOI broadcast of a vLAPIC."""
        ctx.set(self.dut.eoi, {"valid": 1, "vector": vector, "dom": dom})
        await ctx.tick()
        ctx.set(self.dut.eoi.valid, 0)

    async def take(self, ctx, n):
        """Start the selection of `n`, the one that has a request."""
        req = self.dut.requests
        ctx.set(self.dut.pin, 1 << n)
        await ctx.tick().until(req.offer)
        assert ctx.get(req.tag) == n
        ctx.set(req.take, 1)
        await ctx.tick()
        ctx.set(req.take, 0)
        await ctx.tick()

    async def grant(self, ctx):
        """Decide a grant, and tell it in the next cycle."""
        req = self.dut.requests
        assert ctx.get(req.ok)
        for granting, told in ((1, 0), (0, 1), (0, 0)):
            ctx.set(self.dut.granting, granting)
            ctx.set(req.first, told)
            ctx.set(req.last, told)
            await ctx.tick()

    async def accept(self, ctx, *entries):
        """Level interrupts accepted; the lines fall at once."""
        for n in entries:
            await self.take(ctx, n)
            await self.grant(ctx)
        ctx.set(self.dut.pin, 0)


def desk(bench):
    one = Desk()
    one.run(lambda ctx: bench(one, ctx))


@pytest.mark.parametrize(("path", "dom", "left"), [
    (0, None, {2}), (1, None, {2}), (0, 1, {0, 2, 3}), (0, 3, {0, 1, 2, 3})])
def test_eoi_register_is_for_every_domain_or_one(path, dom, left):
    async def bench(desk, ctx):
        for n, owner in enumerate((0, 1, 1, 2)):
            await desk.access(ctx, 0x3000 + 4 * n, 0x100 | owner)
            await desk.access(ctx, 0x2000 + 4 * n, 0x70F2 | path)
            await desk.low(ctx, n, LEVEL | (0x41 if n == 2 else 0x40))
        await desk.accept(ctx, 0, 1, 2, 3)
        await desk.note(ctx, 1, path)
        await desk.note(ctx, 2, path)
        assert await desk.rirr(ctx) == {0, 1, 2, 3}
        await desk.access(ctx, 0x40, 0x40, dom)
        assert desk.ended == [1] * path
        assert await desk.rirr(ctx) == left

    desk(bench)


def test_eoi_of_a_vlapic_is_for_its_domain_and_path():
    async def bench(desk, ctx):
        for n, (owner, path) in enumerate(((1, 0), (2, 0), (1, 1), (1, 0))):
            await desk.access(ctx, 0x3000 + 4 * n, owner)      # valid or not, it has a domain
            await desk.access(ctx, 0x2000 + 4 * n, 0x70F2 | path)
            await desk.low(ctx, n, LEVEL | 0x40)
        await desk.accept(ctx, 0, 1, 2, 3)
        await desk.eoi(ctx, 0x40, 0)
        assert await desk.rirr(ctx) == {0, 1, 2, 3}
        await desk.eoi(ctx, 0x40, 1)
        assert await desk.rirr(ctx) == {1, 2}
        await desk.eoi(ctx, 0x40, 2)
        assert await desk.rirr(ctx) == {2}

    desk(bench)


def test_entry_has_the_vector_owner_and_path_written_last():
    async def bench(desk, ctx):
        async def hits(*matches):
            """Entry 0 is accepted; each of these EOIs but the last leaves it."""
            await desk.accept(ctx, 0)
            for vector, dom in matches:
                assert await desk.rirr(ctx) == {0}
                await desk.eoi(ctx, vector, dom)
            assert await desk.rirr(ctx) == set()

        await desk.low(ctx, 0, LEVEL)
        await desk.access(ctx, 0x2000, 0x70F3)
        await desk.access(ctx, 0x2000, 0x70F2)
        await desk.low(ctx, 0, LEVEL | 0x50)
        await hits((0x00, 0), (0x50, 0))
        await desk.low(ctx, 0, LEVEL | 0xFF)
        await hits((0x50, 0), (0xFF, 0))
        await desk.low(ctx, 0, LEVEL | 0x50)
        await hits((0xFF, 0), (0x50, 0))
        await desk.access(ctx, 0x3000, 0x103)
        await hits((0x50, 0), (0x50, 3))
        await desk.access(ctx, 0x3000, 0x100)
        await hits((0x50, 3), (0x50, 0))
        await desk.access(ctx, 0x2000, 0x70F3)
        await desk.accept(ctx, 0)
        await desk.eoi(ctx, 0x50, 0)
        assert await desk.rirr(ctx) == {0}
        await desk.low(ctx, 0, LEVEL | 0x51)        # while RIRR=1 (IOA-13)
        await desk.access(ctx, 0x40, 0x50)
        assert await desk.rirr(ctx) == {0}
        await desk.access(ctx, 0x40, 0x51)
        assert await desk.rirr(ctx) == set()

    desk(bench)


@pytest.mark.parametrize("hands_back", [False, True])
def test_eoi_in_any_cycle_of_a_vector_change(hands_back):
    """Before the decision it is for the old vector, from then on for the new one, also if the
    one-hot entry is another one's in between."""
    kinds = set()

    async def bench(desk, ctx):
        dut = desk.dut
        await desk.low(ctx, 0, LEVEL | 0x40)
        await desk.low(ctx, 1, LEVEL | 0x40)
        await desk.low(ctx, 0, LEVEL | 0x40)
        for delay in range(20):
            for vector in (0x40, 0x41):
                await desk.accept(ctx, 0, 1)
                ctx.set(dut.bus.req.payload, {"addr": 0x10, "we": 1, "data": LEVEL | 0x41,
                                              "sel": 15, "vmm": 1})
                ctx.set(dut.bus.req.valid, 1)
                answered, decided, issued = None, None, None
                for cycle in range(40):
                    ctx.set(dut.eoi, {"valid": cycle == delay, "vector": vector})
                    if cycle == delay:
                        issued = cycle
                    if ctx.get(dut.registers.apply):
                        decided = cycle
                    # It does nothing but take the decoder.
                    back = hands_back and decided is not None and cycle - decided in (0, 1, 3)
                    ctx.set(dut.hand_back, {"valid": back, "n": 1})
                    if ctx.get(dut.bus.rsp.valid):
                        answered = cycle
                    await ctx.tick()
                    if not ctx.get(dut.bus.req.ready):
                        ctx.set(dut.bus.req.valid, 0)
                assert answered == decided + (6 if hands_back else 4)
                before = issued < decided
                kinds.add((before, vector))
                left = {(True, 0x40): set(), (True, 0x41): {0, 1}, (False, 0x40): {0},
                        (False, 0x41): {1}}[before, vector]
                assert await desk.rirr(ctx) == left, (delay, vector)
                await desk.low(ctx, 0, LEVEL | 0x40)
                await desk.access(ctx, 0x40, 0x40)
                assert await desk.rirr(ctx) == set()

    desk(bench)
    assert len(kinds) == 4


def test_entry_accepted_after_the_eoi_was_issued_keeps_its_rirr():
    async def bench(desk, ctx):
        await desk.low(ctx, 0, LEVEL | 0x40)
        await desk.low(ctx, 1, LEVEL | 0x40)
        for wait in range(8):
            await desk.accept(ctx, 0)
            await desk.take(ctx, 1)
            await desk.eoi(ctx, 0x40)
            for _ in range(wait):
                await ctx.tick()
            await desk.grant(ctx)
            ctx.set(desk.dut.pin, 0)
            assert await desk.rirr(ctx) == {1}, wait
            await desk.eoi(ctx, 0x40)
            assert await desk.rirr(ctx) == set()

    desk(bench)


def test_eoi_waits_for_the_eoi_register():
    async def bench(desk, ctx):
        dut = desk.dut
        for n, (vector, path) in enumerate(((0x40, 1), (0x41, 0))):
            await desk.access(ctx, 0x2000 + 4 * n, 0x70F2 | path)
            await desk.low(ctx, n, LEVEL | vector)
        await desk.accept(ctx, 0, 1)
        await desk.note(ctx, 0, 1)
        ctx.set(dut.bus.req.payload, {"addr": 0x40, "we": 1, "data": 0x40, "sel": 15, "vmm": 1})
        ctx.set(dut.bus.req.valid, 1)
        await ctx.tick().until(dut.bus.req.ready)
        ctx.set(dut.bus.req.valid, 0)
        await ctx.tick().until(dut.registers.ending)
        await desk.eoi(ctx, 0x41)
        while not ctx.get(dut.bus.rsp.valid):
            assert not ctx.get(dut.quiet)
            await ctx.tick()
        assert desk.ended == [0]
        assert await desk.rirr(ctx) == set()
        assert ctx.get(dut.quiet)

    desk(bench)


def test_is_not_quiet_until_the_eoi_has_ended():
    async def bench(desk, ctx):
        dut = desk.dut
        await desk.low(ctx, 0, LEVEL | 0x40)
        await desk.accept(ctx, 0)
        await ctx.tick().repeat(5)
        assert ctx.get(dut.quiet)
        await desk.eoi(ctx, 0x40)
        for cycle in range(1, 6):
            assert not ctx.get(dut.quiet)
            assert ctx.get(dut.flags.ended) == (cycle == 5)
            await ctx.tick()
        assert ctx.get(dut.quiet)

    desk(bench)


def test_access_decided_after_an_eoi_sees_all_of_it():
    async def bench(desk, ctx):
        dut, orders = desk.dut, set()
        await desk.low(ctx, 0, LEVEL | 0x40)
        for delay in range(20):
            await desk.accept(ctx, 0)
            ctx.set(dut.bus.req.payload, {"addr": 0x2800, "sel": 15, "vmm": 1})
            ctx.set(dut.bus.req.valid, 1)
            seen, decided = None, -1
            for cycle in range(40):
                ctx.set(dut.eoi, {"valid": cycle == delay, "vector": 0x40})
                if ctx.get(dut.registers.apply):
                    decided = cycle
                if ctx.get(dut.bus.rsp.valid):
                    seen = ctx.get(dut.bus.rsp.payload).data >> 1 & 1
                await ctx.tick()
                if not ctx.get(dut.bus.req.ready):
                    ctx.set(dut.bus.req.valid, 0)
            orders.add(decided <= delay)
            assert seen == (decided <= delay), delay
        assert orders == {False, True}

    desk(bench)


def test_level_line_asks_again_four_cycles_after_rirr_fell():
    async def bench(desk, ctx):
        dut = desk.dut
        await desk.low(ctx, 0, LEVEL | 0x40)
        await desk.take(ctx, 0)
        await desk.grant(ctx)
        await ctx.tick().repeat(5)
        assert not ctx.get(dut.requests.offer)
        await desk.eoi(ctx, 0x40)
        for cycle in range(1, 9):
            assert not ctx.get(dut.requests.offer), cycle
            await ctx.tick()
        assert ctx.get(dut.requests.offer)
        assert ctx.get(dut.requests.outcome) == Outcome.NONE

    desk(bench)


@pytest.mark.parametrize("sizes", [{"domains": 16, "lanes": 1}, {"domains": 2}])
def test_match_follows_writes_of_every_vector_and_domain(sizes):
    """The rows alone, against a table."""
    config = Config(rtes=5, irts=40, vcpus=4, **({"lanes": 4} | sizes))
    dut, rng = EoiMatch(config), random.Random(config.domains)
    table = [{"vector": 0, "dom": 0, "path": 0} for _ in range(config.pirqs)]
    vectors = [0, 255, *rng.sample(range(256), 3)]

    async def write(ctx, n):
        was = dict(table[n])
        kind, name, value = rng.choice((("low", "vector", rng.choice(vectors)),
                                        ("low", "vector", rng.choice(vectors)),
                                        ("owner", "dom", rng.randrange(config.domains)),
                                        ("reqx", "path", rng.randrange(2)),
                                        ("high", "vector", table[n]["vector"])))
        table[n][name] = value
        ctx.set(dut.was, {"vector": was["vector"], "dom": was["dom"],
                          "reqx": {"path": was["path"]}})
        ctx.set(dut.change, {"valid": 1, **table[n]})
        ctx.set(dut.write, {kind: 1})
        ctx.set(dut.at, 1 << n)
        await ctx.tick()
        ctx.set(dut.write, {})
        assert ctx.get(dut.moving) == (was != table[n])
        for away in (1, 0, 1, 1, 0, 0) if rng.randrange(2) else (0, 0, 0):
            ctx.set(dut.away, away)
            ctx.set(dut.at, rng.getrandbits(config.pirqs) if away else 1 << n)
            await ctx.tick()
        assert not ctx.get(dut.moving)

    async def bench(ctx):
        await ctx.tick().until(dut.ready)
        for _ in range(900):
            await write(ctx, rng.randrange(config.pirqs))
            vector, dom = rng.choice(vectors), rng.randrange(config.domains)
            if rng.randrange(3):
                for each in (rng.choice(vectors), vector):      # one right behind the other
                    ctx.set(dut.eoi, {"valid": 1, "vector": each, "dom": dom})
                    await ctx.tick()
                    ctx.set(dut.eoi.valid, 0)
                    assert ctx.get(dut.busy)
                    await ctx.tick().repeat(4)
                assert ctx.get(dut.busy)
                expected = {"vector": vector, "dom": dom, "path": 0}
                seen = ctx.get(dut.ended)
                await ctx.tick()
                assert not ctx.get(dut.busy)
            else:
                every = rng.randrange(2)
                ctx.set(dut.vector, vector)
                ctx.set(dut.dom, dom)
                ctx.set(dut.every, every)
                ctx.set(dut.apply, 1)
                ctx.set(dut.ending, 1)
                await ctx.tick()
                ctx.set(dut.apply, 0)
                await ctx.tick().repeat(3)
                expected = {"vector": vector} | ({} if every else {"dom": dom})
                seen = ctx.get(dut.ended)
                await ctx.tick()
                assert ctx.get(dut.keeps) and ctx.get(dut.kept) == seen
                ctx.set(dut.over, 1)
                await ctx.tick()
                ctx.set(dut.over, 0)
                ctx.set(dut.ending, 0)
            assert seen == sum(1 << n for n, e in enumerate(table)
                               if expected.items() <= e.items())

    simulate(dut, bench)
