"""Time and agents: steps a controller cycle by cycle, or past cycles in which nothing happens."""

import math
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from .link import Link

__all__ = ["Context", "Wait", "World"]

_MASK = (1 << 32) - 1
#: Clock edges without a look: so many that a second passes at most.
_AT_MOST = 1 << 18


class Wait:
    """What an agent waits for: a cycle, a condition, or the first of the two.

    Parameters
    ----------
    until : float
        Cycle at which it goes on whatever the condition.
    ready : callable, optional
        Condition on outputs and other agents, never on time.
    signals : tuple
        Signals to sample, into ``values``, right before the clock edge after which it goes on.
    condition : signal, optional
        It goes on after the first edge before which this is 1.
    """

    __slots__ = ("condition", "ready", "signals", "until", "values")

    def __init__(self, until: float, ready: Callable[[], Any] | None = None,
                 signals: tuple[Any, ...] = (), condition: Any = None):
        self.until, self.ready, self.signals = until, ready, signals
        self.condition = condition
        self.values: list[Any] = []

    def __await__(self) -> Generator["Wait", None, None]:
        yield self


class World:
    """Agents around one controller.

    An agent is a coroutine that awaits `Wait` objects. Agents go on after a clock edge, in the
    order in which they were added, until none of them has anything to do in this cycle. If then
    the controller is idle and no input was changed since the edge, time jumps to the cycle
    before the next in which an agent or a timer of the controller wants to act (GEN-07). So an
    agent sees the same cycle numbers whether time is skipped or not.

    Parameters
    ----------
    link : Link
        The controller.
    skip : bool
        Whether idle time may be skipped.

    Attributes
    ----------
    now : int
        Cycles since reset, not wrapped.
    events : Events
        Outputs in this cycle.
    irq, wake : int
        Those of them that are asked for most.
    ticks, skipped : int
        Cycles that were clocked, and that were not.
    watchers : list of callables
        Called before the agents, in every cycle in which an output may mean something.
    ctx : Context
        For agents that are written for `amaranth.sim` testbenches.
    """

    def __init__(self, link: Link, *, skip: bool = True):
        self.link, self._skip = link, skip
        self.now = self.ticks = self.skipped = 0
        self._look()
        self.watchers: list[Callable[[], None]] = []
        self.ctx = Context(self)
        self._agents: list[tuple[Coroutine[Wait, None, Any], Wait]] = []
        self._dirty = True

    def add(self, agent: Coroutine[Any, Any, Any]) -> None:
        """Start an agent; it runs for the first time in the next step."""
        self._agents.append((agent, Wait(self.now)))

    def set_pin(self, n: int, level: int) -> None:
        """Drive interrupt line n from now on."""
        self.link.set_pin(n, level)
        self._dirty = True

    def set(self, signal: Any, value: int) -> None:
        """Set a signal of the bus; for its masters."""
        self.link.set(signal, value)
        self._dirty = True

    def after(self, cycles: int) -> Wait:
        """Wait so many cycles."""
        return Wait(self.now + cycles)

    def until(self, cycle: float) -> Wait:
        """Wait for a cycle; not at all if it has come."""
        return Wait(cycle)

    def when(self, ready: Callable[[], Any], until: float = math.inf) -> Wait:
        """Wait until a condition holds, or the cycle `until` has come."""
        return Wait(until, ready)

    async def run(self, task: Coroutine[Any, Any, Any]) -> Any:
        """Step until `task`, an agent like the others, has ended; its result.

        Raises
        ------
        RuntimeError
            If the controller is idle, nobody has a time to wait for, and the task has not ended.
        """
        result: list[Any] = []

        async def main() -> None:
            result.append(await task)

        self.add(main())
        self._act()
        while not result:
            await self._pass_time()
            self._act()
        return result[0]

    def close(self) -> None:
        """End all agents."""
        for agent, _ in self._agents:
            agent.close()
        self._agents.clear()

    async def _pass_time(self) -> None:
        link, now = self.link, self.now
        horizon = math.inf
        for _, wait in self._agents:
            if wait.condition is not None and link.get(wait.condition):
                wait.until = now + 1
            if wait.signals and wait.until == now + 1:
                wait.values = [link.get(signal) for signal in wait.signals]
            if wait.until < horizon:
                horizon = wait.until
        if self._skip and not self._dirty and self.events.idle:
            self._jump(horizon)
        self._dirty = False
        passed = await link.run(min(horizon - self.now, _AT_MOST), self._skip)
        self.now += passed
        self.ticks += passed
        self._look()
        for watch in self.watchers:
            watch()

    def _look(self) -> None:
        self.events = events = self.link.events()
        self.irq, self.wake = events.irq, events.wake

    def _jump(self, horizon: float) -> None:
        event = self.events.next_event
        if event is not None:
            horizon = min(horizon, self.now + (event - self.now & _MASK))
        if horizon == math.inf:
            raise RuntimeError(f"nothing can happen any more after cycle {self.now}")
        free = int(horizon) - 1 - self.now
        if free > 0:
            self.now += free
            self.skipped += free
            self.link.skip(self.now, free)

    def _act(self) -> None:
        """Let agents go on until none has anything to do in this cycle."""
        moved = True
        while moved:
            moved = False
            agents, self._agents = self._agents, []
            for agent, wait in agents:
                if wait.until <= self.now or (wait.ready is not None and wait.ready()):
                    moved = True
                    try:
                        wait = agent.send(None)
                    except StopIteration:
                        continue
                self._agents.append((agent, wait))


class _Tick:
    """Awaitable like that of ``ctx.tick()``, as far as agents use it."""

    def __init__(self, world: World, signals: tuple[Any, ...] = (), count: int = 1):
        self._world, self._signals, self._count = world, signals, count

    def sample(self, *signals: Any) -> "_Tick":
        return _Tick(self._world, (*self._signals, *signals), self._count)

    def repeat(self, count: int) -> "_Tick":
        return _Tick(self._world, self._signals, count)

    async def until(self, condition: Any) -> tuple[Any, ...]:
        wait = Wait(math.inf, None, self._signals, condition)
        await wait
        return tuple(wait.values)

    def __await__(self) -> Generator[Wait, None, tuple[Any, ...]]:
        wait = Wait(self._world.now + self._count, None, self._signals)
        yield wait
        return True, False, *wait.values


class Context:
    """What agents see of a world: ``set``, ``get`` and ``tick`` of a testbench context.

    Parameters
    ----------
    world : World
        Whose.
    """

    def __init__(self, world: World):
        self._world = world

    def set(self, signal: Any, value: int) -> None:
        """Set an input."""
        self._world.set(signal, value)

    def get(self, signal: Any) -> Any:
        """Read a signal."""
        return self._world.link.get(signal)

    def when(self, ready: Callable[[], Any]) -> Wait:
        """Wait until other agents make a condition hold."""
        return self._world.when(ready)

    def tick(self) -> _Tick:
        """Wait for a clock edge; with ``sample``, ``repeat`` and ``until``."""
        return _Tick(self._world)
