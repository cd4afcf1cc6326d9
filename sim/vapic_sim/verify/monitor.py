"""The monitor: takes the hardware's commit records, in order, to the golden model."""

from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

from vapic.layouts import Layouts
from vapic.record import UNITS, Op

from ..model import Model, Record
from ..world.fields import Fields
from ..world.port import Testbench
from .bench import Bench

__all__ = ["Monitor", "TraceRecord"]

_OPS = {op.value: op.name for op in Op}


class TraceRecord(NamedTuple):
    """One record of the trace stream (GEN-08)."""

    now: int
    n: int
    kind: int
    candidates: int
    eligible: int
    policy: int
    key: int
    target: int
    port: int


class Monitor:
    """Replay the commits of a controller on a model.

    The bench keeps the records until `step` takes them, so the model is only as far as the last
    call of it.

    Parameters
    ----------
    bench : Bench
        Around the controller.
    model : Model
        Its ``apply_cycle`` raises ``Mismatch`` when the hardware disagrees.
    start : int
        Value of ``bench.now`` in the cycle before the first.
    end : int
        Value of ``bench.log.ends`` in that cycle.

    Attributes
    ----------
    history : list of (int, Record)
        Every record with its cycle; may be cleared at any time.
    traces : list of TraceRecord
        Every record of the trace stream; likewise.
    observers : list of callables
        Called with (cycle, record) before the model takes the record.
    """

    def __init__(self, bench: Bench, model: Model, start: int = -1, end: int = 0):
        layouts = Layouts(bench.dut.config)
        record = Fields(layouts.commit)
        self._place = [record.place[name] for name in (
            "seq", "op", "row", "vmm", "dom", "vcpu", "we", "sel", "addr", "data", "result")]
        self._trace = Fields(layouts.trace)
        self._log, self._mask = bench.log, (1 << bench.log.width) - 1
        self._model, self._start, self._end = model, start, end & self._mask
        self.history: list[tuple[int, Record]] = []
        self.traces: list[TraceRecord] = []
        self.observers: list[Callable[[int, Record], None]] = []

    def step(self, ctx: Testbench) -> None:
        """Take the records since the last step, those of this cycle among them."""
        end = ctx.get(self._log.ends)
        if end & self._mask == self._end:
            return
        taken = self._log.take(ctx.get, self._end, end)
        self._end = end & self._mask
        records = []
        for port, now, word in taken:
            if port < len(UNITS):
                records.append((now, self._record(UNITS[port], word)))
            else:
                self.traces.append(TraceRecord(*self._trace.cut(word)))
        if len(records) > 1:
            records.sort(key=_seq)
        for now, together in groupby(records, _cycle):
            cycle = now - self._start - 1
            self._model.apply_cycle(self._seen(cycle, record) for _, record in together)

    def _seen(self, cycle: int, record: Record) -> Record:
        self.history.append((cycle, record))
        for observe in self.observers:
            observe(cycle, record)
        return record

    def _record(self, unit: str, word: int) -> Record:
        seq, op, row, vmm, dom, vcpu, we, sel, addr, data, result = [
            word >> offset & mask for offset, mask in self._place]
        return Record(seq, unit, _OPS[op], row, vmm, dom, vcpu, we, sel, addr, data, result)


def _cycle(entry: tuple[int, Record]) -> int:
    return entry[0]


def _seq(entry: tuple[int, Record]) -> int:
    return entry[1].seq
