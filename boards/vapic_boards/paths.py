"""The slowest paths in the names of the source: from register to register."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .wrapper import CORE

__all__ = ["Netlist", "Path_", "slowest", "source_name"]

_REGISTER = re.compile(r"_TRELLIS_FF_Q(_\d+)?$")
_LOGIC = re.compile(r"_(LUT4|CCU2C|PFUMX|L6MUX21|TRELLIS_FF|DP16KD)_.*$")
#: Cells of a memory, as placed: the number of the block, and what the tools add to it.
_ROW = re.compile(r"\.\d+\.\d+(\$.*|_.*)?$")
#: Cells that a path starts from and ends at.
_STATEFUL = ("TRELLIS_FF", "DP16KD", "TRELLIS_DPR16X4", "TRELLIS_RAMW")


def source_name(cell: str) -> str:
    """Name of the register or memory that a cell is part of, without the wrapper.

    ``core.bank.issue.op_TRELLIS_FF_Q_3`` is ``bank.issue.op``.
    """
    name = cell.removeprefix(f"{CORE}.")
    for ending in (_REGISTER, _LOGIC, _ROW):
        name = ending.sub("", name)
    return name


@dataclass(frozen=True)
class Path_:
    """A way from one register to another.

    Attributes
    ----------
    start, end : str
        Registers or memories by the names of the source; ``ports`` is the wrapper.
    ns : float
        From clock edge to the input of the last one.
    levels : int
        Cells of logic between them.
    routing_ns : float or None
        The part of it that is wires, where nextpnr tells: of the slowest path.
    """

    start: str
    end: str
    ns: float
    levels: int
    routing_ns: float | None = None


class Netlist:
    """The netlist of synthesis, to find where a register's value comes from."""

    def __init__(self, modules: dict):
        self._cells = modules[f"top.{CORE}"]["cells"]

    @classmethod
    def read(cls, path: Path) -> "Netlist":
        """From the JSON file of Yosys."""
        return cls(json.loads(path.read_text(encoding="utf-8"))["modules"])

    @cached_property
    def _drivers(self) -> dict:
        found = {}
        for name, cell in self._cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "output":
                    found.update((bit, name) for bit in bits)
        return found

    def deepest(self, cell: str) -> tuple[str, int]:
        """Start of the way with the most cells of logic to a register, and their number."""
        depth: dict[str, tuple[int, str]] = {}
        root = cell.removeprefix(f"{CORE}.")
        if root not in self._cells:
            root = root.rsplit("$", 1)[0]       # a part of a memory, as placed
        if root not in self._cells:
            return "ports", 0
        todo = [(root, False)]
        while todo:
            name, ready = todo.pop()
            if name in depth and not ready:
                continue
            sources = self._sources(name)
            if not ready:
                depth[name] = (0, "ports")      # against a loop through a memory
                todo.append((name, True))
                todo += [(source, False) for source in sources if not self._ends(source)]
                continue
            best = (0, "ports")
            for source in sources:
                best = max(best, (1, source) if self._ends(source)
                           else (depth[source][0] + 1, depth[source][1]))
            depth[name] = best
        levels, start = depth[root]
        return source_name(start), max(0, levels - 1)

    def _ends(self, name: str) -> bool:
        return self._cells[name]["type"] in _STATEFUL

    def _sources(self, name: str) -> list[str]:
        cell = self._cells[name]
        bits = [bit for port, bits in cell["connections"].items() for bit in bits
                if cell["port_directions"][port] == "input" and port not in ("CLK", "WCK")]
        return [self._drivers[bit] for bit in bits if bit in self._drivers]


def slowest(report: dict, netlist: Netlist, count: int) -> list[Path_]:
    """The slowest path, then the slowest ends of others, one for each register.

    Of the first one nextpnr tells the whole way. Of the others it tells when the value arrives; the
    start is that of the way with the most logic.
    """
    steps = max((path["path"] for path in report["critical_paths"] if path["path"]),
                key=lambda path: sum(step["delay"] for step in path))
    first = Path_(
        _place(steps[0]["from"]["cell"]), _place(steps[-1]["to"]["cell"]),
        sum(step["delay"] for step in steps), sum(s["type"] == "logic" for s in steps),
        sum(s["delay"] for s in steps if s["type"] == "routing"))
    arrivals: dict[str, tuple[float, str]] = {}
    for net in report["detailed_net_timings"]:
        for end in net["endpoints"]:
            name = _place(end["cell"])
            arrivals[name] = max(arrivals.get(name, (0.0, "")), (max(end["delay"]), end["cell"]))
    found = [first]
    for name, (ns, cell) in sorted(arrivals.items(), key=lambda item: -item[1][0]):
        if len(found) >= count:
            break
        if name != first.end:
            start, levels = netlist.deepest(cell)
            found.append(Path_(start, name, ns, levels))
    return found


def _place(cell: str) -> str:
    return source_name(cell) if cell.startswith(f"{CORE}.") else "ports"
