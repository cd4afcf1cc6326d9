"""Signals that are watched for a change of any kind, not only for clock edges."""

from typing import Any

from amaranth.hdl import Signal

from .triggers import CombinedWait

__all__ = ["Watch"]


class Watch:
    """A signal that somebody waits on to change."""

    def __init__(self, engine: Any, signal: Signal):
        self._engine, self._signal = engine, signal
        self._read = engine.reader([signal])
        self._pieces = engine.model.pieces(signal)
        self._last = self._read()
        self._raw = engine.reader([signal], settle=False)
        self.waits: list[tuple[CombinedWait, Any]] = []

    def rows(self) -> list[tuple[int, int, int]]:
        """Words, masks, and what was last seen."""
        rows, at = [], 0
        for word, bit, width in self._pieces:
            mask = (1 << width) - 1
            if word >= 0:
                rows.append((word, mask << bit, (self._last >> at & mask) << bit))
            at += width
        return rows

    def look(self) -> None:
        """Tell those who wait, if it changed."""
        before, self._last = self._last, self._raw()
        if before != self._last:
            for wait, trigger in list(self.waits):
                wait.changed(trigger, before, self._last)
