"""The command `vapic` itself: help, version, exit codes."""

import argparse
import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points, version

import pytest

from vapic import cli


def vapic(*argv, stdout=subprocess.PIPE, unbuffered=""):
    """Run it as a program, as the installed script does."""
    script = "import sys; from vapic.cli import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-W", "error", "-c", script, *argv],
                          stdout=stdout, stderr=subprocess.PIPE, text=True, check=False,
                          env=os.environ | {"PYTHONUNBUFFERED": unbuffered})


def test_help_names_every_command():
    done = vapic("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Interrupt hardware for virtual machines." in done.stdout
    names = {entry.name for entry in entry_points(group="vapic.commands")}
    assert {"verilog", "run"} <= names
    for name in names:
        assert re.search(rf"^    {name}\s+[A-Z]", done.stdout, re.M), name


def test_version():
    done = vapic("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"vapic {version('vapic')}\n", "")


@pytest.mark.parametrize(("argv", "message"), [
    (["nonsense"], "argument COMMAND: invalid choice: 'nonsense'"),
    ([], "the following arguments are required: COMMAND"),
    (["verilog"], "the following arguments are required: -o/--output"),
    (["verilog", "-o", "x.txt"], "vapic verilog: x.txt: the output file must end in .v or .il"),
])
def test_wrong_use(argv, message):
    done = vapic(*argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("argv", "unbuffered"), [
    (["regs", "--json"], ""), (["regs", "--json"], "1"), (["--help"], ""),
    (["regs", "--help"], ""),
])
def test_nobody_reads(argv, unbuffered):
    """A reader that has enough, as `head`, ends the command without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = vapic(*argv, stdout=writing, unbuffered=unbuffered)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_help_of_a_command_teaches():
    done = vapic("verilog", "--help")
    assert done.returncode == 0
    assert "Write the controller as Verilog or RTLIL." in done.stdout
    assert "vapic verilog --vcpus 64 --msi-bus -o vapic64.v" in done.stdout


@pytest.fixture
def one_command(monkeypatch):
    """The only subcommand is `try`, whose end the test chooses."""
    end = {}

    def build(parser: argparse.ArgumentParser):
        """Try something.

        At length.
        """
        parser.add_argument("--end", default="good")
        return lambda arguments: end[arguments.end]()

    entry = EntryPoint("try", "unused:unused", "vapic.commands")
    monkeypatch.setattr(EntryPoint, "load", lambda self: build)
    monkeypatch.setattr(cli, "entry_points", lambda group: [entry])
    return end


def test_exit_codes(one_command, capsys):
    def fail(error):
        def run():
            raise error
        return run

    one_command |= {"good": lambda: 0, "failed": lambda: 1,
                    "misused": fail(cli.CommandError("no such thing")),
                    "stopped": fail(KeyboardInterrupt()), "broken": fail(RuntimeError("bug")),
                    "other pipe": fail(BrokenPipeError("of a tool"))}
    assert [cli.main(["try", "--end", end]) for end in ("good", "failed")] == [0, 1]
    assert capsys.readouterr() == ("", "")
    assert cli.main(["try", "--end", "misused"]) == 2
    assert capsys.readouterr() == ("", "vapic try: no such thing\n")
    assert cli.main(["try", "--end", "stopped"]) == 130
    assert capsys.readouterr() == ("", "vapic try: interrupted\n")
    with pytest.raises(RuntimeError, match="bug"):
        cli.main(["try", "--end", "broken"])
    with pytest.raises(BrokenPipeError, match="of a tool"):
        cli.main(["try", "--end", "other pipe"])


def test_summary_is_the_first_line(one_command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    assert re.search(r"^    try +Try something\.$", capsys.readouterr().out, re.M)
    with pytest.raises(SystemExit):
        cli.main(["try", "--help"])
    assert "At length." in capsys.readouterr().out
