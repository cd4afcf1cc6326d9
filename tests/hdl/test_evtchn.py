# amaranth: UnusedElaboratable=no
"""EventChannels against the golden model, which follows its commits."""

from amaranth import ResetInserter, Signal
from amaranth.hdl import Value

from vapic import Config
from vapic.evtchn import EventChannels
from vapic.layouts import Err
from vapic_sim.harness import simulate
from vapic_sim.model.records import AcceptResult

from .evtchn_environment import FLAGS, LIMIT, Environment
from .evtchn_model import MASK, WINDOW


async def start(ctx, dut):
    """Wait for the initialisation; returns its cycles."""
    cycles = 0
    while not ctx.get(dut.ready):
        await ctx.tick()
        cycles += 1
    return cycles


def placed_vcpu(env):
    """A vCPU whose lane exists: command registers are per lane."""
    return env.rng.choice([vcpu.v for vcpu in env.model.vcpus if vcpu.k < env.c.lanes])


def random_access(env):
    """Arguments of one access that is likely to matter."""
    rng, c = env.rng, env.c
    d = rng.randrange(c.domains)
    base, vmm = WINDOW + 0x4000 * d, int(rng.random() < 0.4)
    where = {"vmm": vmm, "vcpu": placed_vcpu(env),
             "sel": 15 if rng.random() < 0.95 else rng.randrange(16)}
    port = rng.choice([rng.randrange(12), rng.randrange(c.ports), rng.choice([c.ports, 1 << 31])])
    busy = [n for n in range(c.pirqs) if env.model.events.infl[n]]
    n = rng.choice(busy * 4 + [rng.randrange(c.pirqs)] * 4 + [c.pirqs])
    word = rng.choice([rng.getrandbits(32), rng.getrandbits(16), 1 << rng.randrange(32), MASK])
    w = 4 * rng.choice([0, 0, 0, 1, rng.randrange(c.port_words + 1)])
    pick = rng.random()
    if pick < 0.3:
        region = rng.choice([0x1000, 0x1080, 0x1080, 0x1100, 0x1100, 0x1180, 0x1200, 0x1200,
                             0x1280])
        data = None if rng.random() < 0.2 else word
        return base + region + w, data, where
    if pick < 0.55:
        offset = 0x40 * rng.randrange(c.lanes + 1) + 4 * rng.choice([0, 0, 1, 2, 2, 2, 3, 3, 4])
        data = rng.choice([0, 0, 1, 0x100, 0x101, rng.getrandbits(32)])
        if rng.random() < (0.9 if offset & 8 and not offset & 4 else 0.3):
            data = None
        return base + offset, data, where
    if pick < 0.8:
        offset = rng.choice([0x1320, 0x1324, 0x1328, 0x1328, 0x1330])
        if offset == 0x1328 and n < c.pirqs and rng.random() < 0.8:
            d = env.model.requests[n].dom
            base = WINDOW + 0x4000 * d
            issuers = [vcpu.v for vcpu in env.model.vcpus
                       if vcpu.dom == d and env.model.events.infl[n] >> vcpu.k & 1]
            if issuers and rng.random() < 0.7:
                where.update(vmm=0, vcpu=rng.choice(issuers))
        return base + offset, n if offset == 0x1328 else port, where
    if pick < 0.86:
        v = rng.randrange(c.vcpus)
        home = (v // c.lanes, v % c.lanes)
        d, k = home if rng.random() < 0.8 else (rng.randrange(c.domains + 1),
                                                rng.randrange(c.lanes + 1))
        return 0x8000 + 0x40 * v, k << 24 | d << 4 | int(rng.random() < 0.85), {}
    return base + rng.randrange(0x12F0, 0x1350), rng.choice([None, word]), where


async def random_command(ctx, env):
    rng, c = env.rng, env.c
    d = rng.randrange(c.domains)
    where = {"vmm": int(rng.random() < 0.4), "vcpu": placed_vcpu(env)}
    base = WINDOW + 0x4000 * d
    number = rng.choice([6] * 3 + [0] * 3 + [0x20] * 5 + [3] * 3 + [7, 4, 4, 9, 9] + [5] * 3 + [99])
    near = rng.choice([d, 0x7FF0, *range(c.domains + 2)])
    port = rng.choice([rng.randrange(12)] * 3 + [rng.randrange(c.ports), c.ports])
    offers = [(e, p) for e, window in enumerate(env.model.events.domains)
              for p, there in enumerate(window.ports)
              if there.state == "unbound" and there.remote_dom == d]
    own = [r.n for r in env.model.requests if r.owned and r.dom == d]
    a, b = {
        6: (near, rng.randrange(c.domains + 1)),
        0: rng.choice(offers) if offers and rng.random() < 0.8 else (near, port),
        0x20: (rng.choice(own * 2 + [*range(c.pirqs + 1)]), rng.randrange(c.lanes + 1)),
        7: (rng.randrange(c.lanes + 1), 0), 5: (near, port),
    }.get(number, (port, 0))
    await env.access(ctx, base + 0x1300, a, **where)
    await env.access(ctx, base + 0x1304, b, **where)
    await env.access(ctx, base + 0x130C, number, **where)
    for offset in rng.sample([0x1300, 0x1308, 0x1310, 0x1314, 0x1318, 0x131C], 2):
        await env.access(ctx, base + offset, **where)


async def handler(ctx, env):
    """What a guest does at an upcall (EVT-13), for all words at once."""
    d = env.rng.randrange(env.c.domains)
    base = WINDOW + 0x4000 * d
    for k in range(env.c.lanes):
        await env.access(ctx, base + 0x40 * k + 0xC, 0)
        await env.access(ctx, base + 0x40 * k + 8)
    await env.access(ctx, base + 0x40 * env.rng.randrange(env.c.lanes), 0, sel=2)
    for w in range(env.c.port_words):
        await env.access(ctx, base + 0x1100 + 4 * w, MASK)
        if env.rng.random() < 0.5:
            await env.access(ctx, base + 0x1080 + 4 * w, env.rng.choice([0, 1 << 3, 0xF0]))


def random_table(ctx, env):
    """Change an entry that is not in use, and the global bits."""
    rng = env.rng
    if not env.dispatch.idle():
        return
    request = rng.choice(env.model.requests)
    request.mode, request.trigger = rng.choice([0, 1]), bool(rng.getrandbits(1))
    request.reqx = rng.getrandbits(1) << 23 | rng.getrandbits(1) << 2 | (rng.random() < 0.2) << 3
    if not env.model.events.group[request.n]:
        request.dom, request.owned = rng.randrange(env.c.domains), rng.random() < 0.9
    env.switch(ctx, *(name for name in FLAGS if rng.getrandbits(1)))


def run_random(config, seed, rounds, **rates):
    dut = EventChannels(config)
    env = Environment(dut, seed, **rates)

    async def bench(ctx):
        await start(ctx, dut)
        env.compare(ctx)
        for i in range(rounds):
            if i % 8 == 0:
                random_table(ctx, env)
            if env.rng.random() < 0.06:
                await handler(ctx, env)
            elif env.rng.random() < 0.3:
                await random_command(ctx, env)
            else:
                addr, data, where = random_access(env)
                await env.access(ctx, addr, data, **where)
            for _ in range(env.rng.choice([0, 0, 0, 5])):
                await env.step(ctx)
            if i % 250 == 249:
                await env.settle(ctx)
        await env.settle(ctx)

    simulate(dut, bench)
    return env


#: Cycles from the decision of a grant to the next target of dispatch, at least.
NEXT_GRANT = 6
SMALL = dict(rtes=4, irts=4, vcpus=7, lanes=4, domains=2, ports=64, commits=True)


def test_follows_reference():
    env = run_random(Config(**SMALL), 1, 1200)
    results = env.dispatch.results
    assert all(results.get(AcceptResult[r], 0) > 20 for r in ("SET", "MERGED", "ABORT"))
    assert results.get(AcceptResult.SKIP)
    assert len(env.bank.notes) > 60 and len(env.store.hands) > 30
    # Every operation, with every result that it can have, was met.
    for number, results in {
            6: (0, -1, -3), 0: (0, -3, -22), 0x20: (0, -1, -2, -17, -22), 7: (0, -2),
            3: (0, -22), 4: (0, -22), 9: (0, -22), 5: (0, -1, -3, -22), 99: (-38,),
            0x1320: (0, -22), 0x1324: (0, -22), 0x1328: (0, -1, -22), 0x1330: (0, 1, -22)}.items():
        assert {r for n, r in env.bus.met if n == number} == set(results), number
    assert {err for kind, err in env.bus.met if kind == "err"} == {
        Err.NONE, Err.ACCESS, Err.UNMAPPED, Err.PARTIAL, Err.EVENT_STORE}


def test_follows_reference_with_odd_sizes():
    run_random(Config(rtes=3, irts=2, vcpus=7, lanes=3, domains=3, ports=96, commits=True),
               2, 250, grants=0.05, bank=1.0)


def test_latency_space_and_reset():
    dut = EventChannels(Config(**SMALL))
    env, reset = Environment(dut, 3, grants=0, bank=1.0), Signal()
    base = WINDOW + 0x4000

    async def took(ctx, *args, **where):
        """Cycles from the first of the request to the last before the answer."""
        start = env.cycle
        await env.access(ctx, *args, **where)
        return env.cycle - start - 1

    async def command(ctx, number, *args, **where):
        for i, arg in enumerate(args):
            await env.access(ctx, base + 0x1300 + 4 * i, arg, **where)
        cycles = await took(ctx, base + 0x130C, number, **where)
        result = await env.access(ctx, base + 0x1310, **where)
        return result - (result >> 31 << 32), cycles

    async def bench(ctx):
        c = env.c
        limit = 16 * c.vcpus + 4 * c.domains * c.ports + 4 * c.pirqs + 64
        assert await start(ctx, dut) <= limit
        # Allocation up to the last port, and the lowest free one after that (TC 101).
        longest = 0
        for p in range(1, c.ports):
            result, cycles = await command(ctx, 6, 0x7FF0, 0)
            longest = max(longest, cycles)
            assert result == 0 and await env.access(ctx, base + 0x1314) == p
        assert longest <= 15
        assert (await command(ctx, 6, 0x7FF0, 0))[0] == -28
        assert await command(ctx, 3, 9) == (0, 9)
        assert (await command(ctx, 7, 2))[0] == 0
        assert await env.access(ctx, base + 0x1314) == 9
        # Times of the docstring.
        assert await took(ctx, base + 0x1000) == 2
        assert await took(ctx, base + 0x1300) == 3
        for offset in (0x1320, 0x1324, 0x1330):
            assert await took(ctx, base + offset, 9) <= 7
        await env.access(ctx, base + 0x1080, 0)
        assert await took(ctx, base + 0x1080, MASK) == 32 + 7
        env.switch(ctx, "auto_reraise")
        assert await took(ctx, base + 0x1080, 0) == 32 + 7
        await env.settle(ctx)
        assert any(port.state == "unbound" for port in env.model.events.domains[1].ports)

        # Reset in the middle (TC 120), whatever the memories hold.
        for memory in (dut.store.ports, dut.store.words, dut.store.lanes, dut.store.pirqs,
                       dut.store.full_words, dut.store.inflight_count, dut.store.banks):
            for row in range(memory.depth):
                view = memory.data[row]
                ctx.set(Value.cast(view), (1 << len(Value.cast(view))) - 1)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        assert not ctx.get(dut.ready)
        await start(ctx, dut)
        Environment(dut, 4).compare(ctx)

    simulate(ResetInserter(reset)(dut), bench)


def test_reraise_of_one_lane_and_close_in_flight():
    dut = EventChannels(Config(**SMALL))
    env = Environment(dut, 6, grants=0, bank=1.0)

    async def bench(ctx):
        async def command(number, *args):
            for i, arg in enumerate(args):
                await env.access(ctx, WINDOW + 0x1300 + 4 * i, arg)
            await env.access(ctx, WINDOW + 0x130C, number)
            assert await env.access(ctx, WINDOW + 0x1310) == 0

        async def grant(dynamic, *lanes):
            assert await env.grant(ctx, 1, dynamic, [(k, k) for k in lanes]) == {
                AcceptResult.SET: len(lanes)}

        await start(ctx, dut)
        # Six ports of one lane, masked and pending: unmasked with auto_reraise, one upcall.
        await env.access(ctx, 0x8000 + 0x40 * 2, 2 << 24 | 1)
        await env.access(ctx, WINDOW + 0x80, 0, sel=2)
        await env.access(ctx, WINDOW + 0x1080, MASK)
        for p in range(1, 7):
            await command(7, 2)
            await command(4, p)
        env.switch(ctx, "auto_reraise")
        await env.access(ctx, WINDOW + 0x1200, MASK)
        await env.settle(ctx)
        notes = env.bank.notes
        assert notes[-1] == (2, 1, 1, 1) and sum(rise for *_, rise in notes) == 1
        # EVT-24: a static occurrence that another lane has too is not handed back.
        for mode, dynamic, hands in ((0, 0, [(1, True)]), (1, 1, [(1, True)] * 2)):
            env.model.requests[1].mode = mode
            for k in (0, 1):
                await command(0x20, 1, k)
            for lanes in ([(0, 1)], [(0,), (1,)])[dynamic]:
                await grant(dynamic, *lanes)
            before = len(env.store.hands)
            for p in (7, 8):
                await command(3, p)
            await env.settle(ctx)
            assert env.store.hands[before:] == hands

    simulate(dut, bench)


def test_large_configuration():
    config = Config.for_vcpus(256, irts=40, commits=True)
    dut = EventChannels(config)
    env = Environment(dut, 5, grants=0, bank=1.0)

    async def bench(ctx):
        await start(ctx, dut)
        base = WINDOW + 0x4000 * 15
        env.model.requests[63].dom = 15
        for arg, value in ((0x1300, 63), (0x1304, 15), (0x130C, 0x20)):
            await env.access(ctx, base + arg, value, vmm=0, vcpu=255)
        assert await env.access(ctx, base + 0x1314, vmm=0, vcpu=255) == 1
        await env.grant(ctx, 63, True, [(15, 255)])
        await env.access(ctx, base + 0x1100, 2, vmm=0, vcpu=255)
        await env.access(ctx, base + 0x1328, 63, vmm=0, vcpu=255)
        assert env.store.hands == env.model.hands == [(63, False)]
        # All that is in flight of a PIRQ ends at once when the request store asks for it.
        await env.access(ctx, base + 0x1304, 3)
        await env.access(ctx, base + 0x1300, 63)
        await env.access(ctx, base + 0x130C, 0x20)
        await env.grant(ctx, 63, False, [(3, 243), (15, 255)])
        await env.access(ctx, base + 0x1180, 4)     # one of the two is masked meanwhile
        env.model.events.land_all(63)
        ctx.set(dut.end_flight.payload, 63)
        ctx.set(dut.end_flight.valid, 1)
        cycles = 0
        while not ctx.get(dut.end_flight.ready):
            await ctx.tick()
            cycles += 1
        await ctx.tick()
        ctx.set(dut.end_flight.valid, 0)
        assert cycles == 2 + 2 * 4
        row = ctx.get(dut.store.pirqs.data[63])
        assert (row.open, row.infl, row.pend, row.bound) == env.model.row(63)
        assert ctx.get(dut.store.inflight_count.data[15 << 4 | 3]) == 0
        assert ctx.get(dut.store.inflight_count.data[15 << 4 | 15]) == 0

    simulate(dut, bench)


def test_end_of_flight_is_reached_among_grants():
    """It waits for the last target of the grant under way, and for no other grant.

    The next one comes as soon as dispatch can have it; none of the PIRQ itself, as its entry asks
    for nothing meanwhile.
    """
    dut = EventChannels(Config(**SMALL))
    env = Environment(dut, 7, grants=0, bank=1.0)
    lanes, store, pause, waits = range(env.c.lanes), dut.store, 0, set()

    async def cycle(ctx, ends):
        """Grants of PIRQ 2, and of PIRQ 1 while it does not end, to all lanes."""
        nonlocal pause
        pause = pause + 1 if env.dispatch.idle() else 0
        if pause == NEXT_GRANT:
            env.dispatch.start(2 if ends else env.rng.choice((1, 2)), False,
                               [(k, k) for k in lanes])
        ctx.set(dut.end_flight.valid, ends)
        for partner in (env.dispatch, env.store, env.bank):
            partner.drive(ctx, dut)
            partner.look(ctx, dut)
        ended = ctx.get(dut.end_flight.ready)
        await ctx.tick()
        return ended

    def in_flight(ctx, n):
        return ctx.get(store.pirqs.data[n]).infl

    async def bench(ctx):
        await start(ctx, dut)
        for n in (1, 2):
            for k in lanes:
                for arg, value in ((0x1300, n), (0x1304, k), (0x130C, 0x20)):
                    await env.access(ctx, WINDOW + arg, value)
        ctx.set(dut.end_flight.payload, 1)
        for delay in range(60):
            while in_flight(ctx, 1) != (1 << len(lanes)) - 1:
                await cycle(ctx, 0)
            for _ in range(delay):
                await cycle(ctx, 0)
            wait = 1
            while not await cycle(ctx, 1):
                wait += 1
                assert wait < LIMIT, delay
            waits.add(wait)
            assert in_flight(ctx, 1) == 0
            assert [ctx.get(store.inflight_count.data[k]) for k in lanes] == [
                in_flight(ctx, 2) >> k & 1 for k in lanes]

    simulate(dut, bench)
    # A target of such a grant takes 6 cycles, and each lane 4 to end.
    soonest = 3 + 4 * len(lanes)
    assert min(waits) == soonest and max(waits) <= soonest + 6 * len(lanes)
