"""Runs in processes of their own: order, failures."""

from types import SimpleNamespace

import pytest

from vapic_sim import race as race_
from vapic_sim.race import RunError, Task, race
from vapic_sim.run.job import Job
from vapic_sim.traces.trace import Arrival, Trace

pytestmark = pytest.mark.simulates

TRACE = Trace("t", (Arrival(0.0, "a", 1.0, 0), Arrival(5.0, "a", 1.0, 0)))


def test_results_are_in_the_order_of_tasks():
    seen = []
    finishes = race([Task(Job(trace=TRACE, policy=policy, vcpus=1, guests=1))
                     for policy in ("static", "pull", "rr")], lambda *args: seen.append(args))
    assert [finish.figures.policy for finish in finishes] == ["static", "pull", "rr"]
    assert all(finish.figures.lost == 0 for finish in finishes)
    assert {(index, 2) for index in range(3)} <= set(seen)


def test_a_failure_is_told_with_its_policy():
    task = Task(Job(trace=TRACE, policy="pull", phase="recorded"))   # without recorded times
    with pytest.raises(RunError, match="policy pull: ZeroDivisionError"):
        race([task], lambda *args: None)


def test_a_process_that_ends_without_a_word_is_told():
    reports = SimpleNamespace(empty=lambda: True)
    race_._check({0: SimpleNamespace(exitcode=None)}, reports)
    with pytest.raises(RunError, match="run 2 ended without a result, exit code -9"):
        race_._check({1: SimpleNamespace(exitcode=-9)}, reports)
