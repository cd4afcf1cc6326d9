"""The command `vapic trace` as its user meets it, and what `vapic run` tells of its reading."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from vapic import cli
from vapic_sim import command
from vapic_sim.race import Finish

from .test_traces_cases import CASES, ROW
from .test_traces_passing import lines

SCRIPT = "import sys; from vapic.cli import main; sys.exit(main())"
HIDES = str(CASES / "lost-hides-exit.txt")


@pytest.fixture
def raced(monkeypatch):
    """What came of the runs is made up."""
    monkeypatch.setattr(command, "race", lambda tasks, progress: [
        Finish(replace(ROW, policy=task.job.policy), None) for task in tasks])


def test_table(capsys):
    assert cli.main(["trace", HIDES]) == 0
    out, err = capsys.readouterr()
    head, total, *_, gaps, passed, note = out.splitlines()
    assert head == ("lost-hides-exit.txt: ftrace text, which explains 100% of the first lines; "
                    "8 lines")
    assert total == "3 interrupts of 2 sources in 2 s, 1 with an estimated time"
    assert "│ 5 nic  │          2 │        1 │   1 │             3 / 3 / 3 │" in out
    assert "│ 6 disk │          1 │      0.5 │   1 │             9 / 9 / 9 │" in out
    assert gaps == "gaps: 1 on CPU 1 (99 events lost)"
    assert passed == "passed over: 2 comments"
    assert note == "note: 1 handler without an exit takes the median time"
    assert err == ""


def test_table_of_what_was_passed_over(tmp_path, capsys):
    path = tmp_path / "x.trace"
    entry, end = lines("ftrace")
    path.write_text((entry + end) * 9 + "what\n" + entry + end + "[LOST EVENTS]\n => a\n")
    assert cli.main(["trace", str(path)]) == 0
    out = capsys.readouterr().out
    assert "gaps: 1 of no named CPU" in out
    assert "passed over: 1 line of a stack, 1 line without a rule (the first is 19)" in out


def test_a_time_that_nobody_measured_is_not_shown_as_one(tmp_path, capsys):
    path = tmp_path / "x.trace"
    path.write_text(lines("ftrace")[0] * 2)
    assert cli.main(["trace", str(path)]) == 0
    out = capsys.readouterr().out
    assert "│ 5 nic  │          2 │        - │   1 │                     - │" in out
    assert "median time" not in out and "an assumption: no handler's time was measured" in out


def test_many_sources(tmp_path, capsys):
    path = tmp_path / "x.csv"
    path.write_text("".join(f"{n},s{n},1\n" for n in range(45)) + f"50,{'y' * 99},1\n")
    assert cli.main(["trace", str(path)]) == 0
    assert "and 16 more sources; --json has all" in capsys.readouterr().out
    assert cli.main(["trace", "--json", str(path)]) == 0
    assert len(json.loads(capsys.readouterr().out)["sources"]) == 46


def test_json(capsys):
    assert cli.main(["trace", HIDES, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == {
        "file": "lost-hides-exit.txt", "format": "ftrace", "score": 1.0,
        "scores": {"perf": 0.0, "trace-cmd": 0.1667, "ftrace": 1.0, "csv": 0.0},
        "lines": 8, "count": 3, "estimated": 1,
        "first_ns": 10_000_000_000, "last_ns": 12_000_100_000,
        "sources": [{"name": "5 nic", "count": 2, "per_second": 1.0},
                    {"name": "6 disk", "count": 1, "per_second": 0.5}],
        "gaps": [{"cpu": 1, "count": 1, "lost": 99}],
        "passed_over": {"by_rule": {"comment": 2}, "without_rule": 0, "first_without_rule": None},
        "remarks": [{"kind": "gap", "count": 1}, {"kind": "no_exit_median", "count": 1}],
        "interrupts": [
            {"time_ns": 10_000_000_000, "source": "5 nic", "service_ns": 6000, "cpu": 1,
             "exact": False},
            {"time_ns": 12_000_000_000, "source": "6 disk", "service_ns": 9000, "cpu": 1,
             "exact": True},
            {"time_ns": 12_000_100_000, "source": "5 nic", "service_ns": 3000, "cpu": 1,
             "exact": True}]}


@pytest.mark.parametrize("file", ["lost-hides-exit.txt", "quoted.csv", "perf-task-events.txt"])
def test_a_run_tells_the_same_of_its_reading(raced, capsys, file):
    assert cli.main(["trace", "--json", str(CASES / file)]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole.pop("interrupts")
    assert cli.main(["run", "--json", "--until", "1", str(CASES / file)]) == 0
    trace = json.loads(capsys.readouterr().out)["trace"]
    assert trace["read"] == whole
    assert trace["recorded_arrivals"] == whole["count"]


def test_a_run_counts_from_integers(raced, tmp_path, capsys):
    path = tmp_path / "x.trace"
    first = "".join(lines("ftrace", at=1_700_000_000, clock="{:.6f}"))
    path.write_text(first.replace(".000000:", ".000000123:").replace(".000007:", ".000007124:"))
    assert cli.main(["run", str(path), "--policy", "pull", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trace"]["start_ns"] == 1_700_000_000_000_000_123


def test_the_format_can_be_named(raced, tmp_path, capsys):
    path = tmp_path / "x"
    path.write_text("x\n" * 9 + "0,a,1\n")
    for name in ("trace", "run"):
        assert cli.main([name, str(path)]) == 2
        assert "--format names one: perf, trace-cmd, ftrace, csv" in capsys.readouterr().err
        assert cli.main([name, str(path), "--format", "csv"]) == 2
        assert f"vapic {name}: x:1: expected time_us,source,service_us" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            cli.main([name, str(path), "--format", "html"])
        assert "invalid choice: 'html'" in capsys.readouterr().err
    assert cli.main(["trace", HIDES, "--format", "trace-cmd", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["format"], result["score"], result["count"]) == ("trace-cmd", 0.1667, 3)


def test_errors_are_safe_for_terminals(tmp_path, capsys):
    path = tmp_path / "a\x1b[1m\n.txt"
    path.write_text("".join(lines("ftrace")) + lines("ftrace")[0].replace("irq=5", "\x1b[31m\x07"))
    assert cli.main(["trace", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("vapic trace: a\\x1b[1m\\n.txt:3: expected irq=NUMBER name=NAME, found ")
    assert "\x1b" not in err and "\x07" not in err and err.count("\n") == 1
    assert cli.main(["trace", "/nowhere/\x1b[1m"]) == 2
    assert capsys.readouterr().err == (
        "vapic trace: cannot read /nowhere/\\x1b[1m: No such file or directory\n")


def test_without_a_file_it_is_the_one_in_the_package(capsys):
    assert cli.main(["trace"]) == 0
    assert capsys.readouterr().out.startswith("net.ftrace.gz: ftrace text, which explains 100%")


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        cli.main(["trace", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for part in ("- for standard input", "examples:", "exit codes:", "without_rule", "--format",
                 "perf (the text of `perf script`)", "default: what explains most"):
        assert part in text


def vapic(*arguments, **options):
    return subprocess.Popen([sys.executable, "-W", "error", "-c", SCRIPT, *arguments],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, **options)


def test_names_in_letters_that_the_terminal_has_not(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("0,köln,1\n")
    with vapic("trace", str(path), env=os.environ | {"PYTHONIOENCODING": "ascii"}) as program:
        out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, "") and "k\\xf6ln" in out


def test_interrupted_while_it_reads():
    program = vapic("trace", "-")
    program.stdin.write("".join(lines("ftrace")) * 100_000)
    program.stdin.flush()
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=20)
    assert program.returncode == 130
    assert (out, err.splitlines()[-1]) == ("", "vapic trace: interrupted")
    assert "Traceback" not in err


def test_nobody_reads_what_it_prints(tmp_path):
    path = tmp_path / "x.trace"
    path.write_text("".join(lines("ftrace")) * 20_000)
    with vapic("trace", "--json", str(path)) as program:
        program.stdout.readline()
        program.stdout.close()
        assert program.wait(timeout=60) == 141
        assert program.stderr.read() == ""


def test_a_long_reading_shows_a_bar(tmp_path):
    """On a terminal, with how much of the file is read."""
    path = tmp_path / "[x].trace"
    path.write_text("".join(lines("ftrace")) * 150_000)
    script = SCRIPT.replace("sys.exit", "import vapic_sim.reading as r; from functools import "
                            "partial; r.Progress = partial(r.Progress, delay=0.05); sys.exit")
    terminal, other = pty.openpty()
    program = subprocess.Popen([sys.executable, "-c", script, "trace", str(path)],
                               stdout=subprocess.DEVNULL, stderr=other,
                               env=os.environ | {"TERM": "xterm", "COLUMNS": "150"})
    os.close(other)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    assert program.wait() == 0
    assert b"vapic trace: reading" in shown and b"[x].trace" in shown
    assert f" of {path.stat().st_size >> 20}".encode() in shown
