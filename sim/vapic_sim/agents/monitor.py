"""The monitor: takes the hardware's commit records, in order, to the golden model."""

from collections.abc import Callable
from typing import Any

from vapic.layouts import BankOp, EvtOp, IoapicOp, SelectOp

from ..model import Record

__all__ = ["Monitor"]

_OPS = {"access": BankOp, "ioapic": IoapicOp, "bank": BankOp, "evt": EvtOp, "lines": IoapicOp,
        "msi": IoapicOp, "dispatch": SelectOp}


class Monitor:
    """Replay the commits of a controller on a model.

    Call `step` once in every cycle, after the clock edge.

    Parameters
    ----------
    dut : Controller
        Made with ``config.commits``.
    model : Model
        Its ``apply`` raises ``Mismatch`` when the hardware disagrees; None only records.

    Attributes
    ----------
    cycle : int
        Cycles seen.
    history : list of (int, Record)
        Every record with its cycle.
    observers : list of callables
        Called with (cycle, record) before the model takes the record.
    """

    def __init__(self, dut: Any, model: Any):
        self._ports = [(unit, getattr(dut.commits, unit)) for unit in _OPS]
        self._model = model
        self.cycle = 0
        self.history: list[tuple[int, Record]] = []
        self.observers: list[Callable[[int, Record], None]] = []

    def step(self, ctx: Any) -> list[Record]:
        """Take this cycle's records; returns them in commit order."""
        records = []
        for unit, port in self._ports:
            if ctx.get(port.valid):
                value = ctx.get(port.record)
                records.append(Record(
                    seq=value.seq, unit=unit, op=_OPS[unit](value.op).name, row=value.row,
                    vmm=value.vmm, dom=value.dom, vcpu=value.vcpu, we=value.we, sel=value.sel,
                    addr=value.addr, data=value.data, result=value.result))
        records.sort(key=lambda record: record.seq)
        for record in records:
            self.history.append((self.cycle, record))
            for observe in self.observers:
                observe(self.cycle, record)
            if self._model is not None:
                self._model.apply(record)
        self.cycle += 1
        return records
