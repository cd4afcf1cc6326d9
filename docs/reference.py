"""Pages made from the code: ``python -m docs.reference`` writes ports and commit records.

docs/ports.md has the members of every block, from their docstrings, and the records between
blocks; the table of docs/commits.md is `vapic.record.TABLE`, and the one of docs/verification.md
says which tests have which conformance cases. The table of area and frequency in
docs/architecture.md is docs/resources.csv.
"""

import inspect
import re
from pathlib import Path
from typing import NamedTuple

from amaranth.hdl import ShapeCastable
from amaranth.lib import data, enum

from vapic import Config
from vapic.access.unit import AccessUnit
from vapic.bank.unit import Bank
from vapic.controller import Controller
from vapic.dispatch.unit import Dispatch
from vapic.evtchn.unit import EventChannels
from vapic.ioapic.unit import Ioapic
from vapic.layouts import Layouts
from vapic.msi.intake import MsiIntake
from vapic.record import TABLE, Op
from vapic.sources.arbiter import SourceArbiter

from .area import area_table
from .figures import fill

__all__ = ["BLOCKS", "CONFIG", "Member", "commit_table", "members", "pages"]

FOLDER = Path(__file__).resolve().parent
#: Sizes of which the widths of records are shown.
CONFIG = Config(msi_bus=True, commits=True)
#: Blocks, in the order of an interrupt.
BLOCKS = (Controller, AccessUnit, Ioapic, MsiIntake, SourceArbiter, Dispatch, EventChannels, Bank)


class Member(NamedTuple):
    """One entry of a docstring's list of members."""

    names: str
    kind: str
    text: str


def _sections(cls: type) -> dict[str, str]:
    parts = re.split(r"^(\w+)\n-+\n", inspect.cleandoc(cls.__doc__ or ""), flags=re.MULTILINE)
    return {"": parts[0].strip()} | dict(zip(parts[1::2], parts[2::2], strict=True))


def members(cls: type) -> list[Member]:
    """Members as the docstring has them."""
    found = re.findall(r"^(\S.*?)(?: : (.*))?\n((?:    .*\n|\n)*)",
                       _sections(cls)["Members"].rstrip() + "\n", re.MULTILINE)
    return [Member(names, kind, inspect.cleandoc(text)) for names, kind, text in found]


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text.replace("\n- ", "; ")).strip().replace("|", "\\|")


def _code(text: str) -> str:
    return re.sub(r"``?(.+?)``?", r"`\1`", text)


def _block(cls: type) -> str:
    lines = [f"## {cls.__name__}", "", f"`{cls.__module__}.{cls.__name__}`", "",
             _code(_sections(cls)[""]), "", "| member | kind | |", "|---|---|---|"]
    lines += [f"| {', '.join(f'`{name}`' for name in member.names.split(', '))} "
              f"| {_code(_one_line(member.kind))} | {_code(_one_line(member.text))} |"
              for member in members(cls)]
    return "\n".join(lines) + "\n\n"


def _width(shape: object) -> str:
    if isinstance(shape, data.StructLayout):
        return "{" + ", ".join(f"{name} {_width(part.shape)}" for name, part in shape) + "}"
    if isinstance(shape, data.ArrayLayout):
        return f"{shape.length} of {_width(shape.elem_shape)}"
    if isinstance(shape, enum.EnumType):
        return shape.__name__
    assert not isinstance(shape, ShapeCastable)
    return str(shape if isinstance(shape, int) else getattr(shape, "width", shape))


def _records() -> str:
    layouts = Layouts(CONFIG)
    named = {name: layout for name, layout in vars(layouts).items()
             if isinstance(layout, data.StructLayout)}
    lines = ["## Records", "", "Attributes of `vapic.layouts.Layouts`; widths in bits for 16 vCPUs "
             "(the default `Config`).", "", "| record | fields |", "|---|---|"]
    lines += [f"| `{name}` | {', '.join(f'`{key}` {_width(part.shape)}' for key, part in layout)} |"
              for name, layout in named.items()]
    return "\n".join(lines) + "\n"


def ports() -> str:
    """docs/ports.md."""
    head = ("# Ports of the blocks\n\nWritten by `python -m docs.reference` from the docstrings. "
            "What the blocks are for is in [architecture.md](architecture.md), words in "
            "[glossary.md](glossary.md).\n\nIn Verilog a port such as `bus.adr` is called "
            "`bus__adr`; `clk` is the clock domain `sync`, `rst` its synchronous reset.\n\n")
    return head + "".join(_block(cls) for cls in BLOCKS) + _records()


def commit_table() -> str:
    """Rows of `TABLE` as a Markdown table."""
    lines = ["| | unit | record | `row` | `addr` | `data` | `result` | |",
             "|---|---|---|---|---|---|---|---|"]
    for i, row in enumerate(TABLE):
        held = {name: ", ".join(_value(value) for value in getattr(row, name))
                for name in ("row", "addr", "data", "result")}
        if row.request:
            held["addr"] = held["data"] = "of the access"
        kind = Op(row.op).name + {None: "", False: " read", True: " write"}[row.writes]
        lines.append(f"| {i} | {row.unit} | {kind} | " + " | ".join(held.values())
                     + f" | {row.meaning} |")
    return "\n".join(lines) + "\n"


def _value(value) -> str:
    return f"{value.name}[{value.width}]" if value.width > 1 else value.name


def _ranges(numbers: set[int]) -> str:
    """Numbers in words, as 1-3, 5."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def cases_table() -> str:
    """Which tests have which conformance cases, as a Markdown table and a sentence."""
    root, found = FOLDER.parent, {}
    for path in sorted(root.glob("tests/*/test_*.py")):
        names = re.findall(r"def test_case_((?:\d{3}_)+)", path.read_text())
        if numbers := {int(number) for name in names for number in name.split("_") if number}:
            found[path.relative_to(root).as_posix()] = numbers
    hardware = set().union(*(cases for path, cases in found.items() if "/e2e/" in path))
    every = set().union(*found.values())
    rows = [("whole controller" if "/e2e/" in path else "model", f", `{path}`", cases)
            for path, cases in found.items()]
    lines = ["| where | cases |", "|---|---|"]
    lines += [f"| {where}{path} | {_ranges(cases)} |"
              for where, path, cases in [*rows, ("none", "", set(range(1, 121)) - every)]]
    lines += ["", f"{len(hardware)} of 120 on the hardware, {len(every - hardware)} more "
              f"({_ranges(every - hardware)}) on the model alone, {120 - len(every)} not at all. "
              "On the hardware every commit is replayed on the model as well."]
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Text of every page that is made here, as it should be now."""
    commits, tests = FOLDER / "commits.md", FOLDER / "verification.md"
    area = FOLDER / "architecture.md"
    return {FOLDER / "ports.md": ports(),
            commits: fill(commits.read_text(), "commits", commit_table()),
            tests: fill(tests.read_text(), "cases", cases_table()),
            area: fill(area.read_text(), "area", area_table())}


def main() -> None:
    """Write them."""
    for path, text in pages().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
