"""Measure a block: synthesis once, place and route once a seed."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from vapic.config import Config
from vapic.policy import POLICIES

from .blocks import BLOCKS, WHOLE, component
from .paths import Netlist, Path_, slowest
from .route import FAMILY, route
from .synth import elaborate, fingerprint, synthesise
from .table import Row
from .tools import versions

__all__ = ["PLAN", "QUICK", "Subject", "measure"]

_THREE = (1, 2, 3)


class Subject(NamedTuple):
    """What is measured in a row.

    Parameters
    ----------
    block : str
        Of `BLOCKS`, or `WHOLE`.
    vcpus : int
        Sizes follow from it (`Config.for_vcpus`).
    seeds : tuple of int
        Of place and route; none: synthesis alone.
    all_policies : bool
        Every policy that there is is built, not those that are built by default.
    """

    block: str
    vcpus: int
    seeds: tuple[int, ...] = ()
    all_policies: bool = False

    @property
    def config(self) -> Config:
        """Sizes of the controller."""
        config = Config.for_vcpus(self.vcpus)
        return replace(config, policies=tuple(POLICIES)) if self.all_policies else config

    @property
    def command(self) -> str:
        """The command that measures it."""
        return (f"vapic timing --block {self.block} --vcpus {self.vcpus}"
                + (" --all-policies" if self.all_policies else "")
                + (f" --seeds {','.join(map(str, self.seeds))}" if self.seeds else " --no-route"))

    @property
    def parameters(self) -> str:
        """Sizes, as the table names them."""
        return f"vcpus={self.vcpus}" + (" policies=all" if self.all_policies else "")


#: Rows of the table. One seed where place and route takes many minutes.
PLAN = (
    *(Subject(block, 16, _THREE) for block in BLOCKS),
    Subject(WHOLE, 16, _THREE), Subject(WHOLE, 16, all_policies=True),
    Subject(WHOLE, 1, (1,)), Subject(WHOLE, 64, (1,)), Subject(WHOLE, 256, (1,)))
#: What is compared on every change: the whole, small and not placed.
QUICK = Subject(WHOLE, 1)


def measure(subject: Subject, *, known: Row | None = None, paths: int = 0,
            say: Callable[[str], None] = lambda text: None) -> tuple[Row, list[Path_]]:
    """One row, and the slowest paths of the slowest seed.

    Parameters
    ----------
    subject : Subject
        What.
    known : Row or None
        Taken as it is if its netlist and seeds are these.
    paths : int
        How many paths to find.
    say : callable
        Told what is done.

    Raises
    ------
    ToolError
        If a tool is missing or fails.
    ValueError
        If there is no such block, or a size is out of range.
    """
    block, vcpus, seeds, _ = subject
    say(f"{block}, {vcpus} vCPUs: elaborating")
    netlist = elaborate(component(block, subject.config))
    name, listed = fingerprint(netlist), " ".join(map(str, seeds))
    if known and not paths and (known.netlist, known.seeds, known.tools) == (
            name, listed, versions()):
        return known, []
    with tempfile.TemporaryDirectory(prefix="vapic-timing-") as folder:
        place = Path(folder)
        say(f"{block}, {vcpus} vCPUs: synthesis")
        cells = synthesise(netlist, place)
        runs = []
        for seed in seeds:
            say(f"{block}, {vcpus} vCPUs: place and route, seed {seed}")
            runs.append(route(place, seed))
        found = (slowest(min(runs, key=lambda run: run.mhz).report,
                         Netlist.read(place / "net.json"), paths) if runs and paths else [])
    reached = [run.mhz for run in runs]
    row = Row(
        block, subject.parameters, FAMILY, cells.lut4,
        runs[0].comb - cells.wrapper_lut4 if runs else 0, cells.ff, cells.block_ram,
        cells.lut_ram, cells.depth, round(median(reached), 1) if runs else 0.0,
        round(max(reached) - min(reached), 1) if runs else 0.0, listed, versions(),
        subject.command, name)
    return row, found
