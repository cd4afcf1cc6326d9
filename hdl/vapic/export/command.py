"""The subcommand `vapic verilog`."""

import argparse
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from ..cli import CommandError
from ..config import Config
from ..progress import Progress
from .netlist import NetlistError, to_rtlil, to_verilog
from .options import add_config_options, read_config

__all__ = ["verilog"]

_COMMENT = {".v": "//", ".il": "#"}


def verilog(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Write the controller as Verilog or RTLIL.

    The top module is called vapic; a port such as bus.adr is called bus__adr, and clk and rst
    are the clock and its synchronous reset. The same sizes always give the same text. Examples:

      vapic verilog -o vapic.v
      vapic verilog --vcpus 64 --msi-bus -o vapic64.v
      vapic verilog --config board.toml --rtes 40 -o board.il

    A configuration file has a line for each size that is not the default, such as "vcpus = 64".
    With --vcpus alone, lanes and domains are chosen to fit.
    """
    parser.add_argument("-o", "--output", metavar="OUT", required=True,
                        help="file to write, .v or .il; - writes Verilog to standard output")
    add_config_options(parser)
    return _run


def _run(arguments: argparse.Namespace) -> int:
    output = arguments.output
    suffix = ".v" if output == "-" else Path(output).suffix
    if suffix not in _COMMENT:
        raise CommandError(f"{output}: the output file must end in .v or .il (or be - for Verilog "
                           "on standard output)")
    if output != "-" and not Path(output).parent.is_dir():
        raise CommandError(f"{output}: folder {Path(output).parent} does not exist")
    config = read_config(arguments)
    with Progress("vapic verilog") as progress:
        try:
            text = _text(config, suffix, progress)
        except NetlistError as error:
            print(f"vapic verilog: Yosys failed: {error}", file=sys.stderr)
            return 1
        if output == "-":
            sys.stdout.write(text)
            return 0
        _write(Path(output), text)
        progress.done(f"{output} written, {text.count(chr(10))} lines")
    return 0


def _text(config: Config, suffix: str, progress: Progress) -> str:
    progress.stage("elaborating the controller")
    # Not before it is needed: the blocks take a while to import.
    from ..controller import Controller

    sizes = ", ".join(f"{name}={value}" for name, value in config.to_dict().items()
                      if name != "commits")
    text = to_rtlil(Controller(config), "vapic")
    if suffix == ".v":
        progress.stage("converting to Verilog (Yosys)")
        text = to_verilog(text)
    return f"{_COMMENT[suffix]} vapic {version('vapic')}: {sizes}\n{text}"


def _write(path: Path, text: str) -> None:
    """Write a file in one step: a run that is stopped leaves what was there before."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
