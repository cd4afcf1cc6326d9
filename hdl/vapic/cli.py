"""The command `vapic`: finds its subcommands as entry points of the group `vapic.commands`."""

import argparse
import os
import select
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points, version

__all__ = ["CommandError", "main"]

#: A subcommand adds its arguments to the parser it is given and returns what runs it.
Command = Callable[[argparse.ArgumentParser], Callable[[argparse.Namespace], int]]


class CommandError(Exception):
    """A mistake of the caller: printed in one line, exit code 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        Exit code: 0 good, 1 failed check, 2 wrong use; as the shell has it of those ended by a
        signal, 130 interrupted, 141 nobody reads what is printed (``| head``).
    """
    try:
        try:
            code = _run(argv)
        except SystemExit:      # of the parser, which has printed help
            sys.stdout.flush()
            raise
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        if not _unread():
            raise
        return 141


def _run(argv: Sequence[str] | None) -> int:
    """Find the command and run it."""
    parser = argparse.ArgumentParser(
        prog="vapic", description="Interrupt hardware for virtual machines.")
    parser.add_argument("--version", action="version", version=f"vapic {version('vapic')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for entry in sorted(entry_points(group="vapic.commands"), key=lambda e: e.name):
        build: Command = entry.load()
        summary = (build.__doc__ or "").strip().splitlines()[0]
        sub = commands.add_parser(
            entry.name, help=summary, description=build.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter)
        sub.set_defaults(run_command=build(sub))
    arguments = parser.parse_args(argv)
    try:
        return arguments.run_command(arguments)
    except CommandError as error:
        print(f"vapic {arguments.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"vapic {arguments.command}: interrupted", file=sys.stderr)
        return 130


def _unread() -> bool:
    """Whether standard output is a pipe with no reader; what is left for it then goes nowhere."""
    try:
        output = sys.stdout.fileno()
    except OSError:
        return False
    poll = select.poll()
    poll.register(output, 0)
    if not poll.poll(0):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)
    return True


if __name__ == "__main__":
    sys.exit(main())
