"""Signals and memories of a model as Amaranth's own simulator code wants to see them.

Through this, assignments to any left-hand side and the writing of waveforms are Amaranth's.
"""

from typing import Any

from amaranth.hdl import Shape, Signal
from amaranth.hdl import _ast as ast

from .expressions import reader
from .library import Model

__all__ = ["State"]


class _Slot:
    """A signal."""

    __slots__ = ("_engine", "_pieces", "_read", "is_comb", "signal")

    def __init__(self, engine: Any, model: Model, signal: Signal):
        self._engine, self.signal = engine, signal
        self._pieces = model.pieces(signal)
        self._read = reader(model, [signal], lambda word: f"w[{word}]", model.words, settle=True)
        number = model.contents.signals.get(signal)
        self.is_comb = number is not None and number in model.contents.combinational

    @property
    def curr(self) -> int:
        """Value now."""
        return self._read()

    next = curr

    def update(self, value: int) -> None:
        """Set it."""
        self._engine.store(self._pieces, value)


class _Memory:
    """A memory."""

    __slots__ = ("_engine", "_memory", "_model", "_signed", "_width")

    def __init__(self, engine: Any, model: Model, memory: Any):
        self._engine, self._model, self._memory = engine, model, memory
        shape = Shape.cast(memory.shape)
        self._width, self._signed = shape.width, shape.signed

    def read(self, address: int) -> int:
        """Row as a number; 0 beyond the last one."""
        if address not in range(self._memory.depth):
            return 0
        value, at = 0, 0
        for word, bit, width in self._model.row(self._memory, address):
            value |= (self._model.words[word] >> bit & (1 << width) - 1) << at
            at += width
        if self._signed and value >> self._width - 1 & 1:
            value -= 1 << self._width
        return value

    def write(self, address: int, value: int, mask: int | None = None) -> None:
        """Set bits of a row."""
        if address in range(self._memory.depth):
            if mask is not None:
                value = value & mask | self.read(address) & ~mask
            self._engine.store(self._model.row(self._memory, address), value,
                               self._model.memory_wakes(self._memory))


class State:
    """Slots of signals and memories, made when they are asked for.

    Parameters
    ----------
    engine : CompiledEngine
        Stores values.
    model : Model
        The model.
    """

    def __init__(self, engine: Any, model: Model):
        self._engine, self._model = engine, model
        self.slots: list[Any] = []
        self._signals: Any = ast.SignalDict()
        self._memories: dict[Any, int] = {}

    def get_signal(self, signal: Signal) -> int:
        """Number of a signal's slot."""
        if signal not in self._signals:
            self._signals[signal] = len(self.slots)
            self.slots.append(_Slot(self._engine, self._model, signal))
        return self._signals[signal]

    def get_memory(self, memory: Any) -> int:
        """Number of a memory's slot."""
        if memory not in self._memories:
            self._memories[memory] = len(self.slots)
            self.slots.append(_Memory(self._engine, self._model, memory))
        return self._memories[memory]
