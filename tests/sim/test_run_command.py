"""The command `vapic run` as its user meets it."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from vapic import cli
from vapic_sim import command
from vapic_sim.race import Finish, RunError
from vapic_sim.report.figures import Figures

pytestmark = pytest.mark.simulates

SCRIPT = "import sys; from vapic.cli import main; sys.exit(main())"
ROW = Figures(
    policy="static", arrivals=3, delivered=3, merged=0, pending=0, lost=0, latency_mean=1.0,
    latency_p50=1.0, latency_p99=1.0, latency_max=1.0, controller_p50=15, controller_p99=15,
    controller_max=15, share=(1.0,), jain=1.0, wakeups=1.0, wakes=0, guest_events=3,
    ticks=1, skipped=1)


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "load.csv"
    file.write_text("time_us,source,service_us\n0,a,1\n5,b,1\n5,a,1\n30,a,2\n")
    return str(file)


@pytest.fixture
def raced(monkeypatch):
    """Tasks that the command would have run; what came of them is made up."""
    tasks = []

    def race(given, progress):
        tasks.extend(given)
        progress(0, 2)
        return [Finish(replace(ROW, policy=task.job.policy), None) for task in given]

    monkeypatch.setattr(command, "race", race)
    return tasks


def test_end_to_end_json(table):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, "run", table, "--json", "--policy", "rr",
         "--policy", "pull", "--vcpus", "2", "--guests", "1", "--explain", "4"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [row["policy"] for row in result["policies"]] == ["rr", "pull"]
    for row in result["policies"]:
        assert row["arrivals"] == 4 == row["delivered"] + row["merged"] + row["pending"]
        assert row["lost"] == 0
        assert len(row["share"]) == 2
    assert "pull: interrupt 4, a (n=0)" in done.stderr
    assert "pull: 100 %" in done.stderr


@pytest.mark.parametrize(("engine", "count", "cut"), [
    ("python", 150, "the busiest 150 of 1968 interrupts"), ("auto", 1968, "all 1968 interrupts")])
def test_defaults(raced, capsys, monkeypatch, engine, count, cut):
    monkeypatch.setenv("VAPIC_ENGINE", engine)
    assert cli.main(["run"]) == 0
    assert [task.job.policy for task in raced] == ["static", "lowpri", "pull"]
    job = raced[0].job
    assert (job.vcpus, job.pcpus, job.guests, job.clock_hz, job.slice_us, job.phase, job.seed) == (
        4, 2, 2, 100e6, 1000.0, "random", 1)
    assert len(job.trace.arrivals) == count
    out, err = capsys.readouterr()
    assert f"net.ftrace.gz: {cut}" in out
    assert "lowpri: mean wait about the same" in out or "mean wait the same" in out
    assert err == ""


def test_options(raced, table):
    assert cli.main(["run", table, "--until", "end", "--load", "2", "--slice", "500us", "--clock",
                     "50MHz", "--vcpus", "8", "--pcpus", "3", "--guests", "5", "--phase", "gang",
                     "--seed", "7", "--no-skip", "--policy", "least", "--policy", "least",
                     "--vcd", "x.vcd"]) == 0
    (task,) = raced
    assert [a.time_us for a in task.job.trace.arrivals] == [0, 2.5, 2.5, 15]
    assert replace(task.job, trace=None) == replace(task.job, trace=None, vcpus=8, pcpus=3,
                                                    guests=5, clock_hz=50e6, slice_us=500.0,
                                                    phase="gang", seed=7, skip=False)
    assert task.vcd == "x.vcd"


def test_until_takes_time_and_numbers(raced, table):
    for until, count in (("2", 2), ("10us", 3), ("0.001s", 4), ("1e3us", 4),
                         ("0.0000000001us", 2)):
        raced.clear()
        assert cli.main(["run", table, "--until", until, "--policy", "pull"]) == 0
        assert len(raced[0].job.trace.arrivals) == count, until


def test_a_folder_in_the_way_of_one_waveform(raced, table, tmp_path, capsys):
    (tmp_path / "a.pull.vcd").mkdir()
    file = str(tmp_path / "a.vcd")
    assert cli.main(["run", table, "--vcd", file, "--policy", "rr", "--policy", "pull"]) == 2
    assert "a.pull.vcd is a folder" in capsys.readouterr().err
    assert raced == []


def test_the_packaged_trace_in_its_recorded_phase(raced, capsys):
    note = "no idle task is named on CPU 0, 1: taken as busy all the time"
    assert cli.main(["run", "--phase", "recorded", "--until", "5"]) == 0
    out = capsys.readouterr().out
    assert note in out
    assert "machine: 4 driver vCPUs and 2 guests, phase recorded, 100 MHz" in out
    assert cli.main(["run", "--phase", "recorded", "--until", "5", "--json"]) == 0
    assert note in json.loads(capsys.readouterr().out)["trace"]["remarks"][0]
    assert cli.main(["run", "--until", "5"]) == 0
    assert "idle" not in capsys.readouterr().out


def test_json_carries_the_remarks(raced, tmp_path, capsys):
    file = tmp_path / "load.csv"
    file.write_text("1,a,1\n2,a,1\n5,b,")
    assert cli.main(["run", str(file), "--json", "--load", "2"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["trace"]["remarks"] == ["last line is cut off: 1 line passed over"]
    assert result["machine"]["load"] == 2.0


def test_one_waveform_a_policy(raced, table, tmp_path):
    cli.main(["run", table, "--vcd", str(tmp_path / "a.vcd"), "--policy", "rr", "--policy", "pull"])
    assert [task.vcd for task in raced] == [str(tmp_path / f"a.{p}.vcd") for p in ("rr", "pull")]


def test_violated_conservation_is_exit_code_1(monkeypatch, table, capsys):
    monkeypatch.setattr(command, "race", lambda tasks, progress: [
        Finish(replace(ROW, delivered=1, lost=2), None)])
    assert cli.main(["run", table, "--policy", "static"]) == 1
    out, err = capsys.readouterr()
    assert "static: 2 interrupts lost." in out
    assert ("vapic run: policy static: 3 arrivals are not 1 delivered + 0 merged + 0 pending"
            in err)


def test_a_failed_run_is_exit_code_1(monkeypatch, table, capsys):
    def race(tasks, progress):
        raise RunError("policy pull: nothing can happen any more")

    monkeypatch.setattr(command, "race", race)
    assert cli.main(["run", table]) == 1
    assert capsys.readouterr().err == "vapic run: policy pull: nothing can happen any more\n"


@pytest.mark.parametrize(("options", "message"), [
    (["--explain", "5"], "--explain must be 1..4, the interrupts of this run, not 5"),
    (["--phase", "recorded"], "load.csv does not say when its CPUs were busy"),
    (["--vcd", "/nowhere/at/all.vcd"], "--vcd: there is no folder /nowhere/at"),
    (["--vcd", "/tmp"], "--vcd: /tmp is a folder, give the name of a file"),
    (["--vcd", "/tmp", "--policy", "pull"], "--vcd: /tmp is a folder, give the name of a file"),
    (["--slice", "1us"], "--slice must be 1000 clock cycles or more"),
])
def test_wrong_use(raced, table, capsys, options, message):
    assert cli.main(["run", table, *options]) == 2
    assert message in capsys.readouterr().err
    assert raced == []


def test_a_recording_of_centuries(raced, tmp_path, capsys):
    file = tmp_path / "long.csv"
    file.write_text("0,a,1\n9e15,a,1\n")
    assert cli.main(["run", str(file), "--until", "end", "--clock", "1GHz"]) == 2
    assert capsys.readouterr().err == (
        "vapic run: long.csv: 104,166 d 16 h from the first interrupt to the last is too long for "
        "the simulation's clock; --until takes a part\n")
    assert cli.main(["run", str(file), "--until", "1", "--clock", "1GHz"]) == 0


def test_too_many_sources(raced, tmp_path, capsys):
    file = tmp_path / "wide.csv"
    file.write_text("".join(f"{i},s{i},1\n" for i in range(250)))
    assert cli.main(["run", str(file), "--until", "end"]) == 2
    assert "250 sources for 4 vCPUs need 1251 event-channel ports" in capsys.readouterr().err
    file.write_text("".join(f"{i},s{i},1\n" for i in range(300)))
    assert cli.main(["run", str(file), "--until", "end", "--vcpus", "1"]) == 2
    assert "irts must be 0..256, not 276" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "message"), [
    (["--vcpus", "0"], "--vcpus: must be a number 1..64, not '0'"),
    (["--clock", "fast"], "--clock: must be 1MHz..10GHz, as 100MHz, not 'fast'"),
    (["--slice", "5"], "--slice: must be a time with its unit, as 5ms, not '5'"),
    (["--load", "0"], "--load: must be a number above 0, not '0'"),
    (["--until", "0"], "--until: must be a number of interrupts, a time as 20ms, or end, not '0'"),
    (["--policy", "best"], "--policy: invalid choice: 'best'"),
])
def test_wrong_arguments(raced, table, capsys, options, message):
    with pytest.raises(SystemExit) as end:
        cli.main(["run", table, *options])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    text = capsys.readouterr().out
    for part in ("trace-cmd record", "examples:", "exit codes:", "wake-ups per interrupt",
                 "150 interrupts, what fits in about 60 s of Amaranth's simulator"):
        assert part in " ".join(text.split())


def living(group):
    """Processes of a process group that have not ended, by Linux' process table."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state != "Z":
            found.append(stat.parent.name)
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_interrupt_ends_all_processes():
    program = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "run", "--until", "end"], stderr=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 30
    while len(living(program.pid)) <= 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    assert len(living(program.pid)) > 2         # children simulate
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=20)
    assert program.returncode == 130
    assert err.splitlines()[-1] == "vapic run: interrupted"
    assert "Traceback" not in err
    deadline = time.monotonic() + 5
    while living(program.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert living(program.pid) == []
