"""Figures, table, JSON and explanations of a run."""

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from vapic.layouts import Policy, SchedState
from vapic_sim.report.explain import explain
from vapic_sim.report.figures import (
    Figures,
    Setup,
    duration,
    in_words,
    microseconds,
    percentile,
    plain,
)
from vapic_sim.report.json_ import to_json
from vapic_sim.report.table import print_report
from vapic_sim.run.job import Job
from vapic_sim.run.ledger import Edge, Grant, Lane
from vapic_sim.traces.trace import Arrival, Trace

ROW = Figures(
    policy="static", arrivals=10, delivered=7, merged=3, pending=0, lost=0, latency_mean=600.0,
    latency_p50=0.5, latency_p99=2000.0, latency_max=2000.0, controller_p50=15, controller_p99=15,
    controller_max=16, share=(0.25, 0.75), jain=0.8, wakeups=1.0, wakes=0, guest_events=5,
    ticks=100, skipped=1000)
PULL = replace(ROW, policy="pull", delivered=10, merged=0, latency_mean=20.0, latency_p99=500.0,
               share=(0.5, 0.5))
TRACE = Trace("x.trace", tuple(Arrival(10.0 * i, "36 disk", 2.0, 0) for i in range(10)),
              remarks=("last line is cut off: 1 line passed over",), start_us=5e6)
SETUP = Setup(trace=TRACE, recorded=50, job=Job(trace=TRACE, policy="static", vcpus=2))


def test_percentile_is_nearest_rank():
    assert percentile([], 50) is None
    assert percentile([7], 99) == 7
    assert [percentile(range(1, 101), p) for p in (50, 99, 100)] == [50, 99, 100]
    assert percentile([1, 2, 3, 4], 50) == 2


@pytest.mark.parametrize(("value", "text"), [
    (None, "-"), (0.567, "0.57"), (9.96, "10.0"), (45.67, "45.7"), (99.6, "100"), (1985.4, "1985")])
def test_microseconds(value, text):
    assert microseconds(value) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0 ms"), (5e-9, "5 ns"), (1.234e-6, "1.23 us"), (9e-6, "9 us"), (9e-5, "0.09 ms"),
    (0.0208, "20.8 ms"), (0.9994, "999 ms"), (0.99951, "1 s"), (3.92256, "3.92 s"),
    (59.96, "60 s"), (119.4, "119 s"), (119.6, "2 min"), (312, "5 min 12 s"), (7199.6, "2 h"),
    (7500, "2 h 5 min"), (172_800, "2 d"), (9.2e9, "106,481 d 11 h")])
def test_durations_as_a_person_writes_them(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [
    (0, "0"), (1, "1"), (2.5, "2.5"), (1e6, "1,000,000"), (0.001234, "0.00123"), (99.96, "100"),
    (12.34, "12.3"), (1234.5, "1,234")])
def test_numbers_as_a_person_writes_them(value, text):
    assert plain(value) == text


def test_words():
    assert in_words(ROW, ROW).startswith("as recorded: each source bound to one vCPU")
    assert in_words(PULL, ROW) == ("mean wait 30 times shorter, p99 4.0 times shorter, 3 fewer "
                                   "merged, the busiest vCPU handles 50% instead of 75%")
    assert in_words(replace(ROW, policy="rr", latency_mean=1200.0), ROW) == \
        "mean wait 2.0 times longer, p99 the same"
    assert in_words(PULL, None) == "mean wait for a handler 20.0 us"
    assert in_words(replace(PULL, lost=2), ROW) == "2 interrupts lost"
    assert in_words(replace(PULL, lost=-1), ROW) == "1 interrupt delivered twice"
    assert in_words(replace(PULL, latency_mean=None), ROW) == "nothing was delivered"


def printed(figures, setup=SETUP):
    out = io.StringIO()
    print_report(Console(file=out, width=150), setup, figures)
    return out.getvalue()


def test_table():
    text = printed([ROW, PULL])
    assert "the busiest 10 of 50 interrupts, 0.09 ms from 5.000000 s on" in text
    assert "note: last line is cut off" in text
    assert "2 driver vCPUs and 2 guests on 2 CPUs, slices of 1 ms, phase random" in text
    assert "phase random (seed 1), 100 MHz" in text
    assert "0.50 / 2000 / 2000" in text
    assert "15 / 15 / 16" in text
    assert "pull: mean wait 30 times shorter" in text


def test_large_numbers_are_written_out():
    slow = replace(SETUP, load=1e6, job=replace(SETUP.job, slice_us=5e9, clock_hz=1e10))
    text = printed([ROW], slow)
    assert "1,000,000 times as fast" in text and "slices of 83 min 20 s" in text
    assert "10,000 MHz" in text


@pytest.mark.parametrize(("changes", "line"), [
    ({"vcpus": 1, "guests": 1, "pcpus": 1, "phase": "gang"},
     "1 driver vCPU and 1 guest on 1 CPU, slices of 1 ms, phase gang, 100 MHz"),
    ({"phase": "staggered"}, "2 guests on 2 CPUs, slices of 1 ms, phase staggered, 100 MHz"),
    ({"phase": "recorded"}, "2 driver vCPUs and 2 guests, phase recorded, 100 MHz")])
def test_the_heading_leaves_out_what_has_no_effect(changes, line):
    assert line in printed([ROW], replace(SETUP, job=replace(SETUP.job, **changes)))


def test_the_heading_of_one_interrupt():
    trace = replace(TRACE, arrivals=TRACE.arrivals[:1])
    assert "all 1 interrupt, 0 ms" in printed([ROW], replace(SETUP, trace=trace, recorded=1))


def test_table_with_nothing_delivered_and_many_vcpus():
    row = replace(ROW, delivered=0, pending=7, latency_mean=None, latency_p50=None,
                  latency_p99=None, latency_max=None, wakeups=None, share=(0.0,) * 63 + (1.0,))
    text = printed([row], replace(SETUP, recorded=10, load=2.0))
    assert "0 (+7 pending)" in text
    assert "- / - / -" in text
    assert "0 .. 100" in text
    assert "all 10 interrupts, 0.09 ms, 2 times as fast" in text


def test_json_has_the_promised_members():
    result = json.loads(to_json(SETUP, [ROW, PULL]))
    assert set(result) == {"trace", "machine", "policies"}
    assert result["trace"].items() >= {"file": "x.trace", "arrivals": 10, "sources": 1,
                                       "seconds": 9e-5}.items()
    assert result["machine"].items() >= {"vcpus": 2, "pcpus": 2, "guests": 2, "clock_hz": 100e6,
                                         "engine": "python"}.items()
    assert result["trace"]["remarks"] == ["last line is cut off: 1 line passed over"]
    assert result["machine"]["load"] == 1.0
    assert json.loads(to_json(replace(SETUP, load=2.5), [ROW]))["machine"]["load"] == 2.5
    row = result["policies"][1]
    assert row["latency_us"] == {"mean": 20.0, "p50": 0.5, "p99": 500.0, "max": 2000.0}
    assert row["controller_cycles"] == {"p50": 15, "p99": 15, "max": 16}
    assert set(row) >= {"policy", "arrivals", "delivered", "merged", "pending", "lost", "share",
                        "jain", "wakeups_per_interrupt", "guest_events"}


def ledger_of(policy, **changes):
    record = {"now": 90, "n": 0, "kind": 0, "candidates": 0b11, "eligible": 0b10, "key": 0,
              "target": 1, "port": 4, "policy": int(policy)}
    edges = [Edge(0, 0, 85, True, "", 90), Edge(1, 0, 88, False, "an earlier one waited", 93)]
    late = Edge(2, 0, 200, False, "no running vCPU had room", 205)
    lanes = [Lane("blocked, no work", SchedState.BLOCKED, 0),
             Lane("running, no work", SchedState.RUNNING, 0)]
    grant = Grant(record | changes, 100, edges, lanes, 140, 340)
    return SimpleNamespace(edges=[*edges, late], grants=[grant])


def test_explanation_of_a_dynamic_grant():
    text = explain(1, ledger_of(Policy.PULL), TRACE, "pull", 100e6)
    assert text.splitlines() == [
        "pull: interrupt 1, 36 disk (n=0), arrived 0.00 us into the run.",
        "  Granted 15 cycles (0.15 us) later. The vCPUs then:",
        "    vCPU 0: blocked, no work; matched, not eligible",
        "    vCPU 1: running, no work; chosen, key 0",
        "  PULL takes a running vCPU with room, that is with nothing to do, of equals the first "
        "from RRPTR on, or wakes a blocked one if none of the eligible runs: vCPU 1, with key 0; "
        "RRPTR was 0.",
        "  It was told by port 4.",
        "  The handler started 0.40 us after the grant, 0.55 us after the arrival, and ended "
        "2.00 us later."]


@pytest.mark.parametrize(("policy", "marks"), [
    (Policy.PULL, ("eligible, has room, key 0", "chosen, key 0", "eligible, no room (has work), "
                   "key 2", "eligible, no room (not running), key 0",
                   "eligible, no room (not running), key 1")),
    (Policy.LEAST, ("eligible, key 0", "chosen, key 0", "eligible, key 2", "eligible, key 0",
                    "eligible, key 1")),
    (Policy.LOWPRI, ("eligible", "chosen, key 0", "eligible", "eligible", "eligible"))])
def test_explanation_of_a_tie(policy, marks):
    states = (SchedState.RUNNING, SchedState.RUNNING, SchedState.RUNNING, SchedState.BLOCKED,
              SchedState.RUNNABLE)
    ledger = ledger_of(policy, candidates=0b11111, eligible=0b11111)
    (grant,) = ledger.grants
    grant.lanes = [Lane("w", state, load)
                   for state, load in zip(states, (0, 0, 2, 0, 1), strict=True)]
    before = replace(grant, record=grant.record | {"target": 0}, edges=[])
    ledger.grants = [before, grant]
    lines = explain(1, ledger, TRACE, "x", 100e6).splitlines()
    assert [line.split("; ")[1] for line in lines[2:7]] == list(marks)
    assert lines[7].endswith("vCPU 1 of 5 eligible, with key 0; RRPTR was 1.")
    assert "the first from RRPTR on" in lines[7]


def test_explanation_of_a_merged_static_and_waiting_one():
    text = explain(2, ledger_of(Policy.STATIC), TRACE, "static", 100e6)
    assert "It merged into interrupt 1 of the same source" in text
    assert "At its arrival an earlier one waited." in text
    assert "The entry is static and names vCPU 1, whatever its state." in text
    text = explain(3, ledger_of(Policy.PULL), TRACE, "pull", 100e6)
    assert text.endswith("It was still waiting when the run ended. No running vCPU had room.")
