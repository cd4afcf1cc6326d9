"""Progress of several runs on stderr: bars on a terminal, a line now and then elsewhere."""

import sys
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

__all__ = ["Progress"]

_STEP = 25


class Progress:
    """Context manager that shows how far each run is.

    Parameters
    ----------
    names : sequence of str
        One a run.
    total : int
        Interrupts of each.
    """

    def __init__(self, names: Sequence[str], total: int):
        self._names, self._total = names, total
        self._shown = [0] * len(names)
        self._bars: Bars | None = None
        if sys.stderr.isatty():
            self._bars = Bars(TextColumn("{task.description:8}"), BarColumn(),
                              MofNCompleteColumn(), TimeElapsedColumn(),
                              console=Console(stderr=True), transient=True)
            self._tasks = [self._bars.add_task(name, total=total) for name in names]

    def __enter__(self) -> "Progress":
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()

    def update(self, index: int, count: int) -> None:
        """Run `index` has had `count` interrupts."""
        if self._bars is not None:
            self._bars.update(self._tasks[index], completed=count)
            return
        percent = 100 * count // self._total // _STEP * _STEP
        if percent > self._shown[index]:
            self._shown[index] = percent
            print(f"{self._names[index]}: {percent} %", file=sys.stderr)
