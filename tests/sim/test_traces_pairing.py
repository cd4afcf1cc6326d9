"""Which entry belongs to which exit, gaps, and times that nobody measured."""

import pytest

from vapic_sim.traces.load import load
from vapic_sim.traces.summary import Gap

from .test_traces_passing import reading


def text(*rows, base=10):
    """A trace of rows (CPU, ns, what): an entry or exit of a line as +5 or -5, or a whole line."""
    made = []
    for row in rows:
        if isinstance(row, str):
            made.append(row)
            continue
        cpu, ns, irq = row
        event = (f"irq_handler_entry: irq={irq} name=d{irq}" if irq > 0
                 else f"irq_handler_exit: irq={-irq} ret=handled")
        made.append(f" t-1 [{cpu:03}] d.h1. {base + ns // 10**9}.{ns % 10**9:09}: {event}")
    return "\n".join(made) + "\n"


def found(tmp_path, *rows):
    """Interrupts as (line, ns, exact) in the order of time, and kinds of remarks with numbers."""
    read = reading(tmp_path, text(*rows))
    return ([(int(one.source.split()[0]), one.service_ns, one.exact) for one in read.interrupts()],
            {one.kind: one.count for one in read.summary.remarks}, read.summary)


def test_nested_handlers(tmp_path):
    assert found(tmp_path, (0, 0, 5), (0, 10, 6), (0, 30, -6), (0, 100, -5))[0] == [
        (5, 100, True), (6, 20, True)]


def test_an_inner_handler_without_exit_does_not_hide_the_outer_one(tmp_path):
    rows, remarks, _ = found(tmp_path, (0, 0, 5), (0, 10, 6), (0, 100, -5))
    assert rows == [(5, 100, True), (6, 100, False)]
    assert remarks == {"no_exit_median": 1}


def test_a_line_whose_handler_runs_does_not_begin_another(tmp_path):
    rows, remarks, _ = found(tmp_path, (0, 0, 5), (0, 9000, 5), (0, 9007, -5), (0, 20000, -5))
    assert rows == [(5, 7, False), (5, 7, True)]
    assert remarks == {"exit_without_entry": 1, "no_exit_median": 1}


def test_an_exit_before_its_entry_is_no_service_time(tmp_path):
    rows, remarks, _ = found(
        tmp_path, (0, 1000, 5), (0, 400, -5), (0, 2000, 5), (0, 2300, -5))
    assert rows == [(5, 300, False), (5, 300, True)]
    assert remarks == {"exit_before_entry": 1, "no_exit_median": 1}


def test_more_handlers_than_any_cpu_nests(tmp_path):
    rows, remarks, _ = found(tmp_path, *((0, 10 * n, n) for n in range(1, 201)), (0, 9000, -200))
    assert len(rows) == 200 and remarks == {"no_exit_median": 199}


@pytest.mark.parametrize(("line", "gap"), [
    ("CPU:1 [LOST 99 EVENTS]", Gap(1, 1, 99)), ("CPU:1 [LOST EVENTS]", Gap(1, 1, 0)),
    ("CPU:1 [7 EVENTS DROPPED]", Gap(1, 1, 7)), ("CPU:1 [EVENTS DROPPED]", Gap(1, 1, 0)),
    ("   host: CPU:1 [EVENTS DROPPED]", Gap(1, 1, 0)), ("CPU:1 [LOST 1 EVENT]", Gap(1, 1, 1)),
])
def test_no_handler_is_paired_across_a_gap_of_its_cpu(tmp_path, line, gap):
    rows, remarks, summary = found(
        tmp_path, (1, 0, 5), (2, 1, 6), (2, 3, 7), line, (1, 40, -5), (2, 50, -7), (2, 81, -6),
        (1, 100, 5), (1, 109, -5))
    assert rows == [(5, 47, False), (6, 80, True), (7, 47, True), (5, 9, True)]
    assert remarks == {"gap": 1, "exit_without_entry": 1, "no_exit_median": 1}
    assert summary.gaps == (gap,)


def test_a_gap_of_no_named_cpu_is_one_of_all(tmp_path):
    rows, remarks, summary = found(
        tmp_path, (1, 0, 5), (2, 1, 6), "[LOST 3 EVENTS]", (1, 40, -5), (2, 50, -6), "CPU:2 "
        "[LOST 4 EVENTS]", "CPU:0 [LOST EVENTS]", "CPU:2 [LOST 1 EVENTS]", (1, 60, 8), (1, 63, -8))
    assert rows == [(5, 3, False), (6, 3, False), (8, 3, True)]
    assert remarks == {"gap": 4, "exit_without_entry": 2, "no_exit_median": 2}
    assert summary.gaps == (Gap(0, 1, 0), Gap(2, 2, 5), Gap(None, 1, 3))


@pytest.mark.parametrize("lost", [
    "PERF_RECORD_LOST lost 35", "PERF_RECORD_LOST_SAMPLES lost samples 35",
    "PERF_RECORD_LOST: lost 35"])
def test_records_that_perf_lost_are_a_gap(tmp_path, lost):
    read = reading(tmp_path, "a 1 [002] 1.000001: irq:irq_handler_entry: irq=5 name=x\n"
                   f"perf 9 [002] 1.000002: {lost}\n"
                   "a 1 [002] 1.000003: irq:irq_handler_exit: irq=5 ret=handled\n")
    assert read.summary.gaps == (Gap(2, 1, 35),)
    assert [one.exact for one in read.interrupts()] == [False]


def test_actions_of_a_shared_line_are_not_joined_across_a_gap(tmp_path):
    one, two = (0, 1000, 9), (0, 1500, -9)
    other = " t-1 [000] d.h1. 10.000001600: irq_handler_entry: irq=9 name=other"
    assert len(found(tmp_path, one, two, other, (0, 1900, -9))[0]) == 1
    assert len(found(tmp_path, one, two, "CPU:0 [LOST EVENTS]", other, (0, 1900, -9))[0]) == 2


def test_what_nobody_measured_is_no_median(tmp_path):
    rows, remarks, summary = found(tmp_path, (0, 0, 5), (0, 9000, 6))
    assert rows == [(5, 1000, False), (6, 1000, False)]
    assert remarks == {"no_exit_assumed": 2}
    assert summary.remarks[0].words == ("2 handlers without an exit take 1 us, an assumption: no "
                                        "handler's time was measured")
    assert summary.estimated == 2


@pytest.mark.parametrize("base", [10, 1_700_000_000, 9_000_000_000])
def test_nanoseconds_survive_at_times_of_a_wall_clock(tmp_path, base):
    rows = (0, 123_456_789, 5), (0, 123_457_786, -5), (0, 123_458_001, 6), (0, 123_458_012, -6)
    read = reading(tmp_path, text(*rows, base=base))
    assert [(one.time_ns, one.service_ns) for one in read.interrupts()] == [
        (base * 10**9 + 123_456_789, 997), (base * 10**9 + 123_458_001, 11)]
    trace = load(str(tmp_path / "x.trace"))
    assert [one.service_us for one in trace.arrivals] == [0.997, 0.011]
    first, second = (round(one.time_us * 1000) for one in trace.arrivals)
    assert second - first == 1212
    assert trace.origin_ns + first == base * 10**9 + 123_456_789
    part = trace.cut(1, 2)
    assert part.start_ns == base * 10**9 + 123_458_001


def test_digits_below_nanoseconds_are_left_out(tmp_path):
    read = reading(tmp_path, text((0, 0, 5)).replace("10.000000000", "10.1234567899") + text(
        (0, 0, -5)).replace("10.000000000", "10.2"))
    assert [(one.time_ns, one.service_ns) for one in read.interrupts()] == [
        (10_123_456_789, 76_543_211)]


def test_rates_and_homes(tmp_path):
    read = reading(tmp_path, text((1, 0, 5), (1, 9, -5), (0, 10**9, 5), (0, 10**9 + 8, -5),
                                  (1, 2 * 10**9, 6), (1, 2 * 10**9 + 5, -6)))
    assert [(one.name, one.count, one.per_second) for one in read.summary.sources] == [
        ("5 d5", 2, 1.0), ("6 d6", 1, 0.5)]
    assert read.columns.homes() == {"5 d5": (0, 1), "6 d6": (1,)}
    assert read.columns.services() == {"5 d5": (8, 9, 9), "6 d6": (5, 5, 5)}
