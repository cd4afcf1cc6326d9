"""A reading as a table for the terminal, and as one JSON object."""

import json
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..traces.columns import Interrupt
from ..traces.detect import FORMATS
from ..traces.reading import Reading
from ..traces.summary import Gap, Summary
from ..traces.words import clipped, counted, shown
from .figures import duration, plain

__all__ = ["print_reading", "write_json"]

#: Sources that the table shows, and letters of a name.
_ROWS, _NAME = 30, 60


def print_reading(console: Console, reading: Reading) -> None:
    """Print what was read, a table of the sources, gaps, and what was passed over."""
    summary = reading.summary
    for line in _heading(summary):
        _say(console, line)
    console.print(_table(reading))
    if len(summary.sources) > _ROWS:
        _say(console, f"and {len(summary.sources) - _ROWS:,} more sources; --json has all")
    _say(console, "gaps: " + ("; ".join(map(_gap, summary.gaps)) or "none"))
    _say(console, "passed over: " + (", ".join(summary.passed_words) or "nothing"))
    for remark in summary.remarks:
        if remark.kind not in ("gap", "without_rule"):
            _say(console, f"note: {remark.words}")


def _say(console: Console, line: str) -> None:
    console.print(Text(shown(line)), soft_wrap=True)


def _heading(summary: Summary) -> list[str]:
    score = summary.scores[summary.format]
    many = counted(summary.interrupts, "interrupt")
    rest = f", {summary.estimated:,} with an estimated time" if summary.estimated else ""
    return [f"{summary.file}: {FORMATS[summary.format]}, which explains {score:.0%} of the first "
            f"lines; {counted(summary.lines, 'line')}",
            f"{many} of {counted(len(summary.sources), 'source')} in "
            f"{duration(summary.seconds)}{rest}"]


def _gap(gap: Gap) -> str:
    where = "of no named CPU" if gap.cpu is None else f"on CPU {gap.cpu}"
    lost = f" ({counted(gap.lost, 'event')} lost)" if gap.lost else ""
    return f"{gap.count:,} {where}{lost}"


def _table(reading: Reading) -> Table:
    table = Table(header_style="bold")
    table.add_column("source")
    for name in ("interrupts", "a second", "CPU", "service us\nleast / median / most"):
        table.add_column(name, justify="right")
    homes, services = reading.columns.homes(), reading.columns.services()
    for source in reading.summary.sources[:_ROWS]:
        times = services.get(source.name)
        table.add_row(
            Text(clipped(shown(source.name), _NAME)), f"{source.count:,}",
            "-" if source.per_second is None else plain(source.per_second),
            _cpus(homes[source.name]),
            " / ".join(plain(time / 1000) for time in times) if times else "-")
    return table


def _cpus(cpus: tuple[int, ...]) -> str:
    if len(cpus) <= 4:
        return ", ".join(map(str, cpus))
    return f"{len(cpus)} of them"


def write_json(output: TextIO, reading: Reading) -> None:
    """Write the object that ``vapic trace --json`` prints: the summary, then all interrupts."""
    text = json.dumps(reading.summary.to_dict(), indent=2)
    output.write(text.removesuffix("\n}") + ',\n  "interrupts": [')
    separator = "\n"
    for one in reading.interrupts():
        output.write(f"{separator}    {_row(one)}")
        separator = ",\n"
    output.write("\n  ]\n}\n")


def _row(one: Interrupt) -> str:
    return json.dumps(one._asdict())
