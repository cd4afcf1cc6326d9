"""Waiting for a clock edge: prepared once for what is waited for and sampled, used many times."""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from amaranth.hdl import ShapeCastable, Value, ValueCastable
from amaranth.sim import BrokenTrigger

from .expressions import condition, reader, words_of
from .tables import W_COUNT, W_SIZE, Tables

__all__ = ["EdgeWait", "sampled"]


def sampled(values: Sequence[Any]) -> tuple[list[Value], list[tuple[int, Any]]]:
    """(values without their shapes, (place, shape) of those that have one to convert to)."""
    casts, shapes = [], []
    for i, value in enumerate(values):
        casts.append(Value.cast(value))
        if isinstance(value, ValueCastable) and isinstance(value.shape(), ShapeCastable):
            shapes.append((i, value.shape()))
    return casts, shapes


class EdgeWait:
    """What a testbench awaits at a clock edge.

    Parameters
    ----------
    tables : Tables
        Of the model.
    process : object
        The testbench; ``waits_on`` is set by who resumes it.
    clock : (int, int, int)
        Word and bit of the clock, and its level after the edge.
    values : sequence of values
        Sampled right before the edge.
    until : Value, optional
        Only an edge at which this is not 0 counts.
    reset : Value, optional
        An edge at which this is 1 counts always.
    stays : bool
        Whether it keeps waiting while its testbench does something else.
    key : object
        What it is found by, kept alive.

    Attributes
    ----------
    number : int
        Of the waiter.
    placed : bool
        Whether it is in the tables.
    broken : bool
        An edge came while the testbench did something else.
    native : bool
        False if `until` is too wide for the model to evaluate it itself.
    """

    __slots__ = ("_program", "_read", "_reset", "_row", "_shapes", "_tables", "_values", "broken",
                 "key", "native", "number", "placed", "process", "stays")

    def __init__(self, tables: Tables, process: Any, clock: tuple[int, int, int],
                 values: Sequence[Any], *, until: Value | None = None,
                 reset: Value | None = None, stays: bool = False, key: Any = None):
        model = tables.model
        self._tables, self.process, self.stays, self.key = tables, process, stays, key
        self.broken = False
        self._values, self._shapes = sampled(values)
        self._program = None if until is None else condition(model, until)
        self._reset = None if reset is None else condition(model, reset)
        self.native = until is None or self._program is not None
        tested = [value for value in (until, reset) if value is not None]
        cold = any(model.is_cold(word) for value in (*self._values, *tested)
                   for word in words_of(model, value))
        if cold:
            tables.need_cold()
        self._row = (*clock, int(stays), int(cold))
        self.place()

    def place(self) -> None:
        """Write what the model must know into its tables."""
        tables, model = self._tables, self._tables.model
        words = list(dict.fromkeys(
            word for value in self._values for word in words_of(model, value)))
        start = tables.add_captures(words)
        where = {word: start + i for i, word in enumerate(words)}
        self._read: Callable[[], Any] | None = reader(
            model, self._values, lambda word: f"w[{where[word]}]", tables.captured,
            settle=False) if self._values else None
        word, bit, level, stays, cold = self._row
        programs = [-1 if program is None else tables.add_code(program)
                    for program in (self._program, self._reset)]
        self.placed = True
        self.number = tables.add_waiter(
            [word, bit, level, 0, *programs, len(words), start, stays, cold])

    def arm(self, count: int = 1) -> "EdgeWait":
        """Wait for so many edges."""
        self._tables.arm(self.number, count)
        return self

    def values(self) -> tuple[Any, ...]:
        """What was sampled."""
        if self._read is None:
            return ()
        values = self._read()
        if type(values) is not tuple:
            values = (values,)
        if self._shapes:
            converted = list(values)
            for i, shape in self._shapes:
                converted[i] = shape.from_bits(converted[i])
            return tuple(converted)
        return values

    def hit(self) -> bool:
        """Note an edge; whether the testbench waits for it."""
        if self.process.waits_on is self:
            return True
        self.broken = True
        if self.stays:
            self._tables.disarm(self.number)
        return False

    def left(self) -> int:
        """Edges still to come, of those asked for."""
        return self._tables.waiters[self.number * W_SIZE + W_COUNT]

    def initial_eligible(self) -> bool:
        """Whether it is activated at the very start: never."""
        return False

    def __await__(self) -> Generator["EdgeWait", None, tuple[Any, ...]]:
        if self.broken:
            raise BrokenTrigger
        yield self
        if self.broken:
            raise BrokenTrigger
        return self.values()
