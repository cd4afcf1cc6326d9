"""The document of the figures: prose from a template, with what was measured filled in."""

import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from .rows import ROWS
from .table import where

__all__ = ["render", "write_document"]

_MARKS = "<!-- measured candidates -->\n", "<!-- end of candidates -->\n"
_CANDIDATES = re.compile("(?<=" + _MARKS[0] + ").*(?=" + _MARKS[1] + ")", re.S)
_NONE = "Not measured yet: `vapic bench engine --candidates --write docs/performance.md`.\n"


def write_document(path: Path, report: dict[str, Any]) -> None:
    """Write figures to a document; candidates that it has stay if the report has none."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(render(report, before), encoding="utf-8")


def render(report: dict[str, Any], before: str = "") -> str:
    """The document as text.

    Parameters
    ----------
    report : dict
        What was measured.
    before : str
        The document as it is.
    """
    found = _CANDIDATES.search(before)
    kept = found[0] if found else _NONE
    candidates = _candidates(report) if report["candidates"] else kept
    trace = report["raw"].get("run", {}).get("trace")
    return Template(files(__package__).joinpath("performance.md").read_text("utf-8")).substitute(
        rows=_rows(report), notes=_notes(report), surroundings=_surroundings(report),
        unreached=_unreached(report), candidates=f"{_MARKS[0]}{candidates}{_MARKS[1]}",
        trace=f" TRACE={trace}" if trace and report["raw"]["run"]["given"] else "")


def _rows(report: dict[str, Any]) -> str:
    lines = ["| row | what | measured | target |", "|---|---|---:|---:|"]
    for row in ROWS:
        value = row.text(report[row.key])
        target = row.target_text.replace(">=", "≥").replace("<=", "≤")
        lines.append(f"| {row.name} | {row.title} | **{value}** | {target} |")
    return "\n".join(lines)


def _notes(report: dict[str, Any]) -> str:
    return "\n".join(f"- **{row.name}**: {report['notes'].get(row.name, 'not measured')}."
                     for row in ROWS)


def _surroundings(report: dict[str, Any]) -> str:
    """Machine, tools and flags of what was measured now."""
    flags = report["flags"]
    return "\n".join((
        f"- {report['date']}, {where(report)}.",
        f"- Flags of the compiled engine: `{flags['cc']}`.",
        f"- Flags of C++ of Verilator: `{flags['cxx']}`"
        + (f", by {report['tools']['cxx']}" if report["tools"]["cxx"] else "") + ".",
        f"- Flags of Verilator: `{flags['verilator']}`."))


def _unreached(report: dict[str, Any]) -> str:
    """Targets that were not reached, or a sentence that there are none."""
    lines = [f"- {row.name}: {row.text(report[row.key])} instead of {row.target_text}."
             for row in ROWS if report["reached"][row.key] is False]
    lines += [f"- {row.name}: not measured." for row in ROWS if report[row.key] is None]
    return "\n".join(lines) or "In this run every figure was as it ought to be."


def _candidates(report: dict[str, Any]) -> str:
    lines = ["| simulator | compiler | cycles/s | seconds to build |", "|---|---|---:|---:|"]
    for one in report["candidates"]:
        rate, build = one["cycles_per_s"], one["build_s"]
        shown = (f"{rate:,.0f} | {build:.0f}" if rate is not None and build is not None
                 else f"- | {one['note']}")
        lines.append(f"| {one['name']} | `{one['compiler']}` | {shown} |")
    return "\n".join((*lines, "", f"Measured {report['date']}, {where(report)}.", ""))
