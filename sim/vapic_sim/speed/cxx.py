"""The C++ compiler that goes with a C compiler, and programs that simulate the measured design."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from ..engine.compilers import Compiler
from ..engine.jobs import JobFailed, run_jobs
from .rows import Missing

__all__ = ["LEVEL", "Blocks", "CxxCompiler", "Program"]

#: The level that the compiled engine uses too.
LEVEL = "-O2"
#: Seconds after which a compiler is given up.
_LIMIT = 240.0
#: What makes zig a plain clang; as for C.
_ZIG_FLAGS = ("-mcpu=baseline", "-fno-sanitize=undefined", "-g0")


class Blocks(NamedTuple):
    """What a program says after some cycles.

    Attributes
    ----------
    seconds : float
        What they took.
    digest, taken : int
        Outputs of the design after them.
    """

    seconds: float
    digest: int
    taken: int


@dataclass(frozen=True)
class CxxCompiler:
    """A C++ compiler.

    Attributes
    ----------
    name : str
        For people: ``g++``, ``clang++`` or ``zig c++``.
    command, flags : tuple of str
        How it is called, and with what.
    version : str
        First line of what it says about itself.
    """

    name: str
    command: tuple[str, ...]
    flags: tuple[str, ...]
    version: str

    @classmethod
    def beside(cls, compiler: Compiler) -> "CxxCompiler":
        """The one of the same family as a C compiler.

        Raises
        ------
        Missing
            If there is none.
        """
        if compiler.name == "zig":
            return cls("zig c++", (*compiler.command[:-1], "c++"), (LEVEL, *_ZIG_FLAGS),
                       compiler.version)
        program = Path(compiler.command[0])
        name = re.sub("gcc", "g++", program.name)
        name = re.sub(r"clang(?!\+)", "clang++", name) if name == program.name else name
        name = "c++" if name == "cc" else name
        found = shutil.which(name) or shutil.which(name, path=str(program.parent))
        if found is None:
            raise Missing(f"no {name} found, the C++ compiler that goes with {program.name}; "
                          f"install it, as with `apt install g++`, or take zig for both: "
                          f"VAPIC_CC='{Path(sys.executable).name} -m ziglang cc'")
        done = subprocess.run([found, "--version"], env=os.environ | {"LC_ALL": "C"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return cls(name, (found, *compiler.command[1:]), (LEVEL,),
                   (done.stdout.strip() or name).splitlines()[0])

    @property
    def text(self) -> str:
        """How it is called, for people."""
        return " ".join((self.name, *self.flags))

    def build(self, folder: Path, sources: Sequence[Path], options: Sequence[str]) -> Path:
        """Compile files, as many at a time as there are processors, and link them.

        Raises
        ------
        Missing
            If the compiler fails, or takes too long.
        """
        environment = os.environ | {"LC_ALL": "C", "TMPDIR": str(folder)}
        objects = [f"{number}.o" for number in range(len(sources))]
        # The longest first, so that none is left for one processor at the end.
        order = sorted(zip(sources, objects, strict=True), key=lambda one: -one[0].stat().st_size)
        units = [(*self.command, *self.flags, *options, "-c", str(source), "-o", out)
                 for source, out in order]
        try:
            run_jobs(units, folder, workers=os.cpu_count() or 1, environment=environment,
                     limit=_LIMIT)
            run_jobs([(*self.command, *objects, "-o", "program", "-pthread")], folder, workers=1,
                     environment=environment)
        except TimeoutError:
            raise Missing(f"{self.name} {LEVEL} took over {_LIMIT:.0f} s and was ended") from None
        except JobFailed as failure:
            lines = [line for line in failure.output.splitlines() if "error" in line]
            said = lines[0].strip() if lines else "without a message"
            raise Missing(f"{self.name} failed, exit code {failure.code}: {said}") from None
        return folder / "program"


class Program:
    """A simulation in C++ under way; it is told on standard input for how many cycles to run.

    Parameters
    ----------
    path : Path
        The program.
    """

    def __init__(self, path: Path):
        self._process = subprocess.Popen([str(path)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, count: int) -> Blocks:
        """Let some cycles pass.

        Raises
        ------
        Missing
            If the program has ended.
        """
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(f"{count}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Missing(f"the simulation in C++ ended with exit code {self._process.wait()}")
        seconds, digest, taken = line.split()
        return Blocks(float(seconds), int(digest), int(taken))
