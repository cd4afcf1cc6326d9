"""Cutting, compressing and binding of traces; phases of CPUs."""

import random

import pytest

from vapic_sim.run.phases import PHASES, rotations
from vapic_sim.traces.trace import Arrival, Trace, densest


def trace(*times, busy=None):
    return Trace("t", tuple(Arrival(t, "a", 1.0, 0) for t in times), busy or {})


def test_densest_by_count():
    part = densest(trace(0, 10, 20, 21, 22, 40, 41, 42), count=3)
    assert [a.time_us for a in part.arrivals] == [0, 1, 2]
    assert part.start_us == 20          # the earliest of equals


def test_densest_by_time():
    part = densest(trace(0, 10, 20, 21, 22, 40, 41, 42, 43), us=5.0)
    assert part.start_us == 40
    assert len(part.arrivals) == 4


def test_densest_by_the_least_time_has_an_arrival():
    times = (1.8e9, 1.8e9 + 10, 1.8e9 + 20, 1.8e9 + 20, 1.8e9 + 30)
    part = densest(trace(*times), us=1e-10)
    assert [a.time_us for a in part.arrivals] == [0, 0]
    assert part.start_us == 1.8e9 + 20


def test_whole_trace():
    assert len(densest(trace(5, 7), count=10).arrivals) == 2


def test_busy_is_cut_and_compressed_too():
    whole = trace(100, 110, 120, busy={0: ((0, 105), (108, 109), (118, 300)), 1: ()})
    part = densest(whole, count=3).compress(2.0)
    assert [a.time_us for a in part.arrivals] == [0, 5, 10]
    assert [a.service_us for a in part.arrivals] == [1, 1, 1]
    assert part.busy == {0: ((0, 2.5), (4, 4.5), (9, 100)), 1: ()}


def test_home_is_the_cpu_of_most():
    arrivals = tuple(Arrival(i, "a", 1.0, cpu) for i, cpu in enumerate((1, 2, 2, 1, 3)))
    assert Trace("t", arrivals).home("a") == 1


def running(queues, time):
    """vCPUs that run at a time in slices."""
    return {r.queue[int((time + r.offset) % len(r.queue))] for r in queues if r.queue}


@pytest.mark.parametrize("phase", sorted(set(PHASES) - {"recorded"}))
def test_everybody_runs_and_nobody_twice(phase):
    queues = rotations(phase, drivers=range(4), guests=[4, 5], pcpus=2, rng=random.Random(3))
    assert sorted(v for r in queues for v in r.queue) == list(range(6))
    seen = [running(queues, t / 10) for t in range(60)]
    assert all(len(s) == 2 for s in seen)
    assert set().union(*seen) == set(range(6))


def test_gang_stops_all_drivers_at_once_and_staggered_never():
    drivers = set(range(4))
    for phase, least in (("gang", 0), ("staggered", 1)):
        queues = rotations(phase, drivers=range(4), guests=[4, 5], pcpus=2, rng=random.Random(1))
        assert min(len(running(queues, t / 10) & drivers) for t in range(60)) == least


def test_random_follows_the_seed():
    draws = [rotations("random", drivers=range(4), guests=[4], pcpus=2, rng=random.Random(s))
             for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_more_cpus_than_vcpus():
    queues = rotations("random", drivers=range(1), guests=[1], pcpus=4, rng=random.Random(1))
    assert sorted(r.queue for r in queues) == [(), (), (0,), (1,)]
