"""Waveforms: Amaranth's own writer, told which signals and rows have changed."""

from array import array
from typing import Any

from amaranth.hdl import _ast as ast
from amaranth.sim.pysim import _VCDWriter

__all__ = ["Recorder"]


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
        self._settle()
        self._seen = array("Q", model.words)
        self._signals: dict[int, list[Any]] = {}
        for signal in self._writer.vcd_signal_vars:
            for word, _, _ in model.pieces(signal):
                if word >= 0:
                    self._signals.setdefault(word, []).append(signal)
        self._rows: dict[int, list[tuple[Any, int]]] = {}
        for memory in self._writer.vcd_memory_vars:
            if memory in model.contents.memories:
                for index in range(memory.depth):
                    for word, _, _ in model.row(memory, index):
                        self._rows.setdefault(word, []).append((memory, index))

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
        words, seen = self._model.words, self._seen
        if words == seen:
            return
        signals: Any = ast.SignalDict()
        rows: dict[tuple[Any, int], None] = {}
        for block in range(0, len(words), 512):
            if words[block:block + 512] == seen[block:block + 512]:
                continue
            for word in range(block, min(block + 512, len(words))):
                if words[word] != seen[word]:
                    for signal in self._signals.get(word, ()):
                        signals[signal] = None
                    for row in self._rows.get(word, ()):
                        rows[row] = None
        now = self._engine.now
        for signal in signals:
            self._writer.update_signal(now, signal)
        for memory, index in rows:
            self._writer.update_memory(now, memory, index)
        self._seen = array("Q", words)

    def close(self) -> None:
        """Write the last changes, and end the file."""
        self._writer.close(self._engine.now)
