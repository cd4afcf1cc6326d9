"""What commands that take a trace have in common: their arguments, progress, and errors."""

import argparse
import io
import sys

from vapic.cli import CommandError
from vapic.progress import Progress

from .traces.detect import FORMATS
from .traces.load import DEFAULT, read
from .traces.reading import Reading
from .traces.trace import TraceError
from .traces.words import shown

__all__ = ["add_reader", "read_file"]


def add_reader(parser: argparse.ArgumentParser) -> None:
    """Add the file and its format to the arguments of a command."""
    parser.add_argument(
        "trace", nargs="?", metavar="TRACE",
        help=f"trace file, - for standard input; default: {DEFAULT}, which comes with the package")
    parser.add_argument(
        "--format", choices=list(FORMATS), metavar="NAME",
        help="read it as " + ", ".join(f"{name} ({title})" for name, title in FORMATS.items())
        + "; default: what explains most of the first lines")


def read_file(command: str, arguments: argparse.Namespace) -> Reading:
    """Read the file that the arguments name, with progress if it takes long.

    Raises
    ------
    CommandError
        If it cannot be read.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")   # names are in letters of any script
    with Progress(command) as progress:
        begun = False

        def tell(done: int, total: int) -> None:
            nonlocal begun
            if not begun:
                progress.stage(f"reading {shown(arguments.trace or DEFAULT)}")
                begun = True
            progress.count(done >> 20, total >> 20)

        try:
            return read(arguments.trace, arguments.format, tell)
        except TraceError as error:
            raise CommandError(shown(str(error))) from None
