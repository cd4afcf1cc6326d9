"""All that was read of a file: interrupts, what is known of the CPUs, and the summary."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .columns import Columns, Interrupt
from .csv_ import Table
from .kernel import Scan
from .summary import WORDS, Gap, Remark, Summary
from .tasks import Tasks
from .trace import Arrival, Trace, TraceError

__all__ = ["Reading"]

#: Up to some 13 days a float of microseconds tells nanoseconds apart; times of a wall clock are
#: later.
_PRECISE_NS = 1 << 50


@dataclass(frozen=True)
class Reading:
    """A file that was read.

    Parameters
    ----------
    summary : Summary
        All but the interrupts.
    columns : Columns
        The interrupts.
    tasks : Tasks or None
        What tells when CPUs were busy; None if the format cannot.
    span : (int, int)
        First and last time of the recording.
    """

    summary: Summary
    columns: Columns
    tasks: Tasks | None
    span: tuple[int, int]

    @classmethod
    def of_scan(cls, scan: Scan, format: str, scores: Mapping[str, float],
                cut: Sequence[Remark]) -> "Reading":
        """What is read of a kernel trace.

        Raises
        ------
        TraceError
            If there is no interrupt.
        """
        remarks = (*scan.remarks, *scan.handlers.finish())
        columns = scan.handlers.columns
        if not len(columns):
            raise TraceError(
                f"{scan.name}: no interrupt in this trace; record irq:irq_handler_entry and "
                "irq:irq_handler_exit")
        if scan.unexplained:
            remarks += (Remark(
                "without_rule", scan.unexplained,
                f"{scan.unexplained:,} {'line' if scan.unexplained == 1 else 'lines'} passed "
                f"over that no rule explains, the first is line {scan.unexplained_line}"),)
        passed = {rule: scan.passed[rule] for rule in WORDS if scan.passed[rule]}
        summary = _summary(
            scan.name, format, scores, columns, scan.lines, (*remarks, *cut),
            gaps=scan.handlers.gaps, passed=passed,
            unexplained=scan.unexplained, unexplained_line=scan.unexplained_line)
        return cls(summary, columns, scan.tasks, (scan.begin, scan.end))

    @classmethod
    def of_table(cls, table: Table, format: str, scores: Mapping[str, float],
                 cut: Sequence[Remark]) -> "Reading":
        """What is read of a table.

        Raises
        ------
        TraceError
            If there is no interrupt.
        """
        if not len(table.columns):
            raise TraceError(f"{table.name}: no interrupt in this table of "
                             "time_us,source,service_us")
        summary = _summary(
            table.name, format, scores, table.columns, table.lines, (*table.remarks, *cut),
            passed={"comment": table.comments} if table.comments else {})
        return cls(summary, table.columns, None, (summary.first_ns, summary.last_ns))

    def interrupts(self) -> Iterator[Interrupt]:
        """All interrupts in the order of time."""
        return self.columns.interrupts()

    def trace(self) -> Trace:
        """The same for a run. Times count from 0, or from the first one if they are too late."""
        begin, end = self.span
        zero = begin if end > _PRECISE_NS else 0
        arrivals = tuple(
            Arrival((one.time_ns - zero) / 1000, one.source, one.service_ns / 1000, one.cpu)
            for one in self.interrupts())
        busy, never_idle = {}, ()
        if self.tasks is not None:
            busy = {cpu: tuple(((a - zero) / 1000, (b - zero) / 1000) for a, b in spans)
                    for cpu, spans in self.tasks.busy(begin, end).items()}
            never_idle = self.tasks.never_idle
        return Trace(self.summary.file, arrivals, busy,
                     tuple(one.words for one in self.summary.remarks),
                     never_idle=never_idle, origin_ns=zero, summary=self.summary)


def _summary(name: str, format: str, scores: Mapping[str, float], columns: Columns, lines: int,
             remarks: tuple[Remark, ...], *, gaps: tuple[Gap, ...] = (),
             passed: Mapping[str, int], unexplained: int = 0,
             unexplained_line: int | None = None) -> Summary:
    return Summary(
        file=name, format=format, scores=scores, lines=lines, interrupts=len(columns),
        estimated=columns.exact.count(0), first_ns=min(columns.time), last_ns=max(columns.time),
        sources=columns.counts(), gaps=gaps, passed=passed, unexplained=unexplained,
        unexplained_line=unexplained_line, remarks=remarks)
