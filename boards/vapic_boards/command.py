"""The subcommands `vapic timing` and `vapic resources`."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vapic.cli import CommandError
from vapic.progress import Progress

from .blocks import BLOCKS, WHOLE
from .measure import PLAN, QUICK, Subject, measure
from .paths import Path_
from .table import Row, read_table, write_table
from .tools import ToolError

__all__ = ["resources", "timing"]

_QUICK_COLUMNS = ("lut4", "depth")


def timing(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Area, frequency and slowest paths of the controller or a block, on an FPGA.

    Synthesis (Yosys), then place and route (nextpnr) for a Lattice ECP5 LFE5U-85F of speed 6, out
    of context: a flip-flop at every port, which the counts leave out. Paths are told in the names
    of the source, from register to register. A block takes a minute, the whole controller for 16
    vCPUs about four a seed. Examples:

      vapic timing --block bank
      vapic timing --vcpus 64 --seeds 1,2,3 --paths 20
      vapic timing --block evtchn --no-route --json
    """
    parser.add_argument("--block", metavar="NAME", choices=(WHOLE, *BLOCKS), default=WHOLE,
                        help=f"{WHOLE} (default) or one of {', '.join(BLOCKS)}")
    parser.add_argument("--vcpus", metavar="N", type=int, default=16,
                        help="number of vCPUs, which lanes and domains follow (default 16)")
    parser.add_argument("--seeds", metavar="N,...", type=_numbers, default=(1,),
                        help="seeds of place and route; the median counts (default 1)")
    parser.add_argument("--no-route", action="store_true",
                        help="synthesis alone: cells and depth, no frequency")
    parser.add_argument("--all-policies", action="store_true",
                        help="build every policy, not only those that are built by default")
    parser.add_argument("--paths", metavar="N", type=int, default=10,
                        help="how many of the slowest paths (default 10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return _timing


def _timing(arguments: argparse.Namespace) -> int:
    if arguments.paths < 0:
        raise CommandError(f"--paths {arguments.paths}: must be 0 or more")
    seeds = () if arguments.no_route else arguments.seeds
    with Progress("vapic timing") as progress:
        try:
            row, paths = measure(
                Subject(arguments.block, arguments.vcpus, seeds, arguments.all_policies),
                paths=arguments.paths, say=progress.stage)
        except ToolError as error:
            print(f"vapic timing: {error}", file=sys.stderr)
            return 1
        except ValueError as error:
            raise CommandError(str(error)) from None
    if arguments.json:
        print(json.dumps(asdict(row) | {"paths": [asdict(path) for path in paths]}, indent=2))
    else:
        _print(row, paths)
    return 0


def _print(row: Row, paths: list[Path_]) -> None:
    console = Console(highlight=False)
    placed = (f"; {row.trellis_comb} TRELLIS_COMB; {row.fmax_mhz} MHz (seeds {row.seeds}, "
              f"spread {row.spread_mhz})" if row.seeds else "")
    console.print(f"{row.block}, {row.parameters}: {row.lut4} LUT4, {row.ff} FF, {row.ram} DP16KD, "
                  f"{row.lut_ram} DPR16X4, depth {row.depth}{placed}", markup=False, soft_wrap=True)
    if not paths:
        return
    table = Table("ns", "wires", "levels", "from", "to", box=None)
    for path in paths:
        wires = f"{path.routing_ns:.1f}" if path.routing_ns is not None else ""
        table.add_row(f"{path.ns:.1f}", wires, str(path.levels), path.start, path.end)
    console.print(table)


def resources(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Measure every block and the whole controller, and keep the figures in a table.

    A row whose netlist, seeds and tools are still the same is kept, so a run that was stopped goes
    on where it was. With --check a small configuration is synthesised and compared with the
    table, which takes less than a minute. Examples:

      vapic resources docs/resources.csv
      vapic resources docs/resources.csv --only bank
      vapic resources docs/resources.csv --check
    """
    parser.add_argument("table", metavar="FILE", type=Path, help="the table, a .csv file")
    parser.add_argument("--only", metavar="NAME", choices=(WHOLE, *BLOCKS),
                        help="rows of this block alone")
    parser.add_argument("--vcpus", metavar="N", type=int, help="rows of so many vCPUs alone")
    parser.add_argument("--check", action="store_true",
                        help="compare LUT4 and depth of a small configuration with the table")
    return _resources


def _resources(arguments: argparse.Namespace) -> int:
    path = arguments.table
    try:
        rows = {(*row.key, row.seeds == ""): row for row in read_table(path)}
    except ValueError as error:
        raise CommandError(str(error)) from None
    with Progress("vapic resources") as progress:
        try:
            if arguments.check:
                return _check(path, rows, progress)
            for subject in (QUICK, *PLAN):
                if (arguments.only not in (None, subject.block)
                        or arguments.vcpus not in (None, subject.vcpus)):
                    continue
                key = (subject.block, subject.parameters, not subject.seeds)
                rows[key], _ = measure(subject, known=rows.get(key), say=progress.stage)
                write_table(path, list(rows.values()))
                print(f"{subject.block}, {subject.parameters}: {rows[key].lut4} LUT4, "
                      f"{rows[key].fmax_mhz} MHz", flush=True)
        except ToolError as error:
            print(f"vapic resources: {error}", file=sys.stderr)
            return 1
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
    return 0


def _check(path: Path, rows: dict, progress: Progress) -> int:
    block, vcpus = QUICK.block, QUICK.vcpus
    kept = rows.get((block, QUICK.parameters, True))
    if kept is None:
        raise CommandError(f"{path}: no row of {block} with {vcpus} vCPUs, not placed; "
                           "make resources writes it")
    found, _ = measure(QUICK, say=progress.stage)
    changed = [f"{name} {getattr(kept, name)} -> {getattr(found, name)}"
               for name in _QUICK_COLUMNS if getattr(kept, name) != getattr(found, name)]
    if changed:
        print(f"vapic resources: {block} with {vcpus} vCPUs is no longer what {path} says: "
              f"{', '.join(changed)}. If it is meant, tell it in CHANGELOG.md and renew the row: "
              f"vapic resources {path} --only {block} --vcpus {vcpus}", file=sys.stderr)
        return 1
    print(f"{block} with {vcpus} vCPUs: {found.lut4} LUT4, depth {found.depth}, as {path} says")
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


_numbers.__name__ = "list of numbers"
