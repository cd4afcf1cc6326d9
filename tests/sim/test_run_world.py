"""Time and agents: who goes on when, and how far time may jump."""

import asyncio
from types import SimpleNamespace

import pytest

from vapic import Config
from vapic.controller import Controller
from vapic_sim.world.link import Events
from vapic_sim.world.simulated import simulate
from vapic_sim.world.world import World

pytestmark = pytest.mark.simulates


class Link:
    """A controller that does nothing but have timers, at which it needs a clock edge."""

    def __init__(self, timers=(), start=0):
        self.timers, self.now, self.clocked, self.values = list(timers), start, [], {"a": 0}

    def set(self, signal, value):
        self.values[signal] = value

    def get(self, signal):
        return self.values[signal]

    def set_pin(self, n, level):
        self.values["pin", n] = level

    def events(self):
        later = [t for t in self.timers if t > self.now]
        return Events(irq=int(self.now in self.timers),
                      next_event=min(later) & 0xFFFFFFFF if later else None)

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


@pytest.mark.parametrize("change", [
    lambda world: world.set("a", 1), lambda world: world.set_pin(0, 1)])
def test_an_input_change_is_clocked_before_time_jumps(change):
    link = Link()
    world = World(link)

    async def task():
        await world.until(10)
        change(world)
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
        world.ctx.set("a", 7)
        return await world.ctx.tick().sample("a").repeat(2), world.ctx.get("a"), world.now

    assert run(world, task()) == ((True, False, 7), 7, 2)


def test_lines_of_a_simulated_controller():
    """Each line keeps what it was given; there are no others."""
    config = Config(rtes=3, irts=0, vcpus=1, lanes=1, domains=2, ports=32)
    dut, seen = Controller(config), []

    async def body(link):
        for n, level in ((2, 1), (0, 1), (2, 0), (2, 0), (1, 1)):
            link.set_pin(n, level)
            await link.run(1, False)
            seen.append(link.get(dut.pin))
        for n in (3, -1):
            with pytest.raises(ValueError, match=rf"line must be 0\.\.2, not {n}"):
                link.set_pin(n, 1)
        while not link.events().ready:
            await link.run(1000, False)
        seen.append(link.events()._replace(idle=True))

    simulate(dut, body)
    assert seen == [0b100, 0b101, 0b001, 0b001, 0b011, Events()]
