"""Measure a block: synthesis once, place and route once a seed."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from vapic.config import Config

from .blocks import BLOCKS, WHOLE, component
from .paths import Netlist, Path_, slowest
from .route import FAMILY, route
from .synth import elaborate, fingerprint, synthesise
from .table import Row
from .tools import versions

__all__ = ["PLAN", "QUICK", "measure", "plan_row"]

_THREE = (1, 2, 3)
#: Rows of the table: block, vCPUs, seeds. One seed where place and route takes many minutes.
PLAN: tuple[tuple[str, int, tuple[int, ...]], ...] = (
    *((block, 16, _THREE) for block in BLOCKS),
    (WHOLE, 16, _THREE), (WHOLE, 1, (1,)), (WHOLE, 64, (1,)), (WHOLE, 256, (1,)))
#: What is compared on every change: the whole, small and not placed.
QUICK = (WHOLE, 1)


def plan_row(block: str, vcpus: int, seeds: Sequence[int]) -> tuple[str, str]:
    """The command that measures a row, and its parameters."""
    listed = ",".join(map(str, seeds))
    return (f"vapic timing --block {block} --vcpus {vcpus}"
            + (f" --seeds {listed}" if seeds else " --no-route"), f"vcpus={vcpus}")


def measure(block: str, vcpus: int, seeds: Sequence[int], *, known: Row | None = None,
            paths: int = 0, say: Callable[[str], None] = lambda text: None,
            ) -> tuple[Row, list[Path_]]:
    """One row, and the slowest paths of the slowest seed.

    Parameters
    ----------
    block : str
        Of `BLOCKS`, or `WHOLE`.
    vcpus : int
        Sizes follow from it (`Config.for_vcpus`).
    seeds : sequence of int
        Of place and route; none: synthesis alone.
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
    command, parameters = plan_row(block, vcpus, seeds)
    say(f"{block}, {vcpus} vCPUs: elaborating")
    netlist = elaborate(component(block, Config.for_vcpus(vcpus)))
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
        block, parameters, FAMILY, cells.lut4,
        runs[0].comb - cells.wrapper_lut4 if runs else 0, cells.ff, cells.block_ram,
        cells.lut_ram, cells.depth, round(median(reached), 1) if runs else 0.0,
        round(max(reached) - min(reached), 1) if runs else 0.0, listed, versions(), command, name)
    return row, found
