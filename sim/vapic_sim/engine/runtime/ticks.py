"""``ctx.tick()`` of the compiled engine: same interface as Amaranth's, waiting without Python."""

import operator
from collections.abc import AsyncIterator, Generator
from typing import Any

from amaranth.hdl import Shape, Value, ValueCastable, ValueLike
from amaranth.sim import DomainReset, _async

from .waits import EdgeWait

__all__ = ["TickTrigger"]

#: Conditions that one trigger remembers.
_REMEMBERED = 64


class TickTrigger(_async.TickTrigger):
    """A tick trigger; see `amaranth.sim.TickTrigger`.

    ``until`` and ``repeat`` return to Python only when they are done. Domains with asynchronous
    reset, and conditions of over 64 bits or with operators that `runtime.c` hasn't, are looked at
    on every edge by Amaranth's own code.
    """

    __slots__ = ("_domain", "_engine", "_process", "_sampled", "_wait", "_waits")

    def __init__(self, engine: Any, process: Any, *, domain: Any, sampled: tuple[Any, ...] = ()):
        self._engine, self._process = engine, process
        self._domain, self._sampled = domain, sampled
        self._wait: EdgeWait | None = None
        self._waits: dict[int, tuple[Any, EdgeWait]] = {}

    def sample(self, *exprs: Any) -> "TickTrigger":
        return TickTrigger(self._engine, self._process, domain=self._domain,
                            sampled=(*self._sampled, *exprs))

    def _slow(self) -> bool:
        return self._domain.async_reset and self._domain.rst is not None

    def _plain(self) -> EdgeWait:
        """What waits for the edge alone."""
        wait = self._wait
        if wait is None or not wait.placed:
            wait = self._wait = self._engine.tick_wait(
                self._process, self._domain, self._sampled)
        return wait

    def _conditional(self, condition: Any) -> EdgeWait | None:
        """What waits for a condition; None if the model can't evaluate it by itself."""
        found = self._waits.get(id(condition))
        if found is not None and found[0] is condition and found[1].placed:
            return found[1]
        if self._slow() or not isinstance(condition, ValueLike) or (
                isinstance(condition, ValueCastable)
                and not isinstance(condition.shape(), Shape)):
            return None
        wait = self._engine.tick_wait(self._process, self._domain, self._sampled,
                                      Value.cast(condition))
        if not wait.native:
            return None
        if len(self._waits) >= _REMEMBERED:
            self._waits.clear()
        self._waits[id(condition)] = condition, wait
        return wait

    def __await__(self) -> Generator[Any, None, tuple[Any, ...]]:
        if self._slow():
            return (yield from super().__await__())
        wait = self._plain().arm()
        yield wait
        reset, *values = wait.values()
        return (True, bool(reset), *values)

    async def until(self, condition: ValueLike) -> tuple[Any, ...]:
        wait = self._conditional(condition)
        if wait is None:
            return await super().until(condition)
        reset, *values = await wait.arm()
        if reset:
            raise DomainReset
        return tuple(values)

    async def repeat(self, count: int) -> tuple[Any, ...]:
        if self._slow() or (count := operator.index(count)) <= 0:
            return await super().repeat(count)
        reset, *values = await self._plain().arm(count)
        if reset:
            raise DomainReset
        return tuple(values)

    async def __aiter__(self) -> AsyncIterator[tuple[Any, ...]]:
        if self._slow():
            async for values in super().__aiter__():
                yield values
            return
        wait = self._engine.tick_wait(self._process, self._domain, self._sampled,
                                      stays=True).arm()
        try:
            while True:
                reset, *values = await wait
                yield (True, bool(reset), *values)
        finally:
            self._engine.release(wait)

