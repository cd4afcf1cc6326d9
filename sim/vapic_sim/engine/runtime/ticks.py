"""``ctx.tick()`` of the compiled engine: same interface as Amaranth's, waiting without Python."""

import operator
from collections.abc import AsyncIterator, Generator
from typing import Any

from amaranth.hdl import Shape, Value, ValueCastable, ValueLike
from amaranth.sim import DomainReset
from amaranth.sim._async import TickTrigger

from .waits import EdgeWait

__all__ = ["CompiledTick"]


class CompiledTick(TickTrigger):
    """A tick trigger; see `amaranth.sim.TickTrigger`.

    ``until`` and ``repeat`` return to Python only when they are done. Domains with asynchronous
    reset, and conditions of over 64 bits or with operators that `runtime.c` hasn't, are looked at
    on every edge by Amaranth's own code.
    """

    __slots__ = ("_domain", "_engine", "_process", "_sampled")

    def __init__(self, engine: Any, process: Any, *, domain: Any, sampled: tuple[Any, ...] = ()):
        self._engine, self._process = engine, process
        self._domain, self._sampled = domain, sampled

    def sample(self, *exprs: Any) -> "CompiledTick":
        return CompiledTick(self._engine, self._process, domain=self._domain,
                            sampled=(*self._sampled, *exprs))

    def _wait(self, until: Value | None = None, *, stays: bool = False) -> EdgeWait:
        return self._engine.tick_wait(self._process, self._domain, self._sampled, until, stays)

    def _slow(self) -> bool:
        return self._domain.async_reset and self._domain.rst is not None

    def __await__(self) -> Generator[Any, None, tuple[Any, ...]]:
        if self._slow():
            return (yield from super().__await__())
        reset, *values = yield from self._wait().arm().__await__()
        return (True, bool(reset), *values)

    async def until(self, condition: ValueLike) -> tuple[Any, ...]:
        if isinstance(condition, ValueLike):
            if not isinstance(condition, ValueCastable) or isinstance(condition.shape(), Shape):
                cast = Value.cast(condition)
                wait = None if self._slow() else self._wait(cast)
                if wait is not None and wait.native:
                    reset, *values = await wait.arm()
                    if reset:
                        raise DomainReset
                    return tuple(values)
        return await super().until(condition)

    async def repeat(self, count: int) -> tuple[Any, ...]:
        if self._slow() or (count := operator.index(count)) <= 0:
            return await super().repeat(count)
        reset, *values = await self._wait().arm(count)
        if reset:
            raise DomainReset
        return tuple(values)

    async def __aiter__(self) -> AsyncIterator[tuple[Any, ...]]:
        if self._slow():
            async for values in super().__aiter__():
                yield values
            return
        wait = self._wait(stays=True).arm()
        try:
            while True:
                reset, *values = await wait
                yield (True, bool(reset), *values)
        finally:
            self._engine.release(wait)

