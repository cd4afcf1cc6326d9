"""The main job on the real controller: skipped time, merges, wake-ups, messages, waveforms."""

import pytest

from vapic.controller import Controller
from vapic_sim.race import Task, run_here
from vapic_sim.report.explain import explain
from vapic_sim.run import devices
from vapic_sim.run import job as job_
from vapic_sim.run.job import Job, plan
from vapic_sim.run.machine import Machine
from vapic_sim.traces.trace import Arrival, Trace
from vapic_sim.world.simulated import simulate

pytestmark = pytest.mark.simulates

SMALL = {"vcpus": 2, "guests": 1, "pcpus": 2}


def trace_of(*rows, busy=None):
    return Trace("test", tuple(Arrival(*row) for row in rows), busy or {})


def run(job):
    outcomes = []

    async def body(link):
        outcomes.append(await Machine(job, link).run())

    simulate(Controller(plan(job)), body, hz=job.clock_hz)
    return outcomes[0]


@pytest.mark.parametrize("policy", ["static", "pull"])
def test_skipping_changes_nothing(policy):
    trace = trace_of(*((t, f"{i % 2} dev", 1.5, i % 2) for i, t in enumerate(
        (0.0, 0.2, 4.0, 4.05, 12.0))))
    fast, slow = (run(Job(trace=trace, policy=policy, slice_us=10.0, skip=skip, **SMALL))
                  for skip in (True, False))
    assert slow.skipped == 0 < fast.skipped
    assert fast.ticks + fast.skipped == slow.ticks
    for grant, other in zip(fast.ledger.grants, slow.ledger.grants, strict=True):
        assert grant == other
    fast.ledger = slow.ledger = None
    fast.ticks = slow.ticks = fast.skipped = slow.skipped = 0
    assert fast == slow
    assert fast.lost == 0


@pytest.mark.parametrize(("message", "policy"), [
    (False, "static"), (True, "static"), (False, "pull")])
def test_books_and_controller_agree_on_what_merged(monkeypatch, message, policy):
    # A second edge at every distance around the commit of the first one's grant.
    monkeypatch.setattr(devices, "_PULSE", 2)
    gaps = range(8, 19)
    rows = [(20.0 + 10.0 * i + at / 100, "1 device", 1.0, 0)
            for i, gap in enumerate(gaps) for at in (0, gap)]
    if message:
        monkeypatch.setattr(job_, "_PINS", 1)
        rows = [(0.05 * i, "0 pin", 0.1, 0) for i in range(2 * len(gaps) + 1)] + rows
    job = Job(trace=trace_of(*rows), policy=policy, **SMALL)
    outcome = run(job)
    merged = sum(len(grant.edges) - 1 for grant in outcome.ledger.grants)
    assert outcome.merged == merged
    assert all(grant.edges[-1].cycle - grant.edges[0].cycle < 100
               for grant in outcome.ledger.grants)
    device = [grant for grant in outcome.ledger.grants if grant.record["kind"] == message]
    assert len(gaps) < len(device) < 2 * len(gaps)
    assert outcome.lost == 0
    assert outcome.delivered + outcome.merged == outcome.arrivals == len(outcome.latency)


def test_recorded_phase_blocks_and_wakes():
    busy = {0: ((0.0, 100.0), (900.0, 1000.0)), 1: ((0.0, 100.0),)}
    trace = trace_of(*((t, "5 disk", 2.0, 0) for t in (10.0, 300.0, 500.0, 950.0)), busy=busy)
    outcome = run(Job(trace=trace, policy="pull", phase="recorded", vcpus=2))
    assert outcome.lost == 0
    assert outcome.delivered == 4
    assert outcome.wakes == 2
    assert max(outcome.latency) < 1.5


def test_sources_beyond_the_pins_are_messages(monkeypatch):
    monkeypatch.setattr(job_, "_PINS", 2)
    trace = trace_of(*((3.0 * i, f"{i % 4} dev", 1.0, 0) for i in range(8)))
    job = Job(trace=trace, policy="pull", **SMALL)
    assert (plan(job).rtes, plan(job).irts) == (2, 2)
    outcome = run(job)
    assert outcome.lost == 0
    assert outcome.delivered == 8
    assert {g.record["kind"] for g in outcome.ledger.grants} == {0, 1}


def test_controller_latency_is_that_of_the_bare_path():
    trace = trace_of(*((20.0 * i, "5 disk", 1.0, 0) for i in range(8)))
    outcome = run(Job(trace=trace, policy="pull", vcpus=2, guests=1, pcpus=4))
    assert len(outcome.controller) == 8
    assert set(outcome.controller) <= set(range(10, 26))
    # Both vCPUs are free each time: the one that RRPTR names is taken, as the explanation says.
    targets = [grant.record["target"] for grant in outcome.ledger.grants]
    assert targets == [0, 1] * 4
    for number, target in enumerate(targets, 1):
        assert f"RRPTR was {target}." in explain(number, outcome.ledger, trace, "pull", 100e6)


def test_waveform_and_explanation(tmp_path):
    file = tmp_path / "run.vcd"
    trace = trace_of((0.0, "5 disk", 1.0, 0), (5000.0, "5 disk", 1.0, 0))
    finish = run_here(Task(Job(trace=trace, policy="pull", **SMALL), str(file), 2))
    assert "interrupt 2, 5 disk (n=0), arrived 5000 us into the run." in finish.explanation
    times = [int(line[1:]) for line in file.read_text().splitlines() if line.startswith("#")]
    assert 5e12 < times[-1] < 6e12      # femtoseconds: simulated time passes while it is skipped
