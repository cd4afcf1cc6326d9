"""Another revision of the sources, beside this one: unpacked, run, and its results kept.

A module that compares revisions has a way to write what it observes into a file. It runs as
itself, in a process of its own, with the other revision's sources, and so is the same for both;
`find` gets it what has moved since.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from platformdirs import user_cache_path

ROOT = Path(__file__).resolve().parent.parent
#: Folders of the packages.
SOURCES = ("hdl", "sim", "boards")


def find(places: Sequence[str], module: str) -> ModuleType:
    """A module of the sources imported, in the first of the packages that has it."""
    for place in places:
        name = f"{place}.{module}"
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if not error.name or not (name == error.name or name.startswith(error.name + ".")):
                raise
    raise SystemExit(f"no {module}.py in {' nor in '.join(places)}")


def commit_of(revision: str) -> str:
    """Full number of the commit that a revision names."""
    return git("rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()


def unpack(revision: str, folder: Path) -> None:
    """The files of a revision, in a folder."""
    subprocess.run(["tar", "-x", "-C", str(folder)], input=git("archive", revision), check=True)


def dump_tree(program: str, tree: Path, path: Path, arguments: Sequence[str]) -> None:
    """Run ``python -m PROGRAM --dump FILE`` with the sources of a folder."""
    places = os.pathsep.join(str(tree / part) for part in SOURCES)
    part = path.with_suffix(".part")
    subprocess.run([sys.executable, "-m", program, "--dump", str(part), *arguments], cwd=ROOT,
                   env=os.environ | {"PYTHONPATH": places}, check=True)
    part.rename(path)


def dump_revision(program: str, revision: str, kept: str, arguments: Sequence[str]) -> Path:
    """File that a program writes with the sources of a revision; from the cache if it has run.

    Parameters
    ----------
    program : str
        Module, as for ``python -m``.
    revision : str
        As git names it.
    kept : str
        What the file depends on besides program and commit.
    arguments : sequence of str
        Of the program.
    """
    commit = commit_of(revision)
    path = user_cache_path("vapic") / program.rpartition(".")[2] / f"{commit}-{kept}.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            unpack(commit, Path(folder))
            dump_tree(program, Path(folder), path, arguments)
    return path


def git(*arguments: str) -> bytes:
    """What a command of git prints, here."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True,
                          stdout=subprocess.PIPE).stdout
