"""Area and timing: wrapper, reports, names of the source, table; and one small real synthesis."""

import json
from dataclasses import replace

import pytest
from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from vapic import Config
from vapic.cli import main
from vapic_boards import measure as measuring
from vapic_boards.blocks import BLOCKS, WHOLE, component
from vapic_boards.measure import Subject
from vapic_boards.paths import Netlist, slowest, source_name
from vapic_boards.route import read_route
from vapic_boards.synth import elaborate, fingerprint, read_cells, synthesise
from vapic_boards.table import Row, read_table, write_table
from vapic_boards.wrapper import OutOfContext
from vapic_sim.engine import Simulator

ROW = Row("bank", "vcpus=16", "LFE5U-85F-6", 100, 120, 50, 4, 2, 7, 110.5, 3.2, "1 2 3", "tool 1",
          "vapic timing --block bank", "0123")


class Toy(wiring.Component):
    """A register with a parity, a record and a constant among its ports."""

    word: In(data.StructLayout({"low": 3, "high": 2}))
    count: Out(4)
    odd: Out(1)
    always: Out(stream.Signature(1, always_ready=True))

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.count.eq(self.count + self.word.low)
        m.d.comb += self.odd.eq(self.count.xor() ^ self.word.high.xor())
        return m


def test_every_input_and_output_is_behind_a_flip_flop():
    top, seen = OutOfContext(Toy()), []

    async def bench(ctx):
        ctx.set(top.scan, 1)
        for _ in range(3):
            await ctx.tick()
        ctx.set(top.scan, 0)
        for _ in range(40):
            seen.append(ctx.get(top.parity))
            await ctx.tick()

    sim = Simulator(top)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    # What was shifted in comes out, some cycles later, through the component.
    assert not any(seen[:2]) and any(seen)


def test_each_block_can_be_elaborated():
    config = Config.for_vcpus(1)
    names = {name: fingerprint(elaborate(component(name, config))) for name in BLOCKS}
    assert len(set(names.values())) == len(BLOCKS)
    assert names["access"] == fingerprint(elaborate(component("access", config)))


def test_unknown_block():
    with pytest.raises(ValueError, match="no block 'cpu'; there are controller, access"):
        component("cpu", Config())


STAT = json.dumps({"modules": {
    "\\top": {"num_cells_by_type": {"LUT4": 5, "TRELLIS_FF": 20}},
    "\\top.core": {"num_cells_by_type": {"LUT4": 30, "CCU2C": 2, "TRELLIS_FF": 8}}}})
DEPTH = "\n5.7. Executing LTP pass\n\nLongest topological path in top.core (length=9):\n"


def test_cells_are_those_of_the_component():
    cells = read_cells("\n" + STAT, DEPTH)
    assert (cells.lut4, cells.carry, cells.ff, cells.block_ram, cells.depth) == (30, 2, 8, 0, 9)
    assert (cells.wrapper_lut4, cells.wrapper_ff) == (5, 20)


def test_a_report_without_a_path_is_an_error():
    with pytest.raises(ValueError, match="ltp"):
        read_cells(STAT, "nothing")


def test_the_last_frequency_counts():
    routed = read_route(
        "TRELLIS_COMB:  120/83640\nMax frequency for clock '$clk': 50.00 MHz (FAIL at 150.00 MHz)\n"
        "Max frequency for clock '$clk': 61.25 MHz (FAIL at 150.00 MHz)\n", {})
    assert (routed.mhz, routed.comb) == (61.25, 120)
    with pytest.raises(ValueError, match="no frequency"):
        read_route("", {})


@pytest.mark.parametrize("cell, name", [
    ("core.bank.issue.op_TRELLIS_FF_Q_3", "bank.issue.op"),
    ("core.bank.heads.memory.0.1", "bank.heads.memory"),
    ("core.ioapic.targets.memory.0.3$DPRAM_COMB2", "ioapic.targets.memory"),
    ("core.request_TRELLIS_FF_Q_DI_LUT4_Z_2", "request"),
    ("core.evt.count_CCU2C_S0_1", "evt.count"),
])
def test_names_of_the_source(cell, name):
    assert source_name(cell) == name


def cell(kind, inputs, outputs):
    ports = {**inputs, **outputs}
    return {"type": kind, "connections": {name: [bit] for name, bit in ports.items()},
            "port_directions": {name: "input" if name in inputs else "output" for name in ports}}


NETLIST = {"top.core": {"cells": {
    "a_TRELLIS_FF_Q": cell("TRELLIS_FF", {"DI": 9}, {"Q": 1}),
    "b_TRELLIS_FF_Q": cell("TRELLIS_FF", {"DI": 9}, {"Q": 2}),
    "first_LUT4_Z": cell("LUT4", {"A": 1}, {"Z": 3}),
    "second_LUT4_Z": cell("LUT4", {"A": 3, "B": 2}, {"Z": 4}),
    "far.c_TRELLIS_FF_Q": cell("TRELLIS_FF", {"DI": 4}, {"Q": 5}),
}}}


def test_the_deepest_way_to_a_register():
    netlist = Netlist(NETLIST)
    assert netlist.deepest("core.far.c_TRELLIS_FF_Q") == ("a", 2)
    assert netlist.deepest("core.a_TRELLIS_FF_Q") == ("ports", 0)


def test_slowest_paths():
    step = {"from": {"cell": "core.a_TRELLIS_FF_Q"}, "to": {"cell": "core.x_LUT4_Z"}}
    last = {"from": {"cell": "core.x_LUT4_Z"}, "to": {"cell": "core.d_TRELLIS_FF_Q_1"}}
    report = {
        "critical_paths": [{"path": [step | {"type": "clk-to-q", "delay": 0.5},
                                     step | {"type": "routing", "delay": 2.0},
                                     last | {"type": "logic", "delay": 0.25},
                                     last | {"type": "setup", "delay": 0.0}]}, {"path": []}],
        "detailed_net_timings": [{"endpoints": [
            {"cell": "core.d_TRELLIS_FF_Q_1", "delay": [1.0, 2.75]},
            {"cell": "core.far.c_TRELLIS_FF_Q", "delay": [1.0, 2.5]},
            {"cell": "captured_TRELLIS_FF_Q_9", "delay": [1.0, 1.5]}]}],
    }
    found = slowest(report, Netlist(NETLIST), 3)
    assert [(p.start, p.end, p.ns, p.levels, p.routing_ns) for p in found] == [
        ("a", "d", 2.75, 1, 2.0), ("a", "far.c", 2.5, 2, None), ("ports", "ports", 1.5, 0, None)]


def test_the_table_is_read_as_written(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, [ROW, replace(ROW, block="evtchn", seeds="")])
    assert read_table(path) == [ROW, replace(ROW, block="evtchn", seeds="")]
    assert read_table(tmp_path / "none.csv") == []
    path.write_text("block,lut4\nbank,3\n")
    with pytest.raises(ValueError, match="columns must be"):
        read_table(path)


def test_a_row_of_the_same_netlist_is_kept(monkeypatch):
    monkeypatch.setattr(measuring, "component", lambda name, config: None)
    monkeypatch.setattr(measuring, "elaborate", lambda component: "netlist")
    monkeypatch.setattr(measuring, "versions", lambda: "tool 1")
    known = replace(ROW, netlist=fingerprint("netlist"))
    assert measuring.measure(Subject("bank", 16, (1, 2, 3)), known=known) == (known, [])
    monkeypatch.setattr(measuring, "synthesise", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        measuring.measure(Subject("bank", 16, (1, 2)), known=known)


def test_check_tells_what_changed(tmp_path, monkeypatch, capsys):
    path = tmp_path / "table.csv"
    kept = replace(ROW, block=WHOLE, parameters="vcpus=1", seeds="")
    write_table(path, [kept])
    monkeypatch.setattr("vapic_boards.command.measure", lambda *a, **k: (kept, []))
    assert main(["resources", str(path), "--check"]) == 0
    monkeypatch.setattr("vapic_boards.command.measure",
                        lambda *a, **k: (replace(kept, lut4=101), []))
    assert main(["resources", str(path), "--check"]) == 1
    assert "lut4 100 -> 101" in capsys.readouterr().err
    assert main(["resources", str(tmp_path / "none.csv"), "--check"]) == 2


def test_synthesis_of_a_small_component(tmp_path):
    cells = synthesise(elaborate(Toy()), tmp_path)
    assert cells.ff == 4 and cells.wrapper_ff >= 1 + 5 + 4 + 1
    assert 2 <= cells.lut4 + 2 * cells.carry <= 20 and cells.block_ram == 0
    assert (tmp_path / "net.json").exists()


def test_a_subject_says_how_it_is_measured():
    every = Subject(WHOLE, 16, all_policies=True)
    assert every.command == "vapic timing --block controller --vcpus 16 --all-policies --no-route"
    assert every.parameters == "vcpus=16 policies=all"
    assert len(every.config.policies) > len(Subject(WHOLE, 16).config.policies)
    assert Subject("bank", 4, (1, 2)).command == "vapic timing --block bank --vcpus 4 --seeds 1,2"
