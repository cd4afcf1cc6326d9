"""What the record of one target must say, given the selection it belongs to."""

from .grants import Dispatcher
from .records import AcceptResult, Mismatch, Record
from .selection import Selection
from .views import LaneView

__all__ = ["check_answer", "check_flags", "check_port", "check_word"]


def check_flags(selection: Selection, record: Record) -> None:
    """The marks of the first and the last target are where they belong."""
    first, last = bool(record.data & 0x400), bool(record.data & 0x200)
    targets = selection.left if selection.begun else selection.choice.targets
    ends = selection.choice.entry.dynamic or len(targets) == 1
    if first == selection.begun or last != ends:
        raise Mismatch(f"expected first {not selection.begun:d}, last {ends:d} of targets "
                       f"{[t.v for t in selection.choice.targets]}")


def check_word(record: Record, vector: int, level: bool) -> None:
    """Vector and level are those of the entry."""
    if record.data & 0x1FF != vector | level << 8:
        raise Mismatch(f"expected vector {vector:#x}, level {level:d}")


def check_port(dispatcher: Dispatcher, selection: Selection, lane: LaneView, record: Record,
               result: AcceptResult) -> None:
    """The port is the one bound to the target."""
    if selection.begun and not dispatcher.open(selection.choice, lane):
        return
    port = dispatcher.core.events.group[selection.n].get(lane.k)
    if result != AcceptResult.SKIP and record.result >> 3 & 0x1FFF != port:
        raise Mismatch(f"expected port {port} of vCPU {lane.v}")


def check_answer(got: AcceptResult, expected: AcceptResult, lane: LaneView) -> None:
    """The target answers as the state has it."""
    if got != expected:
        raise Mismatch(f"expected vCPU {lane.v} to answer {expected.name}, not {got.name}")
