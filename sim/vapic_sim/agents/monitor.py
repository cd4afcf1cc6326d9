"""The monitor: takes the hardware's commit records, in order, to the golden model."""

from collections.abc import Callable
from typing import Any, NamedTuple

from vapic.layouts import BankOp, EvtOp, IoapicOp, Layouts, SelectOp

from ..model import Record
from .bench import UNITS, Bench, Fields

__all__ = ["Monitor", "TraceRecord"]

_OPS = {"access": BankOp, "ioapic": IoapicOp, "bank": BankOp, "evt": EvtOp, "lines": IoapicOp,
        "msi": IoapicOp, "dispatch": SelectOp}
_TRACE = 1 << len(UNITS)


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

    Call `step` at least in every cycle in which ``bench.happened`` changes, after the clock edge.

    Parameters
    ----------
    bench : Bench
        Around the controller.
    model : Model
        Its ``apply`` raises ``Mismatch`` when the hardware disagrees; None only records.
    start : int
        Value of ``bench.now`` in the cycle before the first.

    Attributes
    ----------
    ctx : amaranth.sim.SimulatorContext
        To be set before the first step.
    history : list of (int, Record)
        Every record with its cycle; may be cleared at any time.
    traces : list of TraceRecord
        Every record of the trace stream; likewise.
    observers : list of callables
        Called with (cycle, record) before the model takes the record.
    """

    ctx: Any

    def __init__(self, bench: Bench, model: Any, start: int = -1):
        layouts = Layouts(bench.dut.config)
        record = Fields(layouts.commit)
        self._place = [record.place[name] for name in (
            "seq", "op", "row", "vmm", "dom", "vcpu", "we", "sel", "addr", "data", "result")]
        self._units = [(1 << i, unit, {op.value: op.name for op in _OPS[unit]}, bench.records[i])
                       for i, unit in enumerate(UNITS)]
        self._trace = Fields(layouts.trace)
        self._bench, self._model, self._start = bench, model, start
        self._seen = start
        self.history: list[tuple[int, Record]] = []
        self.traces: list[TraceRecord] = []
        self.observers: list[Callable[[int, Record], None]] = []

    @property
    def cycle(self) -> int:
        """Cycles so far, the present one among them."""
        return self.ctx.get(self._bench.now) - self._start

    def step(self) -> None:
        """Take this cycle's records, in commit order, if that was not done yet."""
        get = self.ctx.get
        valid = get(self._bench.valid)
        if not valid:
            return
        now = get(self._bench.now)
        if now == self._seen:
            return
        self._seen = now
        if valid & _TRACE:
            self.traces.append(TraceRecord(*self._trace.cut(get(self._bench.trace))))
        records = [self._record(unit, names, get(word))
                   for bit, unit, names, word in self._units if valid & bit]
        if len(records) > 1:
            records.sort(key=_seq)
        cycle = now - self._start - 1
        for record in records:
            self.history.append((cycle, record))
            for observe in self.observers:
                observe(cycle, record)
            if self._model is not None:
                self._model.apply(record)

    def _record(self, unit: str, names: dict[int, str], word: int) -> Record:
        seq, op, row, vmm, dom, vcpu, we, sel, addr, data, result = [
            word >> offset & mask for offset, mask in self._place]
        return Record(seq, unit, names[op], row, vmm, dom, vcpu, we, sel, addr, data, result)


def _seq(record: Record) -> int:
    return record.seq
