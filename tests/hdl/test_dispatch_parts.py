# amaranth: UnusedElaboratable=no
"""Claims about dispatch that need a scene of their own, and its parts alone."""

import random

import pytest

from vapic import Config
from vapic.dispatch.deliver import Delivery
from vapic.dispatch.explain import TraceQueue
from vapic.dispatch.rotation import Rotation
from vapic.dispatch.snapshot import LaneKey
from vapic.dispatch.tournament import Tournament
from vapic.dispatch.unit import Dispatch
from vapic.layouts import AcceptResult, Mode, Policy
from vapic_sim.harness import simulate

SMALL = Config(rtes=4, irts=4, vcpus=4, lanes=4, domains=2, ports=64)


def lane(k, **changes):
    return {"online": 1, "enabled": 1, "svr_enabled": 1, "id": k, "v": k, "flat": 1} | changes


def entry(**changes):
    return {"vector": 0x31, "mode": Mode.LOWEST, "dest": 0xFF, "allow": 7, "policy": 0,
            "owned": 1, "dom": 1} | changes


async def write(ctx, dut, k, **row):
    ctx.set(dut.lane_write, {"en": 1, "dom": 1, "lanes": 1 << k, "row": lane(k, **row)})
    await ctx.tick()
    ctx.set(dut.lane_write.en, 0)


async def note(ctx, dut, k):
    """Notice of a write in the next cycle."""
    ctx.set(dut.lane_note, {"valid": 1, "dom": 1, "k": k, "config": 1})
    await ctx.tick()
    ctx.set(dut.lane_note.valid, 0)


async def start(ctx, dut):
    """Offer a request; the next cycle is C0."""
    await ctx.tick().until(dut.ready)
    ctx.set(dut.globals, {"enable": 1, "lpcfg": 8, "pull_depth": 1})
    ctx.set(dut.requests.ok, 1)
    ctx.set(dut.requests.request, entry())
    ctx.set(dut.accept.target.ready, 1)


async def winner(ctx, dut):
    """The vCPU that is offered the grant, and whether a decision in that cycle would commit."""
    for _ in range(20):
        if ctx.get(dut.accept.target.valid):
            return ctx.get(dut.accept.target.payload.v), ctx.get(dut.accept.ok)
        await ctx.tick()
        ctx.set(dut.requests.offer, 0)
    raise AssertionError("nobody was chosen")


async def finish(ctx, dut, result=AcceptResult.SET):
    await ctx.tick()
    ctx.set(dut.accept.done, {"valid": 1, "result": result})
    await ctx.tick()
    ctx.set(dut.accept.done.valid, 0)
    await ctx.tick().repeat(2)


def test_a_write_is_in_the_snapshot_from_the_next_cycle_on():
    dut = Dispatch(SMALL)

    async def bench(ctx):
        await start(ctx, dut)
        for k in range(4):
            await write(ctx, dut, k, ppr=0x80, tpr=0x40 + k)
        await ctx.tick().repeat(5)
        assert ctx.get(dut.quiet)
        # Decided in C0-1: seen, and no reason to abort.
        await note(ctx, dut, 2)
        await write(ctx, dut, 2, tpr=0x10)
        ctx.set(dut.requests.offer, 1)
        assert ctx.get(dut.requests.take)
        assert await winner(ctx, dut) == (2, 1)
        await finish(ctx, dut)
        # Decided in C0: not seen, and the winner's lane is not what it was.
        await note(ctx, dut, 2)
        ctx.set(dut.requests.offer, 1)
        assert ctx.get(dut.requests.take)
        await write(ctx, dut, 2, tpr=0xF0)
        ctx.set(dut.requests.offer, 0)
        assert await winner(ctx, dut) == (2, 0)
        await finish(ctx, dut, AcceptResult.ABORT)
        # Now seen; another lane's change does not matter.
        await note(ctx, dut, 3)
        ctx.set(dut.requests.offer, 1)
        await write(ctx, dut, 3, tpr=0x01)
        ctx.set(dut.requests.offer, 0)
        assert await winner(ctx, dut) == (0, 1)
        await finish(ctx, dut)

    simulate(dut, bench)


def test_reset_in_the_middle_of_traffic_forgets_every_lane():
    from amaranth import Module, ResetInserter, Signal

    dut, reset, m = Dispatch(SMALL), Signal(), Module()
    m.submodules.dut = ResetInserter(reset)(dut)

    async def bench(ctx):
        await start(ctx, dut)
        for k in range(4):
            await write(ctx, dut, k)
        await ctx.tick().repeat(3)
        assert [ctx.get(mem.data[1].present) for mem in dut.lanes.row_memories] == [1] * 4
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        ctx.set(dut.requests.offer, 1)
        for _ in range(SMALL.domains):
            assert not ctx.get(dut.ready) and not ctx.get(dut.requests.take)
            await ctx.tick()
        assert ctx.get(dut.ready) and ctx.get(dut.requests.take)
        for memories in (dut.lanes.row_memories, dut.lanes.out_memories):
            assert all(ctx.get(mem.data[dom].as_value() if mem.shape != 8 else mem.data[dom]) == 0
                       for mem in memories for dom in range(SMALL.domains))

    simulate(m, bench)


@pytest.mark.parametrize("lanes", [1, 3, 4, 16, 33, 64])
def test_tournament_finds_the_smallest(lanes):
    dut, rng = Tournament(lanes=lanes, tie_bits=3, key_bits=8), random.Random(lanes)
    assert dut.latency == (1 if lanes <= 4 else 2 if lanes <= 16 else 3)

    async def bench(ctx):
        rounds = []
        for _ in range(150):
            pick = rng.getrandbits(lanes) & rng.getrandbits(lanes)
            keys = [rng.choice([3, 4, 250]) for _ in range(lanes)]
            ties = [rng.randrange(8) for _ in range(lanes)]
            ctx.set(dut.pick, pick)
            ctx.set(dut.keys, keys)
            ctx.set(dut.ties, ties)
            rounds.append([(keys[k], ties[k], k) for k in range(lanes) if pick >> k & 1])
            await ctx.tick()
            if len(rounds) >= dut.latency:
                last = rounds[-dut.latency]
                assert ctx.get(dut.found) == bool(last)
                if last:
                    key, _, k = min(last)
                    assert (ctx.get(dut.key), ctx.get(dut.k)) == (key, k)

    simulate(dut, bench)


def test_trace_queue_holds_its_depth_and_drops_the_rest():
    dut = TraceQueue(SMALL)

    async def bench(ctx):
        assert ctx.get(dut.quiet)
        ctx.set(dut.push, 1)
        for n in range(SMALL.trace_depth + 3):
            ctx.set(dut.record, {"now": n, "n": n % 8, "kind": n % 4, "policy": Policy.STATIC,
                                 "key": 7})
            assert ctx.get(dut.dropped) == (n >= SMALL.trace_depth)
            await ctx.tick()
        ctx.set(dut.push, 0)
        assert ctx.get(dut.trace.valid) and ctx.get(dut.quiet)
        ctx.set(dut.trace.ready, 1)
        for n in range(SMALL.trace_depth):
            assert not ctx.get(dut.quiet)
            record = ctx.get(dut.trace.payload)
            assert (record.now, record.kind, record.key) == (n, n % 4, 7)
            assert record.policy is Policy.STATIC
            await ctx.tick()
        assert not ctx.get(dut.trace.valid) and ctx.get(dut.quiet)

    simulate(dut, bench)


@pytest.mark.parametrize("lanes", [1, 3, 4])
def test_rotation_goes_from_the_last_lane_to_the_first(lanes):
    dut = Rotation(Config(vcpus=lanes, lanes=lanes, domains=2))

    async def bench(ctx):
        ctx.set(dut.rotate, 1)
        ctx.set(dut.dom, 1)
        for k in range(lanes):
            ctx.set(dut.k, k)
            await ctx.tick()
            assert [ctx.get(pointer) for pointer in dut.pointers] == [0, (k + 1) % lanes]
        # In one cycle a write beats a rotation of its domain and leaves that of another.
        ctx.set(dut.k, 0)
        for dom in (1, 0):
            ctx.set(dut.rotate, 0)
            ctx.set(dut.write, {"en": 1, "dom": dom, "value": lanes - 1})
            await ctx.tick()
            ctx.set(dut.write.en, 0)
            ctx.set(dut.rotate, 1)
            await ctx.tick()
            assert ctx.get(dut.pointers[dom]) == lanes - 1
        assert ctx.get(dut.pointers[1]) == 1 % lanes

    simulate(dut, bench)


def test_delivery_of_more_targets_than_fit_under_way():
    config = Config(vcpus=64, lanes=64)
    dut, got, decided, under_way = Delivery(config), [], [], set()

    async def bench(ctx):
        deciding, count = False, 0
        ctx.set(dut.targets, (1 << 64) - 1)
        ctx.set(dut.v, list(range(64)))
        ctx.set(dut.start, 1)
        ctx.set(dut.hold_ack, 1)
        ctx.set(dut.ready, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for cycle in range(400):
            # What was decided in the cycle before is told in this one.
            ctx.set(dut.done, deciding)
            if deciding:
                decided.append(ctx.get(dut.decided.v))
                assert ctx.get(dut.ended) == (len(decided) == 64)
            deciding = len(got) > count and (len(got) == 1 or cycle > 40)
            ctx.set(dut.deciding, deciding)
            if deciding:
                assert ctx.get(dut.checked) == (count == 0)
                count += 1
            if ctx.get(dut.valid):
                got.append(ctx.get(dut.target.k))
            under_way.add(len(got) - count)
            await ctx.tick()
        assert not ctx.get(dut.hold)

    simulate(dut, bench)
    assert got == decided == list(range(64))
    assert max(under_way) == 15


@pytest.mark.parametrize("lanes", [-1, 0])
def test_tournament_wrong(lanes):
    with pytest.raises(ValueError, match=rf"lanes must be at least 1, not {lanes}$"):
        Tournament(lanes=lanes, tie_bits=1, key_bits=8)
    with pytest.raises(ValueError, match=r"tie_bits must be at least 1, not 0$"):
        Tournament(lanes=4, tie_bits=0, key_bits=8)
    with pytest.raises(ValueError, match=r"key_bits must be at least 1, not 0$"):
        Tournament(lanes=4, tie_bits=1, key_bits=0)


@pytest.mark.parametrize("number", [-1, 4])
def test_lane_key_wrong(number):
    with pytest.raises(ValueError, match=rf"lane must be 0\.\.3, not {number}$"):
        LaneKey(SMALL, lane=number)
