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

    __slots__ = ("_engine", "_pending", "_pieces", "_read", "is_comb", "signal")

    def __init__(self, engine: Any, model: Model, signal: Signal):
        self._engine, self.signal = engine, signal
        self._pieces = model.pieces(signal)
        self._read = reader(model, [signal], lambda word: f"w[{word}]", model.words, settle=True)
        number = model.contents.signals.get(signal)
        self._pending: int | None = None
        self.is_comb = number is not None and number in model.contents.combinational

    @property
    def curr(self) -> int:
        """Value now."""
        return self._read()

    @property
    def next(self) -> int:
        """Value when processes have run."""
        return self._read() if self._pending is None else self._pending

    def update(self, value: int) -> None:
        """Set it: at once, or when processes have run if one sets it."""
        if self._engine.defer(self):
            self._pending = value
        else:
            self._engine.store(self._pieces, value)

    def discard(self) -> None:
        """Forget what a process has set."""
        self._pending = None

    def commit(self) -> None:
        """Set it to what a process has set."""
        value, self._pending = self._pending, None
        if value is not None:
            self._engine.store(self._pieces, value)


class _Memory:
    """A memory."""

    __slots__ = ("_engine", "_memory", "_model", "_pending", "_signed", "_width")

    def __init__(self, engine: Any, model: Model, memory: Any):
        self._engine, self._model, self._memory = engine, model, memory
        shape = Shape.cast(memory.shape)
        self._width, self._signed = shape.width, shape.signed
        self._pending: dict[int, int] = {}

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
        """Set bits of a row: at once, or when processes have run if one sets them."""
        if address not in range(self._memory.depth):
            return
        if mask is not None:
            old = self._pending.get(address)
            value = value & mask | (self.read(address) if old is None else old) & ~mask
        self._pending[address] = value
        if not self._engine.defer(self):
            self.commit()

    def discard(self) -> None:
        """Forget what a process has written."""
        self._pending.clear()

    def commit(self) -> None:
        """Set what was written."""
        wakes = self._model.memory_wakes(self._memory)
        for address, value in self._pending.items():
            self._engine.store(self._model.row(self._memory, address), value, wakes)
        self._pending.clear()


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
