"""Progress on standard error: what is being done, when it takes longer than a moment."""

import multiprocessing
import sys
import threading
import time
from types import TracebackType
from typing import Any

__all__ = ["Progress"]

#: Lines of a counted task in a pipe, in percent.
_STEP = 25
_lock = threading.RLock()
# The one live display of a process: who runs within another's progress adds to it.
_display: Any = None


class _Row:
    """One task: how far it is, and its line on a terminal once it has one."""

    def __init__(self, text: str):
        self.text, self.done, self.total = text, 0, 0
        self.task: Any = None
        self.percent = 0
        self.timer: threading.Timer | None = None


class Progress:
    """Context manager that tells of tasks which take longer than `delay`.

    A terminal gets a bar for each of them while it lasts. Anything else gets one line for a stage,
    and for tasks that are counted by name, since these are as long as they are many, one at each
    quarter.

    Parameters
    ----------
    title : str
        Who tells, before each line: ``vapic verilog``.
    delay : float
        Seconds in which nothing is told.
    """

    def __init__(self, title: str = "", *, delay: float = 2.0):
        self._prefix, self._delay = f"{title}: " if title else "", delay
        self._rows: dict[str, _Row] = {}
        self._start, self._told = time.monotonic(), False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for name in list(self._rows):
            self._end(name)

    def stage(self, text: str) -> None:
        """This is done now, and what was done before is over."""
        with _lock:
            self._end("")
            self._begin("", text)

    def count(self, done: int, total: int, name: str = "") -> None:
        """So much is done of the stage, or of the task of this name."""
        with _lock:
            row = self._rows.get(name) or self._begin(name, name)
            row.done, row.total = done, total
            if row.task is not None:
                _show(row)
            percent = 100 * done // total // _STEP * _STEP if name and total else 0
            if percent > row.percent:
                row.percent = percent
                if not _live():
                    self._print(f"{name}: {percent} %")

    def done(self, text: str) -> None:
        """Tell the result, if anything was told before."""
        with _lock:
            self._end("")
            if self._told:
                self._print(f"{text}, {time.monotonic() - self._start:.0f} s")

    def _begin(self, name: str, text: str) -> _Row:
        row = self._rows[name] = _Row(text)
        row.timer = threading.Timer(self._delay, self._late, (name, row))
        row.timer.daemon = True
        row.timer.start()
        return row

    def _end(self, name: str) -> None:
        with _lock:
            row = self._rows.pop(name, None)
            if row is not None and row.timer is not None:
                row.timer.cancel()
                _hide(row)

    def _late(self, name: str, row: _Row) -> None:
        with _lock:
            if self._rows.get(name) is not row:
                return
            self._told = True
            if _live():
                _show(row, self._prefix)
            elif not name:
                self._print(f"{row.text} ...")

    def _print(self, text: str) -> None:
        print(f"{self._prefix}{text}", file=sys.stderr, flush=True)


def _live() -> bool:
    """Whether lines on a terminal can be kept up to date: those of a child would meet ours."""
    return sys.stderr.isatty() and multiprocessing.parent_process() is None


def _show(row: _Row, prefix: str = "") -> None:
    global _display
    if _display is None:
        # Not before it is needed: it takes a while to import.
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        _display = Bars(
            TextColumn("{task.description}", markup=False), BarColumn(),
            TextColumn("{task.fields[count]}"), TimeElapsedColumn(),
            console=Console(stderr=True), transient=True)
        _display.start()
    if row.task is None:
        row.task = _display.add_task(prefix + row.text, total=None, count="")
    if row.total:
        _display.update(row.task, completed=row.done, total=row.total,
                        count=f"{row.done} of {row.total}")


def _hide(row: _Row) -> None:
    global _display
    if row.task is None or _display is None:
        return
    _display.remove_task(row.task)
    row.task = None
    if not _display.tasks:
        _display.stop()
        _display = None
