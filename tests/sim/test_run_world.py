"""Time and agents: who goes on when, and how far time may jump."""

import asyncio
from types import SimpleNamespace

import pytest

from vapic_sim.world.world import World


class Link:
    """A controller that does nothing but have timers, at which it needs a clock edge."""

    def __init__(self, timers=(), start=0):
        self.dut = SimpleNamespace(**{n: n for n in (
            "irq", "wake", "idle", "next_event", "next_valid", "pin")})
        self.timers, self.now, self.clocked, self.values = list(timers), start, [], {"pin": 0}

    def set(self, signal, value):
        self.values[signal] = value

    def get(self, signal):
        later = [t for t in self.timers if t > self.now]
        return {"irq": int(self.now in self.timers), "wake": 0, "idle": 1,
                "next_valid": int(bool(later)), "next_event": min(later, default=0) & 0xFFFFFFFF,
                } .get(signal, self.values.get(signal))

    async def run(self, limit, idle):
        """One edge: more are allowed, not asked for."""
        assert limit >= 1
        self.now += 1
        self.clocked.append(self.now)
        return 1

    def skip(self, now, cycles):
        assert cycles > 0
        self.now = now


def run(world, task):
    return asyncio.run(world.run(task))


def test_jumps_end_before_agents_and_timers():
    link = Link(timers=[50, 300])
    world = World(link)

    async def task():
        await world.until(100)
        await world.after(100)
        await world.when(lambda: world.irq)
        return world.now

    assert run(world, task()) == 300
    # Cycle 1 because inputs may have been set before; then one edge for each event.
    assert link.clocked == [1, 50, 100, 200, 300]
    assert (world.ticks, world.skipped) == (5, 295)


def test_without_skipping_every_cycle_is_clocked():
    link = Link()
    world = World(link, skip=False)

    async def task():
        await world.until(40)

    run(world, task())
    assert link.clocked == list(range(1, 41))


def test_deadline_wraps_with_now():
    link = Link(timers=[(1 << 32) + 5])
    world = World(link)

    async def task():
        await world.until((1 << 32) - 10)
        await world.when(lambda: world.irq)
        return world.now

    assert run(world, task()) == (1 << 32) + 5


def test_an_input_change_is_clocked_before_time_jumps():
    link = Link()
    world = World(link)

    async def task():
        await world.until(10)
        world.set(link.dut.pin, 1)
        await world.until(20)

    run(world, task())
    assert link.clocked == [1, 10, 11, 20]


def test_nothing_left_to_happen_is_an_error():
    world = World(Link())

    async def task():
        await world.when(lambda: False)

    with pytest.raises(RuntimeError, match="nothing can happen any more after cycle 1"):
        run(world, task())
    world.close()


def test_agents_go_on_within_a_cycle_until_none_can():
    world, log, gate = World(Link()), [], SimpleNamespace(a=False, b=False)

    async def first():
        await world.when(lambda: gate.a)
        log.append(("first", world.now))
        gate.b = True

    async def second():
        await world.until(30)
        gate.a = True
        await world.when(lambda: gate.b)
        log.append(("second", world.now))

    async def task():
        await world.when(lambda: len(log) == 2, until=99)

    world.add(first())
    world.add(second())
    run(world, task())
    assert log == [("first", 30), ("second", 30)]


def test_context_samples_before_the_edge():
    link = Link()
    world = World(link)

    async def task():
        world.ctx.set("pin", 7)
        return await world.ctx.tick().sample("pin").repeat(2), world.ctx.get("pin"), world.now

    assert run(world, task()) == ((True, False, 7), 7, 2)
