"""A compiled model in memory: its functions, its words, and where signals are in them."""

import ctypes
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amaranth.hdl import Shape, Signal

from ..compiler.fingerprint import Contents
from ..compiler.layout import Piece
from ..compiler.model import Description

__all__ = ["Model"]

#: Words for signals that aren't part of the design.
_OUTSIDE = 1 << 14


class Model:
    """One simulated design.

    Parameters
    ----------
    library : path
        Shared library of the model.
    cold : callable
        Gives the path of the library that computes values which the model doesn't keep.
    description : Description
        Where everything is.
    contents : Contents
        Numbers of the signals and memories of the design at hand.

    Attributes
    ----------
    words : array of int
        Memory of the model, then of signals outside the design, then of values not kept.
    address : int
        Of the first word.
    stale : bool
        Whether kept values may not follow from the state.
    cold_stale : bool
        The same of values that aren't kept.
    """

    def __init__(self, library: Path, cold: Callable[[], Path], description: Description,
                 contents: Contents):
        self.description, self.contents = description, contents
        self._cold_library = cold
        self._cold: Any = None
        code = ctypes.CDLL(str(library))
        if code.model_size() != description.size:
            raise RuntimeError(f"{library} is {code.model_size()} bytes, not {description.size}")
        self._outside_at = description.size // 8
        self._cold_at = self._outside_at + _OUTSIDE
        self.words = array("Q", bytes(8 * (self._cold_at + description.cold_words)))
        self.address = self.words.buffer_info()[0]
        self._outside: Any = {}
        self._outside_used = 0
        self._pointer = ctypes.c_void_p(self.address)
        for function in (code.model_run, code.model_clock, code.model_watch, code.model_reset,
                         code.model_rest):
            function.restype = ctypes.c_int
        code.model_run.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        code.model_clock.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
                                     ctypes.c_int64, ctypes.c_uint64)
        code.model_watch.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
        code.model_reset.argtypes = code.model_rest.argtypes = (ctypes.c_void_p,)
        self.code = code
        self.reset()

    def reset(self) -> None:
        """Take everything back to its initial value."""
        self.code.model_reset(self._pointer)
        for _, width, rows, start in self._outside.values():
            self._store_initial(width, rows, start)
        self.stale = self.cold_stale = True

    def settle(self) -> None:
        """Compute kept values from the state."""
        self.code.model_rest(self._pointer)
        self.stale = False

    def settle_cold(self) -> None:
        """Compute the values that aren't kept; for this a library is built the first time."""
        if self.stale:
            self.settle()
        self.cold(self._pointer, self.cold_address)
        self.cold_stale = False

    @property
    def cold(self) -> Any:
        """Function that computes the values that aren't kept."""
        if self._cold is None:
            self._cold = ctypes.CDLL(str(self._cold_library())).cold_values
            self._cold.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
            self._cold.restype = None
        return self._cold

    @property
    def cold_address(self) -> int:
        """Address of the words of values that aren't kept."""
        return self.address + 8 * self._cold_at

    def is_cold(self, word: int) -> bool:
        """Whether a word is of a value that isn't kept."""
        return word >= self._cold_at

    def is_derived(self, word: int) -> bool:
        """Whether a word follows from the state."""
        return self.description.state_words <= word < self.description.words \
            or word >= self._cold_at

    def pieces(self, signal: Signal) -> list[Piece]:
        """Parts of a signal, lowest first; the words are indices of `words`, or -1, -2."""
        number = self.contents.signals.get(signal)
        if number is not None:
            pieces = self.description.signals[number]
            if pieces or not len(signal):
                shift = self._cold_at - self.description.words
                return [(word + shift if word >= self.description.words else word, bit, width)
                        for word, bit, width in pieces]
        return self._place_outside(signal, len(signal), [signal.init])

    def _place_outside(self, thing: Any, width: int, rows: Any, index: int = 0) -> list[Piece]:
        """Parts of a row of something that isn't part of the design; a signal is one row."""
        each = -(-width // 64)
        if id(thing) not in self._outside:
            count = each * len(rows)
            if self._outside_used + count > _OUTSIDE:
                raise MemoryError(f"signals and memories outside the design have over "
                                  f"{64 * _OUTSIDE} bits")
            start = self._outside_at + self._outside_used
            self._outside_used += count
            self._outside[id(thing)] = thing, width, rows, start
            self._store_initial(width, rows, start)
        start = self._outside[id(thing)][-1] + index * each
        return [(start + i // 64, 0, min(64, width - i)) for i in range(0, width, 64)]

    def row(self, memory: Any, index: int) -> list[Piece]:
        """Parts of a row of a memory."""
        number = self.contents.memories.get(memory)
        if number is None:
            width = Shape.cast(memory.shape).width
            return self._place_outside(memory, width, memory._init._raw, index)
        offset, _, width, size = self.description.memories[number]
        at = offset + index * size
        return [((at + i // 8) // 8, (at + i // 8) % 8 * 8, min(64, width - i))
                for i in range(0, width, 64)]

    def wakes(self, word: int) -> list[tuple[int, int]]:
        """(word, bits) to set when a word of state is changed."""
        return self.description.wakes.get(word, [])

    def memory_wakes(self, memory: Any) -> list[tuple[int, int]]:
        """(word, bits) to set when a memory is changed."""
        number = self.contents.memories.get(memory)
        return [] if number is None else self.description.memory_wakes[number]

    def edge(self, word: int, bit: int, kind: str) -> int:
        """Number of a clock edge of the design; -1 if nothing waits for it."""
        try:
            return [tuple(edge) for edge in self.description.edges].index((word, bit, kind))
        except ValueError:
            return -1

    def _store_initial(self, width: int, rows: Any, start: int) -> None:
        for value in rows:
            for at in range(0, width, 64):
                self.words[start] = value >> at & (1 << min(64, width - at)) - 1
                start += 1
