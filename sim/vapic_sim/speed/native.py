"""The compiled engine beside Verilator: the same design, driven from C++ alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..engine.compilers import find_compiler
from . import verilator
from .cxx import CxxCompiler, Program
from .free_run import FreeRun
from .rows import Disagreement, Result, Say
from .yosys import VERILOG, write_design, write_form

__all__ = ["FORM", "measure_native", "race", "rounds"]

#: The form of Verilog that Verilator makes the fastest program of; `--candidates` has the others.
FORM = "flat"
#: Cycles before anything is measured.
SETUP = 4_000


def rounds(quick: bool) -> tuple[int, int]:
    """How many runs, and of how many cycles each."""
    return (2, 200_000) if quick else (4, 1_000_000)


@contextmanager
def _program(say: Say, compiler: CxxCompiler) -> Iterator[Program]:
    with TemporaryDirectory(prefix="vapic-") as name:
        folder = Path(name)
        say("writing Verilog (Yosys)")
        write_design(folder)
        write_form(folder, VERILOG[FORM])
        say(f"Verilator and {compiler.name}")
        with Program(verilator.build(folder, compiler)) as program:
            yield program


def race(ours: FreeRun, other: Program, times: int, cycles: int,
         say: Say) -> tuple[list[float], list[float]]:
    """Run both by turns from reset on; cycles per second of each run of each.

    Raises
    ------
    Disagreement
        If they differ in what the controller has put out after the same number of cycles.
    """
    ours.run(SETUP)
    other.run(SETUP)
    ours_rates, other_rates = [], []
    for i in range(times):
        say(f"measuring, {i + 1} of {times}")
        ours_rates.append(cycles / ours.run(cycles))
        # The one cycle that the other has between its runs.
        other.run(1)
        seconds, digest, taken = other.run(cycles)
        other_rates.append(cycles / seconds)
        if (digest, taken) != (ours.digests[ours.cycles], ours.taken):
            raise Disagreement(f"the simulation in C++ differs after {ours.cycles} cycles")
    return ours_rates, other_rates


def measure_native(quick: bool, say: Say) -> Result:
    """Measure a free run beside Verilator's with the C++ compiler that goes with ours.

    Raises
    ------
    Missing
        If Verilator or the C++ compiler are not there.
    Disagreement
        If the two differ in what the controller puts out.
    """
    verilator.find()
    compiler = CxxCompiler.beside(find_compiler())
    times, cycles = rounds(quick)
    with _program(say, compiler) as program:
        say("building ours")
        ours, others = race(FreeRun("compiled"), program, times, cycles, say)
    return Result(
        max(ours) / max(others),
        f"{max(ours):,.0f} cycles/s, Verilator with {compiler.text} {max(others):,.0f} cycles/s "
        f"on Verilog in the form {FORM!r}; the best of {times} runs of {cycles:,} cycles each, by "
        "turns", {"compiled_cycles_per_s": ours, "verilator_cycles_per_s": others,
                  "cycles": cycles, "form": FORM, "cxx": compiler.version})
