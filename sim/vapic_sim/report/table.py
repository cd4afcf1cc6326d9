"""A run as a table for the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..run.job import Job
from ..traces.words import clipped, shown
from .figures import Figures, Setup, duration, in_words, microseconds, plain

__all__ = ["print_report"]


def print_report(console: Console, setup: Setup, figures: Sequence[Figures]) -> None:
    """Print what ran, a table with a row a policy, and what changed, in words."""
    for line in _heading(setup):
        console.print(Text(shown(line)), soft_wrap=True)
    console.print(_table(figures))
    static = next((row for row in figures if row.policy == "static"), None)
    for row in figures:
        console.print(f"{row.policy}: {in_words(row, static)}.", highlight=False, soft_wrap=True)


#: Letters of a source's name in the heading.
_NAME = 60
_ENGINES = {"compiled": "compiled engine", "python": "Amaranth's simulator"}


def _heading(setup: Setup) -> list[str]:
    trace, job = setup.trace, setup.job
    count, times = len(trace.arrivals), duration(trace.seconds)
    if count == setup.recorded:
        part = f"all {_number(count, 'interrupt')}, {times}"
    else:
        part = (f"the busiest {count} of {_number(setup.recorded, 'interrupt')}, {times} from "
                f"{trace.start_ns // 10**9}.{trace.start_ns // 1000 % 10**6:06d} s on")
    load = f", {plain(setup.load)} times as fast" if setup.load != 1 else ""
    sources = trace.sources
    named = ", ".join(clipped(source, _NAME) for source in sources[:4])
    named += f" and {len(sources) - 4} more" if len(sources) > 4 else ""
    return [f"{trace.name}: {part}{load}",
            f"sources: {named}",
            *(f"note: {remark}" for remark in trace.remarks),
            f"machine: {_machine(job)}, {plain(job.clock_hz / 1e6)} MHz, {_ENGINES[setup.engine]}"]


def _machine(job: Job) -> str:
    """Who runs where and when; options that this phase does not use are left out."""
    parts = f"{_number(job.vcpus, 'driver vCPU')} and {_number(job.guests, 'guest')}"
    if job.phase == "recorded":
        return f"{parts}, phase recorded"
    seed = f" (seed {job.seed})" if job.phase == "random" else ""
    return (f"{parts} on {_number(job.pcpus, 'CPU')}, slices of {duration(job.slice_us / 1e6)}, "
            f"phase {job.phase}{seed}")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _table(figures: Sequence[Figures]) -> Table:
    table = Table(header_style="bold")
    table.add_column("policy")
    for name in ("arrivals", "delivered", "merged", "lost"):
        table.add_column(name, justify="right")
    table.add_column("line to handler\np50 / p99 / max us", justify="right", no_wrap=True)
    table.add_column("controller\np50 / p99 / max cycles", justify="right", no_wrap=True)
    table.add_column("share per vCPU %", justify="right", no_wrap=True)
    table.add_column("Jain", justify="right")
    table.add_column("wake-ups per\ninterrupt", justify="right")
    table.add_column("guest\nevents", justify="right")
    for row in figures:
        pending = f" (+{row.pending} pending)" if row.pending else ""
        lost = Text(str(row.lost), style="bold red" if row.lost else "green")
        table.add_row(
            row.policy, str(row.arrivals), f"{row.delivered}{pending}", str(row.merged), lost,
            " / ".join(map(microseconds, (row.latency_p50, row.latency_p99, row.latency_max))),
            " / ".join("-" if value is None else str(value) for value in (
                row.controller_p50, row.controller_p99, row.controller_max)),
            _share(row.share), f"{row.jain:.2f}",
            "-" if row.wakeups is None else f"{row.wakeups:.2f}", str(row.guest_events))
    return table


def _share(share: Sequence[float]) -> str:
    if len(share) <= 8:
        return " ".join(f"{100 * value:.0f}" for value in share)
    return f"{100 * min(share):.0f} .. {100 * max(share):.0f}"
