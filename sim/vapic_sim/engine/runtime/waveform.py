"""Waveforms: Amaranth's own writer, told which signals and rows have changed."""

from array import array
from typing import Any

from amaranth.sim.pysim import _VCDWriter

__all__ = ["Recorder"]

#: Words that are compared at a time.
_BLOCK = 64


class Recorder:
    """Writes one waveform.

    Hierarchy, names, fields of structs and names of enumerators are those of Amaranth's
    simulator, as its own code writes them.

    Parameters
    ----------
    engine : CompiledEngine
        What is recorded.
    design : amaranth.hdl._ir.Design
        Its design.
    vcd_file, gtkw_file, traces
        As of `amaranth.sim.Simulator.write_vcd`.
    """

    def __init__(self, engine: Any, design: Any, *, vcd_file: Any, gtkw_file: Any, traces: Any):
        self._engine, model = engine, engine.model
        self._model = model
        self._writer = _VCDWriter(engine.state, design, vcd_file=vcd_file, gtkw_file=gtkw_file,
                                  traces=traces)
        self._signals = list(self._writer.vcd_signal_vars)
        # By word: bits and number of the signals, and the rows, that are in it.
        self._parts: dict[int, list[tuple[int, int]]] = {}
        for number, signal in enumerate(self._signals):
            for word, bit, width in model.pieces(signal):
                if word >= 0:
                    mask = (1 << width) - 1 << bit
                    self._parts.setdefault(word, []).append((mask, number))
        self._rows: dict[int, list[tuple[Any, int]]] = {}
        for memory in self._writer.vcd_memory_vars:
            for index in range(memory.depth):
                for word, _, _ in model.row(memory, index):
                    self._rows.setdefault(word, []).append((memory, index))
        starts = {word // _BLOCK * _BLOCK for word in (*self._parts, *self._rows)}
        self._blocks = [slice(start, start + _BLOCK) for start in sorted(starts)]
        self._settle()
        self._seen = array("Q", model.words)
        # The writer takes the initial value of a signal with a decoder for its first one.
        for signal in self._signals:
            self._writer.update_signal(engine.now, signal)

    def _settle(self) -> None:
        model = self._model
        if model.stale:
            model.settle()
            model.cold_stale = True
        if model.cold_stale and model.description.cold_words:
            model.settle_cold()

    def record(self) -> None:
        """Write what has changed since the last time."""
        self._settle()
        words, seen, now = self._model.words, self._seen, self._engine.now
        signals: dict[int, None] = {}
        rows: dict[tuple[Any, int], None] = {}
        for block in self._blocks:
            new, old = words[block], seen[block]
            if new == old:
                continue
            seen[block] = new
            for word, (value, before) in enumerate(zip(new, old, strict=True), block.start):
                if value != before:
                    changed = value ^ before
                    for mask, number in self._parts.get(word, ()):
                        if mask & changed:
                            signals[number] = None
                    for row in self._rows.get(word, ()):
                        rows[row] = None
        for number in signals:
            self._writer.update_signal(now, self._signals[number])
        for memory, index in rows:
            self._writer.update_memory(now, memory, index)

    def close(self) -> None:
        """Write the last changes, and end the file."""
        try:
            self.record()
        finally:
            self._writer.close(self._engine.now)
