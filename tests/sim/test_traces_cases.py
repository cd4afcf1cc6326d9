"""Small versions of what published traces look like: what a run of each takes."""

import io
import json
import runpy
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest

from vapic import cli
from vapic_sim import command
from vapic_sim.race import Finish
from vapic_sim.report.figures import Figures
from vapic_sim.traces.columns import Columns
from vapic_sim.traces.detect import GRAMMARS
from vapic_sim.traces.handlers import Handlers
from vapic_sim.traces.kernel import Scan
from vapic_sim.traces.load import read

CASES = Path(__file__).parent / "traces_cases"
ROW = Figures(
    policy="pull", arrivals=1, delivered=1, merged=0, pending=0, lost=0, latency_mean=1.0,
    latency_p50=1.0, latency_p99=1.0, latency_max=1.0, controller_p50=15, controller_p99=15,
    controller_max=15, share=(1.0,), jain=1.0, wakeups=1.0, wakes=0, guest_events=1, ticks=1,
    skipped=1)
#: File, sources with their CPUs, services in us in the order of time, kinds of remarks.
READ = (
    ("tracecmd-stack-indented.txt", [("18 i2c-7", 1)], [9], []),
    ("lost-events-no-number.txt", [("42 dsp", 1)], [4, 6], ["gap"]),
    ("subbuffer-start.txt", [("7 uart", 0)], [3], []),
    ("lost-on-another-cpu.txt", [("5 nic", 2)], [7], ["gap"]),
    ("lost-hides-exit.txt", [("5 nic", 1), ("6 disk", 1)], [6, 9, 3], ["gap", "no_exit_median"]),
    ("bprint-with-line-break.txt", [("33 mmc-b", 2)], [12], []),
    ("perf-with-cycles.txt", [("26 tick", 2)], [45], []),
    ("perf-task-events.txt", [("26 tick", 2)], [45, 10], ["gap"]),
    ("tracecmd-latency-format.txt", [("48 eth9", 1)], [6], []),
    ("atrace-head.txt", [("4 tick", 1)], [6], []),
    ("name-empty.txt", [("irq 43", 1)], [6], []),
    ("utf16.txt", [("17 eth0", 1)], [6], []),
    ("compressed.xz", [("17 eth0", 1)], [6], []),
    ("quoted.csv", [("disk, a", 0), ("net", 1)], [12, 3], []),
    ("bom-no-head.csv", [("disk", 0), ("net", 1)], [12, 3], []),
    ("leading-blank.csv", [("disk", 0), ("net", 1)], [12, 3], []),
    ("scientific-first.csv", [("disk", 0), ("net", 1)], [12, 0.3], []),
    ("plus-sign-first.csv", [("disk", 0), ("net", 1)], [12, 3], []),
    ("head-other-case.csv", [("disk", 0), ("net", 1)], [12, 3], []),
    ("carriage-return-only.csv", [("disk", 0), ("net", 1)], [12, 3], []),
    ("long-field.csv.gz", [("x" * 140_000, 0), ("net", 1)], [12, 3], []),
    ("markup-unbalanced.csv", [("x[/]", 0), ("net", 1)], [1, 2], []),
    ("markup-swallowed.csv", [("[x]", 0), ("net[b]", 1)], [1, 2], []),
    ("same-irq-two-cpus.txt", [("5 a", 1), ("5 a", 2)], [4, 8], []),
    ("marker-that-looks-like-an-irq.txt", [("210 gpu", 4)], [20], []),
    ("truncated.gz", [("5 a", 1)], [7] * 1491, ["cut_file", "cut_line"]),
)
#: File, and what the message must say.
REFUSED = (
    ("perf-without-cpu.txt", ["perf-without-cpu.txt:1:", "a CPU in brackets",
                              "`perf script -F +cpu`"]),
    ("negative-first.csv", ["negative-first.csv:1:", "times of 0 or more", "'-5'"]),
    ("service-out-of-range.csv", ["service-out-of-range.csv:1:", "the service time is too large",
                                  "column 3"]),
)


@pytest.fixture(autouse=True)
def raced(monkeypatch):
    """Tasks that the command would have run."""
    tasks = []

    def race(given, progress):
        tasks.extend(given)
        return [Finish(replace(ROW, policy=task.job.policy), None) for task in given]

    monkeypatch.setattr(command, "race", race)
    return tasks


@pytest.mark.parametrize(("file", "sources", "services", "kinds"), READ,
                         ids=[row[0] for row in READ])
def test_read(raced, capsys, file, sources, services, kinds):
    assert cli.main(["run", str(CASES / file), "--policy", "pull", "--until", "end"]) == 0
    out, err = capsys.readouterr()
    arrivals = raced[0].job.trace.arrivals
    assert [round(one.service_us, 3) for one in arrivals] == services
    assert sorted({(one.source, one.cpu) for one in arrivals}) == sorted(sources)
    assert err == ""
    summary = raced[0].job.trace.summary
    assert sorted(one.kind for one in summary.remarks) == kinds
    assert (out.count("note: "), summary.unexplained) == (len(kinds), 0)
    for source, _ in sources:
        assert source[:60] in out


@pytest.mark.parametrize(("file", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(raced, capsys, file, words):
    assert cli.main(["run", str(CASES / file), "--policy", "pull"]) == 2
    out, err = capsys.readouterr()
    assert (out, raced) == ("", [])
    for word in words:
        assert word in err
    assert err.count("\n") == 1 and "TASK-PID" not in err


def test_every_case_is_tested():
    tested = {row[0] for row in (*READ, *REFUSED)}
    files = {path.name for path in CASES.iterdir() if path.name != "__pycache__"}
    assert files == tested | {"make-shared-line.py", "tracedat.gz"}


@pytest.mark.parametrize(("file", "times"), [
    ("scientific-first.csv", [1_000_000, 2_000_000]),
    ("lost-hides-exit.txt", [10_000_000_000, 12_000_000_000, 12_000_100_000])])
def test_times(file, times):
    assert [one.time_ns for one in read(str(CASES / file)).interrupts()] == times


def test_only_what_nobody_measured_is_marked():
    assert [one.exact for one in read(str(CASES / "lost-hides-exit.txt")).interrupts()] == [
        False, True, True]


@pytest.mark.parametrize("name", ["trace[old].csv", "[b].csv", ":smile:.csv", "esc\x1b[31m.csv"])
def test_names_of_files_are_data(tmp_path, capsys, name):
    (tmp_path / name).write_bytes((CASES / "markup-unbalanced.csv").read_bytes())
    for arguments in (["trace"], ["run", "--policy", "pull"]):
        assert cli.main([*arguments, str(tmp_path / name)]) == 0
        out = capsys.readouterr().out
        assert out.startswith(name.replace("\x1b", "\\x1b") + ": ")
        assert "\x1b" not in out and "x[/]" in out
        assert cli.main([*arguments, "--json", str(tmp_path / name)]) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["file"] if "file" in result else result["trace"]["file"]).endswith(".csv")


def shared_line(monkeypatch, count):
    """The trace of a shared line with so many interrupts."""
    monkeypatch.setattr(sys, "argv", ["make-shared-line.py", str(count)])
    text = io.StringIO()
    with redirect_stdout(text):
        runpy.run_path(str(CASES / "make-shared-line.py"))
    return text.getvalue().encode()


class Counting(Columns):
    """Columns that count how often anything of them is asked for."""

    def __init__(self):
        self.asked = 0
        super().__init__()

    def __getattribute__(self, name):
        if not name.startswith("_") and name != "asked":
            self.asked += 1
        return super().__getattribute__(name)


def operations(text):
    """Interrupts, lines of Python and accesses to what was read before that a reading takes."""
    scan, lines = Scan("x", GRAMMARS["ftrace"]), 0
    scan.handlers = Handlers(Counting())

    def count(frame, event, argument):
        nonlocal lines
        lines += 1
        return count

    sys.settrace(count)
    try:
        scan.read([text])
    finally:
        sys.settrace(None)
    columns = scan.handlers.columns
    asked = columns.asked
    assert set(columns.service) == {3000} and columns.names == ["16 usb-a", "16 usb-b"]
    return len(columns), lines, asked


def test_a_shared_line_takes_operations_in_proportion(monkeypatch):
    few = operations(shared_line(monkeypatch, 250))
    many = operations(shared_line(monkeypatch, 1000))
    assert (few[0], many[0]) == (250, 1000)
    assert many[1] < 4.2 * few[1] and many[2] < 4.2 * few[2]
