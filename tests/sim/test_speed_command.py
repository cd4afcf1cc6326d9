"""The command `vapic bench engine`: options, report, table, document; nothing is timed here."""

import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from vapic import cli
from vapic_sim.speed import measure as measuring
from vapic_sim.speed.document import render, write_document
from vapic_sim.speed.rows import ROWS, Disagreement, Missing, Result, row_named
from vapic_sim.speed.table import print_report

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
KEYS = ["free_run_ratio", "bench_ratio", "native_ratio", "build_s", "cached_s", "run_s"]
MEASURES = {"free_run": "measure_free_run", "bench": "measure_traffic", "native": "measure_native",
            "build": "measure_build", "cached": "measure_cached", "run": "measure_run"}
VALUES = {"free_run": 1234.5, "bench": 99.0, "native": 0.81, "build": 61.5, "cached": 0.5,
          "run": 9.87}
CANDIDATES = [
    {"name": "this engine", "compiler": "gcc -O2", "cycles_per_s": 700_000.0, "build_s": 15.2,
     "note": ""},
    {"name": "CXXRTL", "compiler": "zig", "cycles_per_s": None, "build_s": None,
     "note": "zig is not installed"}]


@pytest.fixture
def asked(monkeypatch):
    """Rows that were measured; what came of them is made up."""
    names = []

    def way(name):
        def measure(*arguments):
            say = arguments[-1]
            names.append((name, *arguments[:-1]))
            say("working")
            raw = {"trace": "net.ftrace.gz", "given": False} if name == "run" else {"figure": 1}
            return Result(VALUES[name], f"note of {name}", raw)
        return measure

    for name, function in MEASURES.items():
        monkeypatch.setattr(measuring, function, way(name))
    monkeypatch.setattr(measuring, "measure_candidates", lambda quick, say: CANDIDATES)
    return names


def bench(capsys, *argv):
    code = cli.main(["bench", "engine", *argv])
    return code, *capsys.readouterr()


def test_json(asked, capsys):
    code, out, err = bench(capsys, "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert list(report)[:6] == KEYS == [row.key for row in ROWS]
    assert [report[key] for key in KEYS] == list(VALUES.values())
    assert report["targets"] == dict(zip(KEYS, (1000, 100, 0.8, 60, 1, 10), strict=True))
    assert list(report["reached"].values()) == [True, False, True, False, True, True]
    assert set(report["raw"]) == set(MEASURES)
    assert {"processor", "processors", "system", "load"} == set(report["machine"])
    assert {"python", "amaranth", "cc", "cxx", "verilator"} <= set(report["tools"])
    assert set(report["flags"]) == {"cc", "cxx", "verilator"}
    assert report["candidates"] is None and report["vcpus"] == 16 and "commit" in report


def test_only(asked, capsys, tmp_path):
    trace = tmp_path / "my.trace"
    trace.touch()
    code, out, _ = bench(capsys, "--json", "--quick", "--only", "run", "native", "--trace",
                         str(trace))
    report = json.loads(out)
    assert code == 0 and asked == [("native", True), ("run", trace, True)]
    assert [key for key in KEYS if report[key] is not None] == ["native_ratio", "run_s"]
    assert report["reached"]["build_s"] is None


@pytest.mark.parametrize(("argv", "message"), [
    (["--only", "speed"], "--only: there is no 'speed', but free_run, bench, native, build, "),
    (["--trace", "nowhere.gz"], "--trace: there is no file nowhere.gz"),
    (["--write", "x.md", "--quick"], "--write needs all figures at full length"),
    (["--write", "x.md", "--only", "run"], "--write needs all figures at full length"),
    (["--write", "nowhere/x.md"], "--write: there is no folder nowhere"),
])
def test_wrong_use(argv, message, asked, capsys):
    code, out, err = bench(capsys, *argv)
    assert (code, out) == (2, "") and err.startswith(f"vapic bench: {message}")
    assert not asked


def test_table(asked, capsys):
    code, out, _ = bench(capsys, "--candidates")
    assert code == 0
    for row, shown in zip(ROWS, ("1234", "99.0", "0.81", "61.5 s", "0.50 s", "9.87 s"),
                          strict=True):
        title = re.escape(row.title)
        assert re.search(rf"│ {row.name} +│ {title} +│ +{shown} │ +{row.target_text} │", out)
        assert f"{row.name}: note of {row.name}.\n" in out
    assert re.search(r"this engine +│ gcc -O2 +│ +700,000 │ +15 ", out)
    assert re.search(r"CXXRTL +│ zig +│ +- │ zig is not installed", out)


def test_colours(asked, capsys):
    bench(capsys, "--json")
    console = Console(force_terminal=True, color_system="standard", no_color=False,
                      width=120)
    report = {"machine": {"processor": "p", "processors": 2, "system": "s", "load": None},
              "tools": {"python": "3", "amaranth": "0.5", "vapic": "0", "cc": None,
                        "verilator": None}, "commit": None, "candidates": None,
              "notes": dict.fromkeys(VALUES, "so"),
              "reached": {row.key: row.reached(VALUES[row.name]) for row in ROWS},
              **{row.key: VALUES[row.name] for row in ROWS}}
    with console.capture() as captured:
        print_report(console, report)
    out = captured.get()
    assert re.search(r"\x1b\[32m +1234\x1b\[0m", out)
    assert re.search(r"\x1b\[1;31m +99\.0\x1b\[0m", out)
    assert "p, 2 processors, s; Python 3, Amaranth 0.5, no C compiler, no Verilator" in out


def test_what_is_missing_is_said(asked, capsys, monkeypatch):
    def missing(quick, say):
        raise Missing("no such tool; install it")

    monkeypatch.setattr(measuring, "measure_native", missing)
    code, out, _ = bench(capsys, "--json")
    report = json.loads(out)
    assert code == 0 and report["native_ratio"] is None and report["run_s"] == VALUES["run"]
    assert report["notes"]["native"] == "not measured: no such tool; install it"


def test_a_difference_is_a_failure(asked, capsys, monkeypatch):
    def differs(quick, say):
        raise Disagreement("the engines differ after 4000 cycles")

    monkeypatch.setattr(measuring, "measure_free_run", differs)
    assert bench(capsys) == (1, "", "vapic bench: the engines differ after 4000 cycles\n")


def test_figures_as_text():
    native, build = row_named("native"), row_named("build")
    assert (native.text(0.8), native.text(None), build.text(12.34)) == ("0.80", "-", "12.3 s")
    assert (native.reached(0.79), build.reached(60.0), build.reached(None)) == (False, True, None)


def test_document(asked, capsys, tmp_path):
    path = tmp_path / "performance.md"
    code, out, _ = bench(capsys, "--write", str(path), "--json", "--candidates")
    first = path.read_text()
    assert code == 0 and json.loads(out)["run_s"] == VALUES["run"]
    assert f"| free_run | {ROWS[0].title} | **1234** | ≥ 1000 |" in first
    assert "| this engine | `gcc -O2` | 700,000 | 15 |" in first
    assert "- bench: 99.0 instead of >= 100.\n- build: 61.5 s instead of <= 60 s.\n" in first
    assert "$" not in first
    # Without new figures of the candidates those that it has stay.
    bench(capsys, "--write", str(path))
    assert path.read_text() == first


def prose(text):
    """All but the measured figures of the document."""
    text = re.sub("(?<=<!-- measured candidates -->\n).*(?=<!-- end of candidates -->)", "", text,
                  flags=re.S)
    text = re.sub(r"(?<=^make performance) .*$", "", text, flags=re.M)
    return re.sub(r"^(\| .*|\|---.*|- \*\*.*|- \w+: .*|- \d{4}-.*|- Flags .*|In this run .*)\n", "",
                  text, flags=re.M)


def test_document_is_up_to_date(asked, capsys):
    _, out, _ = bench(capsys, "--json")
    assert prose(render(json.loads(out))) == prose(DOCUMENT.read_text(encoding="utf-8"))


def test_document_cannot_be_written(asked, capsys, tmp_path):
    code, _, err = bench(capsys, "--write", str(tmp_path))
    assert code == 2 and "Is a directory" in err
    write_document(tmp_path / "new.md", json.loads(bench(capsys, "--json")[1]))
    assert "Not measured yet" in (tmp_path / "new.md").read_text()
