"""A compiled model in memory: its functions, its words, and where signals are in them."""

import ctypes
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amaranth.hdl import Signal

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
        for signal, start in self._outside.values():
            self._store_initial(signal, start)
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
        key = id(signal)
        if key not in self._outside:
            count = -(-len(signal) // 64)
            if self._outside_used + count > _OUTSIDE:
                raise MemoryError(f"signals outside the design have over {64 * _OUTSIDE} bits")
            start = self._outside_at + self._outside_used
            self._outside_used += count
            self._outside[key] = signal, start
            self._store_initial(signal, start)
        start = self._outside[key][1]
        return [(start + i // 64, 0, min(64, len(signal) - i)) for i in range(0, len(signal), 64)]

    def row(self, memory: Any, index: int) -> list[Piece]:
        """Parts of a row of a memory of the design."""
        number = self.contents.memories.get(memory)
        if number is None:
            raise KeyError(f"memory {memory!r} is not part of the design")
        offset, _, width, size = self.description.memories[number]
        at = offset + index * size
        return [((at + i // 8) // 8, (at + i // 8) % 8 * 8, min(64, width - i))
                for i in range(0, width, 64)]

    def wakes(self, word: int) -> list[tuple[int, int]]:
        """(word, bits) to set when a word of state is changed."""
        return self.description.wakes.get(word, [])

    def memory_wakes(self, memory: Any) -> list[tuple[int, int]]:
        """(word, bits) to set when a memory is changed."""
        return self.description.memory_wakes[self.contents.memories[memory]]

    def edge(self, word: int, bit: int, kind: str) -> int:
        """Number of a clock edge of the design; -1 if nothing waits for it."""
        try:
            return [tuple(edge) for edge in self.description.edges].index((word, bit, kind))
        except ValueError:
            return -1

    def _store_initial(self, signal: Signal, start: int) -> None:
        for i in range(-(-len(signal) // 64)):
            width = min(64, len(signal) - 64 * i)
            self.words[start + i] = signal.init >> 64 * i & (1 << width) - 1
