"""A report as tables for the terminal."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .rows import ROWS

__all__ = ["print_report", "where"]


def where(report: dict[str, Any]) -> str:
    """Machine, tools and commit in one line."""
    machine, tools = report["machine"], report["tools"]
    load = "" if machine["load"] is None else f", load {machine['load']} at the start"
    made = ", ".join((
        f"Python {tools['python']}", f"Amaranth {tools['amaranth']}",
        tools["cc"] or "no C compiler", tools["verilator"] or "no Verilator"))
    return (f"{machine['processor']}, {machine['processors']} processors, {machine['system']}"
            f"{load}; {made}; vapic {tools['vapic']}"
            + (f" at {report['commit']}" if report["commit"] else ""))


def print_report(console: Console, report: dict[str, Any]) -> None:
    """Print the figures beside what they ought to be, and what each was made of."""
    console.print(where(report), highlight=False, soft_wrap=True, markup=False)
    table = Table(header_style="bold")
    for name in ("row", "what"):
        table.add_column(name)
    for name in ("figure", "target"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in ROWS:
        if row.name not in report["notes"]:
            continue
        value, reached = report[row.key], report["reached"][row.key]
        style = "" if reached is None else "green" if reached else "bold red"
        table.add_row(row.name, row.title, Text(row.text(value), style=style), row.target_text)
    console.print(table)
    for name, note in report["notes"].items():
        console.print(f"{name}: {note}.", highlight=False, soft_wrap=True, markup=False)
    if report["candidates"]:
        console.print(_candidates(report["candidates"]))


def _candidates(candidates: list[dict[str, Any]]) -> Table:
    table = Table(header_style="bold")
    table.add_column("candidate")
    table.add_column("compiler")
    table.add_column("cycles/s", justify="right", no_wrap=True)
    table.add_column("seconds to build", justify="right", no_wrap=True)
    for one in candidates:
        rate, build = one["cycles_per_s"], one["build_s"]
        table.add_row(escape(one["name"]), escape(one["compiler"]),
                      "-" if rate is None else f"{rate:,.0f}",
                      escape(one["note"]) if build is None else f"{build:.0f}")
    return table
