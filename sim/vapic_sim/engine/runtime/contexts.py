"""What testbenches and processes are given: ``get``, ``set`` and the triggers, made fast."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Const, ShapeCastable, Value, ValueCastable
from amaranth.sim._async import ProcessContext, TestbenchContext

from .expressions import structure
from .ticks import TickTrigger

__all__ = ["CompiledProcessContext", "CompiledTestbenchContext"]

#: Expressions whose functions are remembered.
_REMEMBERED = 1 << 14


class _Common:
    """What both contexts have besides Amaranth's."""

    def tick(self, domain: Any = "sync", *, context: Any = None) -> TickTrigger:
        trigger = super().tick(domain, context=context)
        return TickTrigger(self._engine, self._process, domain=trigger._domain)

    def elapsed_time(self) -> float:
        """Simulated time in seconds."""
        return self._engine.now / 1e15

    def skip_time(self, interval: float) -> None:
        """Let simulated time pass in which nothing happens: clocks and delays wait as long.

        Parameters
        ----------
        interval : float
            Seconds.

        Raises
        ------
        ValueError
            If it is negative.
        """
        self._engine.skip_time(round(interval * 1e15))


class CompiledTestbenchContext(_Common, TestbenchContext):
    """Context of a testbench; see `amaranth.sim.SimulatorContext`."""

    def __init__(self, design: Any, engine: Any, process: Any):
        super().__init__(design, engine, process)
        self._gets: dict[int, tuple[Any, Callable[[], Any]]] = {}
        self._sets: dict[int, tuple[Any, Callable[[int], None], Any]] = {}
        self._readers: dict[Any, tuple[Value, Callable[[], Any]]] = {}
        self._writers: dict[Any, tuple[Value, Callable[[int], None]]] = {}
        self._ticks: dict[str, TickTrigger] = {}

    def get(self, expr: Any) -> Any:
        found = self._gets.get(id(expr))
        if found is not None and found[0] is expr:
            return found[1]()
        return self._getter(expr)()

    def _getter(self, expr: Any) -> Callable[[], Any]:
        value = Value.cast(expr)
        key = structure(value)
        found = self._readers.get(key)
        if found is None:
            if len(self._readers) >= _REMEMBERED:
                self._readers.clear()
            found = self._readers[key] = value, self._engine.reader([value])
        read = found[1]
        if isinstance(expr, ValueCastable):
            shape = expr.shape()
            if isinstance(shape, ShapeCastable):
                plain, convert = read, shape.from_bits

                def read() -> Any:
                    return convert(plain())

        if len(self._gets) >= _REMEMBERED:
            self._gets.clear()
        self._gets[id(expr)] = expr, read
        return read

    def set(self, expr: Any, value: Any) -> None:
        found = self._sets.get(id(expr))
        if found is None or found[0] is not expr:
            found = self._setter(expr)
        if type(value) is not int:
            if found[2] is not None:
                value = found[2].const(value)
            value = Const.cast(value).value
        elif found[2] is not None:
            value = Const.cast(found[2].const(value)).value
        found[1](value)

    def _setter(self, expr: Any) -> tuple[Any, Callable[[int], None], Any]:
        value, shape = Value.cast(expr), expr.shape() if isinstance(expr, ValueCastable) else None
        key = structure(value)
        found = self._writers.get(key)
        if found is None:
            if len(self._writers) >= _REMEMBERED:
                self._writers.clear()
            found = self._writers[key] = value, self._engine.writer(value)
        entry = expr, found[1], shape if isinstance(shape, ShapeCastable) else None
        if len(self._sets) >= _REMEMBERED:
            self._sets.clear()
        self._sets[id(expr)] = entry
        return entry

    def tick(self, domain: Any = "sync", *, context: Any = None) -> TickTrigger:
        if context is None and type(domain) is str:
            found = self._ticks.get(domain)
            if found is None:
                found = self._ticks[domain] = super().tick(domain)
            return found
        return super().tick(domain, context=context)


class CompiledProcessContext(_Common, ProcessContext):
    """Context of a process; see `amaranth.sim.SimulatorContext`."""

