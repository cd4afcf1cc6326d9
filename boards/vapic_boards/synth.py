"""Synthesis out of context: how many cells of each kind, and how deep the logic is."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from .tools import run_yosys
from .wrapper import CORE, OutOfContext

__all__ = ["Cells", "elaborate", "fingerprint", "read_cells", "synthesise"]

#: Options of synthesis are those of `synth_ecp5` as it comes. The pass that finds the longest path
#: does not know the flip-flops and memories of the part, so they are taken out before it.
_SCRIPT = f"""
read_rtlil in.il
setattr -mod -set keep_hierarchy 1 top.{CORE}
synth_ecp5 -top top -json net.json
tee -q -o stat.json stat -json
delete top.{CORE}/t:TRELLIS_FF top.{CORE}/t:DP16KD top.{CORE}/t:TRELLIS_DPR16X4
tee -q -o depth.txt ltp -noff top.{CORE}
"""


@dataclass(frozen=True)
class Cells:
    """What synthesis made of a component, the wrapper apart.

    Attributes
    ----------
    lut4, carry, ff, block_ram, lut_ram : int
        LUT4, CCU2C, TRELLIS_FF, DP16KD and TRELLIS_DPR16X4 of the component.
    depth : int
        Cells on the longest way between flip-flops.
    wrapper_lut4, wrapper_ff : int
        LUT4 and TRELLIS_FF of the wrapper.
    """

    lut4: int
    carry: int
    ff: int
    block_ram: int
    lut_ram: int
    depth: int
    wrapper_lut4: int
    wrapper_ff: int


def elaborate(component: wiring.Component) -> str:
    """The component in its wrapper, as RTLIL without places of the source."""
    top = OutOfContext(component)
    return rtlil.convert(top, name="top", ports=top.ports(), emit_src=False)


def fingerprint(netlist: str) -> str:
    """Name of a netlist by its text: equal ones need no second measurement."""
    return hashlib.sha256(netlist.encode()).hexdigest()[:16]


def synthesise(netlist: str, folder: Path) -> Cells:
    """Synthesise the RTLIL of `elaborate`; leaves ``net.json`` in the folder.

    Raises
    ------
    ToolError
        If Yosys is missing or fails.
    """
    (folder / "in.il").write_text(netlist, encoding="utf-8")
    run_yosys(_SCRIPT, folder)
    return read_cells((folder / "stat.json").read_text(encoding="utf-8"),
                      (folder / "depth.txt").read_text(encoding="utf-8"))


def read_cells(stat: str, depth: str) -> Cells:
    """What `synthesise` returns, from the reports of Yosys.

    Raises
    ------
    ValueError
        If a report does not have what is looked for.
    """
    modules = json.loads(stat[stat.index("{"):])["modules"]
    core = modules[f"\\top.{CORE}"]["num_cells_by_type"]
    wrapper = modules["\\top"]["num_cells_by_type"]
    longest = re.search(r"Longest topological path in .* \(length=(\d+)\)", depth)
    if longest is None:
        raise ValueError("the report of ltp names no longest path")
    return Cells(
        lut4=core.get("LUT4", 0), carry=core.get("CCU2C", 0), ff=core.get("TRELLIS_FF", 0),
        block_ram=core.get("DP16KD", 0), lut_ram=core.get("TRELLIS_DPR16X4", 0),
        depth=int(longest[1]), wrapper_lut4=wrapper.get("LUT4", 0),
        wrapper_ff=wrapper.get("TRELLIS_FF", 0))
