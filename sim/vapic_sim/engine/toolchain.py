"""The C compiler of this machine, and shared libraries made with it."""

import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from .compilers import Compiler, find_compiler
from .disk import full, working_in
from .errors import BuildError
from .jobs import JobFailed, run_jobs

__all__ = ["CompileError", "Compiler", "compile_library", "find_compiler"]

_FULL = re.compile("No space left|NoSpaceLeft|Disk quota exceeded|File too large"
                   "|File size limit exceeded")

#: Bytes of C source below which compiling is made quick, not the code.
_SMALL = 400_000


class CompileError(BuildError):
    """The C compiler failed; the message has its command and what it said."""


def compile_library(sources: Mapping[str, str], output: Path, *, compiler: Compiler,
                    progress: Callable[[int, int], None] | None = None) -> None:
    """Compile C files and link them to a shared library.

    It appears all at once, when it is complete. A failure or an interrupt by the user leaves no
    file and no process behind.

    Units may call what the C library has, and nothing else from outside: with zig there is no
    library of the compiler's own, as for a division of 128 bits.

    Parameters
    ----------
    sources : mapping of str to str
        Text by file name. Each ``.c`` is compiled, quickly if all are small or it ends in
        ``_cold.c``; the others are there to be included.
    output : Path
        The library, in a folder that exists.
    compiler : Compiler
        Compiler to use.
    progress : callable, optional
        Called with the steps done and the number of steps: one for each unit, one to link.

    Raises
    ------
    CompileError
        The compiler can't be run, or failed.
    DiskError
        The folder can't be written, or its disk is full.
    """
    if any(Path(name).name != name for name in sources):
        raise ValueError("names of sources must be plain file names")
    # The longest first, so that none is left for one processor at the end.
    units = sorted((name for name in sources if name.endswith(".c")),
                   key=lambda name: (-len(sources[name]), name))
    if not units:
        raise ValueError("no .c file among the sources")
    output = output.absolute()
    with working_in(output.parent):
        folder = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        with working_in(output.parent):
            for name, text in sources.items():
                (folder / name).write_text(text, encoding="utf-8")
        _compile(compiler, folder, units, output.name, progress)
        with working_in(output.parent):
            (folder / output.name).replace(output)
    except JobFailed as failure:
        raise _told(failure, output.parent) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compile(compiler: Compiler, folder: Path, units: list[str], library: str,
             progress: Callable[[int, int], None] | None) -> None:
    """Make the library in a folder that has the sources."""
    steps = len(units) + 1

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, steps)

    # Files that a compiler makes on the way, so that a killed one leaves none elsewhere.
    environment = os.environ | {"LC_ALL": "C", "TMPDIR": str(folder)}
    if compiler.name == "zig":
        environment |= {"ZIG_LOCAL_CACHE_DIR": str(folder / ".zig")}
        if sys.platform == "linux":
            environment |= {"ZIG_GLOBAL_CACHE_DIR": str(folder / ".zig")}
    tell(0)
    size = sum((folder / name).stat().st_size for name in units)
    run_jobs([compiler.unit(name, _level(name, size)) for name in units], folder,
             workers=os.cpu_count() or 1, environment=environment, finished=tell)
    link = compiler.link([f"{name}.o" for name in units], library)
    run_jobs([link], folder, workers=1, environment=environment)
    if not (folder / library).is_file():
        raise JobFailed(link, 0, "error: it succeeded, but wrote no library")
    tell(steps)


def _level(name: str, size: int) -> str:
    """Level of optimisation: a small model runs fast anyway, and is usually there for one test."""
    return "-O1" if size < _SMALL or name.endswith("_cold.c") else "-O2"


def _told(failure: JobFailed, folder: Path) -> BuildError:
    """Make an error of a compiler that failed."""
    if _FULL.search(failure.output) or failure.code == -signal.SIGXFSZ:
        return full(folder)
    lines = [line.rstrip() for line in failure.output.splitlines() if line.strip()]
    first = next((i for i, line in enumerate(lines) if re.search("error", line, re.I)), None)
    # The line, what it is about and where in it; without one, how the output ends.
    shown = lines[-5:] if first is None else lines[first:first + 3]
    end = f"exit code {failure.code}" if failure.code >= 0 else (
        f"killed by {signal.Signals(-failure.code).name}; perhaps there was no memory left")
    return CompileError("\n  ".join([f"the C compiler failed ({end}):",
                                     shlex.join(failure.command), *shown]))
