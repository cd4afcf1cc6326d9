"""Counts how often two operations met on one row, port or entry, by kind."""

from collections import Counter
from typing import Any

from vapic.regs import Command, address

from ..model import Model, Record

__all__ = ["KINDS", "Meetings"]

#: Kinds of meeting; the first named is the hardware's act, the second the bus access's.
KINDS = ("accept/INTA", "accept/EOI", "set_pending/SEL_RC", "grant/mask", "grant/close",
         "grant/freeze", "grant/SCHED", "EOI/grant")

_INTA, _EOI = address("LAPIC_INTA", 0) - 0x400000, address("LAPIC_EOI", 0) - 0x400000
_SCHED = address("VCPU_SCHED", 0)
_ARG = address("EVT_ARG", 0, 0) & 0x3FFF
_SEL_RC = address("EVT_SEL_RC", 0, 0) & 0x3F
_CMD, _PIRQ_EOI = (address(name, 0) & 0x3FFF for name in ("EVT_CMD", "EVT_PIRQ_EOI"))


class Meetings:
    """Observer of a `Monitor`.

    Two operations meet if they touch the same thing (row of a vCPU, lane of a domain, port, entry)
    and commit within `window` cycles of each other, or, for those named grant/..., if the second
    commits between the start of a selection and `window` cycles after its end while it touches
    what the selection may choose.

    Parameters
    ----------
    model : Model
        The model that follows the same records, for who is where.
    window : int
        Cycles; about the length of one operation.
    """

    def __init__(self, model: Model, window: int = 8):
        self._model, self._window = model, window
        self.count: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self._recent: list[tuple[int, str, Any]] = []
        self._selection: tuple[int, int] | None = None
        self._ended = -1000
        self._argument: dict[int, int] = {}

    def _met(self, kind: str, others: tuple[str, ...], key: Any) -> None:
        self.count[kind] += any(name in others and what == key for _, name, what in self._recent)

    def _lane(self, v: int) -> tuple[int, int]:
        vcpu = self._model.core.vcpus[v]
        return vcpu.dom, vcpu.k

    def __call__(self, cycle: int, record: Record) -> None:
        """See one record."""
        if self._recent and self._recent[0][0] < cycle - self._window:
            self._recent = [r for r in self._recent if cycle - r[0] <= self._window]
        if record.op == "START":
            self._selection = cycle, record.row
        elif record.op in ("END", "ACCEPT", "GRANT"):
            self._ended = cycle
        if record.op in ("ACCEPT", "GRANT"):
            self._granted(cycle, record)
        elif record.unit == "bank" and record.op == "BUS":
            self._bank(cycle, record)
        elif record.op == "CTL":
            self._during(cycle, "grant/freeze", v=record.row)
        elif record.op == "MASK_BIT":
            ports = self._model.params.ports
            self._during(cycle, "grant/mask", port=divmod(record.row, ports))
        elif record.unit == "evt" and record.op == "BUS":
            self._event(cycle, record)

    def _granted(self, cycle: int, record: Record) -> None:
        if record.op == "ACCEPT":
            self._recent.append((cycle, "accept", record.row))
            self._met("accept/INTA", ("INTA",), record.row)
            self._met("accept/EOI", ("EOI",), record.row)
        else:
            lane = self._lane(record.row)
            self._recent.append((cycle, "set_pending", lane))
            self._met("set_pending/SEL_RC", ("SEL_RC",), lane)
        self._recent.append((cycle, "grant", record.addr))
        self._met("EOI/grant", ("EOI of",), record.addr)

    def _bank(self, cycle: int, record: Record) -> None:
        v, offset = record.row, record.addr & 0x1FFF
        if record.addr >= 0x400000 and offset & 0xFFF == _INTA:
            self._recent.append((cycle, "INTA", v))
            self._met("accept/INTA", ("accept",), v)
        elif record.addr >= 0x400000 and offset == _EOI and record.we:
            self._recent.append((cycle, "EOI", v))
            self._met("accept/EOI", ("accept",), v)
        elif record.addr == _SCHED + 0x40 * v and record.we:
            self._during(cycle, "grant/SCHED", v=v)

    def _event(self, cycle: int, record: Record) -> None:
        dom, offset = record.addr - 0x100000 >> 14, record.addr & 0x3FFF
        if offset < 0x1000 and offset & 0x3F == _SEL_RC:
            lane = dom, offset >> 6
            self._recent.append((cycle, "SEL_RC", lane))
            self._met("set_pending/SEL_RC", ("set_pending",), lane)
        elif offset == _ARG and record.we:
            self._argument[dom] = record.data
        elif offset == _CMD and record.data == Command.CLOSE:
            self._during(cycle, "grant/close", port=(dom, self._argument.get(dom, 0)))
        elif offset == _PIRQ_EOI:
            self._recent.append((cycle, "EOI of", record.data))
            self._met("EOI/grant", ("grant",), record.data)
            if self._selection and self._selection[1] == record.data \
                    and cycle <= self._ended + self._window:
                self.count["EOI/grant"] += 1

    def _during(self, cycle: int, kind: str, *, v: int | None = None,
                port: tuple[int, int] | None = None) -> None:
        """Count if a selection that may choose this vCPU or port is on, or just over."""
        if self._selection is None:
            return
        start, n = self._selection
        if start < self._ended < cycle - self._window:
            return
        request = self._model.core.requests[n]
        if v is not None:
            self.count[kind] += self._lane(v)[0] == request.dom
        elif port is not None:
            bound = self._model.core.events.group[n].values()
            self.count[kind] += port[0] == request.dom and port[1] in bound
