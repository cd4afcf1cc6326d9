"""Which C compiler there is."""

import functools
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError

__all__ = ["Compiler", "CompilerMissing", "find_compiler"]

_ON_PATH = ("clang", "gcc", "cc")
_FLAGS = ("-std=gnu11", "-fPIC", "-fwrapv", "-fno-strict-aliasing", "-w")
# The same machine code and checks as of the others: zig's own are for this very processor, and
# with debug information and traps.
_ZIG_FLAGS = ("-mcpu=baseline", "-fno-sanitize=undefined", "-g0")
#: Seconds for a compiler to say its version.
_PATIENCE = 30


class CompilerMissing(BuildError):
    """There is no C compiler; the message says what was looked for and how to get one."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler that runs.

    Attributes
    ----------
    name : str
        Kind: gcc, clang or zig; any other counts as gcc.
    command : tuple of str
        How it is called.
    version : str
        First line of what it says about itself.
    """

    name: str
    command: tuple[str, ...]
    version: str

    @property
    def identity(self) -> str:
        """What its output depends on beside the sources, for the key of the build cache."""
        return "\n".join((
            self.version, Path(self.command[0]).name, *self.command[1:], *self._flags,
            sys.platform, platform.machine(), *platform.libc_ver()))

    @property
    def _flags(self) -> tuple[str, ...]:
        return _FLAGS + (_ZIG_FLAGS if self.name == "zig" else ())

    def unit(self, name: str, level: str) -> tuple[str, ...]:
        """Command that compiles a file to ``name.o``, at a level of optimisation as ``-O2``."""
        return (*self.command, level, *self._flags, "-c", name, "-o", f"{name}.o")

    def link(self, objects: Sequence[str], library: str) -> tuple[str, ...]:
        """Command that makes a shared library of objects."""
        # zig would first build its own C library, which takes 17 s; that of Python is there.
        alone = ("-nostdlib",) if self.name == "zig" and sys.platform == "linux" else ()
        return (*self.command, "-shared", *alone, "-o", library, *objects)


def find_compiler() -> Compiler:
    """Find the C compiler to use.

    That is what the environment variable VAPIC_CC says; else clang, gcc or cc on PATH, the first
    that works; else the Python package ziglang.

    Raises
    ------
    CompilerMissing
        There is none, or VAPIC_CC names one that does not run.
    """
    return _find(os.environ.get("VAPIC_CC", "").strip(), os.environ.get("PATH"))


@functools.lru_cache(maxsize=8)
def _find(chosen: str, path: str | None) -> Compiler:
    if chosen:
        return _chosen(chosen, path)
    broken = []
    for name in _ON_PATH:
        program = shutil.which(name, path=path)
        if program is None:
            continue
        try:
            compiler = _ask((os.path.abspath(program),))
            _has_library(compiler)
        except _Broken as error:
            broken.append(f" ({program}: {error})")
        else:
            return compiler
    if importlib.util.find_spec("ziglang") is not None:
        try:
            return _ask((sys.executable, "-m", "ziglang", "cc"))
        except _Broken as error:
            broken.append(f" (ziglang: {error})")
    raise CompilerMissing(
        f"no C compiler found: looked for {', '.join(_ON_PATH)} on PATH and for the Python package "
        f"ziglang{''.join(broken)}; `pip install 'vapic[compiled]'` brings one, or install gcc "
        "with the headers of the C library, or set VAPIC_CC to the command of one")


def _chosen(text: str, path: str | None) -> Compiler:
    try:
        program, *options = shlex.split(text)
        found = shutil.which(program, path=path)
        if found is None:
            raise _Broken(f"there is no program {program}")
        # Compilers run in a folder of their own.
        return _ask((os.path.abspath(found), *options))
    except (_Broken, ValueError) as error:
        raise CompilerMissing(
            f"VAPIC_CC={text}: {error}; set it to the command of a C compiler, such as gcc, or "
            "unset it") from None


class _Broken(Exception):
    """Why a compiler is not to be used."""


def _ask(command: tuple[str, ...]) -> Compiler:
    """Make a `Compiler` of a command by its version."""
    zig = any(Path(part).stem in ("zig", "ziglang") for part in command)
    if zig and command[-1] == "cc":
        return Compiler("zig", command, f"zig {_output((*command[:-1], 'version'))}")
    version = _output((*command, "--version"))
    name = "zig" if zig else "clang" if "clang" in version.lower() else "gcc"
    return Compiler(name, command, version)


def _has_library(compiler: Compiler) -> None:
    """Make sure that there is a C library to compile with: gcc can be installed without."""
    if sys.platform == "linux":
        start = _output((*compiler.command, "-print-file-name=crti.o"))
        if not os.path.isabs(start):
            raise _Broken("the headers of the C library are missing, as libc6-dev")


def _output(command: Sequence[str]) -> str:
    """First line of what a program writes."""
    try:
        done = subprocess.run(
            command, env=os.environ | {"LC_ALL": "C"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False)
    except OSError as error:
        raise _Broken(f"cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise _Broken(f"does not answer within {_PATIENCE} s") from None
    lines = (done.stdout or done.stderr).strip().splitlines()
    if done.returncode or not lines:
        said = f": {lines[0]}" if lines else ""
        raise _Broken(f"`{shlex.join(command)}` fails with exit code {done.returncode}{said}")
    return lines[0]
