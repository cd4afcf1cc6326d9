"""Readers of recorded traces: every format, and what is wrong with a file."""

import gzip
from importlib.resources import files

import pytest

from vapic_sim.traces.load import DEFAULT, load
from vapic_sim.traces.trace import Arrival, TraceError

FTRACE = """\
# tracer: nop
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
          <idle>-0       [001] d.h..  10.000100: irq_handler_entry: irq=36 name=virtio1-req.0
          <idle>-0       [001] d.h..  10.000103: irq_handler_exit: irq=36 ret=handled
          <idle>-0       [001] d..2.  10.000110: sched_switch: prev_comm=swapper/1 prev_pid=0 \
prev_prio=120 prev_state=R ==> next_comm=my task next_pid=7 next_prio=120
         my task-7       [001] d.h..  10.000150: local_timer_entry: vector=236
         my task-7       [001] d.h..  10.000152: local_timer_exit: vector=236
         my task-7       [000] d.h..  10.000170: irq_handler_entry: irq=4 name=a line
         my task-7       [000] d.h..  10.000171: irq_handler_exit: irq=4 ret=unhandled
         my task-7       [001] d..2.  10.000200: sched_switch: prev_comm=my task prev_pid=7 \
prev_prio=120 prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120
          <idle>-0       [001] d.h..  10.000250: reschedule_entry: vector=253
          <idle>-0       [001] d.h..  10.000252: reschedule_exit: vector=253
"""
ARRIVALS = (Arrival(10_000_100.0, "36 virtio1-req.0", 3.0, 1),
            Arrival(10_000_170.0, "4 a line", 1.0, 0))


def read(tmp_path, text, name="x.trace"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(str(path))


def rounded(trace):
    return tuple(Arrival(round(a.time_us, 3), a.source, round(a.service_us, 3), a.cpu)
                 for a in trace.arrivals)


def test_ftrace(tmp_path):
    trace = read(tmp_path, FTRACE)
    assert rounded(trace) == ARRIVALS
    assert trace.sources == ("36 virtio1-req.0", "4 a line")
    assert trace.remarks == ()
    # Busy between the switches, and in the handler that came out of idle.
    assert trace.busy == {1: ((10_000_110.0, 10_000_200.0), (10_000_250.0, 10_000_252.0))}


def test_trace_cmd_report(tmp_path):
    text = """\
cpus=2
          <idle>-0     [001]    10.000100123: irq_handler_entry:    irq=36 name=virtio1-req.0
          <idle>-0     [001]    10.000103123: irq_handler_exit:     irq=36 return=handled
          <idle>-0     [001]    10.000110: sched_switch:         swapper/1:0 [120] R ==> a b:7 [120]
CPU:1 [LOST 5 EVENTS]
             a b-7     [001]    10.000200: sched_switch:         a b:7 [120] S ==> swapper/1:0 [120]
             a b-7     ( 7)     [000] d.h.  10.000200: irq_handler_entry: irq=1 name=x
"""
    trace = read(tmp_path, text)
    assert trace.arrivals[0] == Arrival(10_000_100.123, "36 virtio1-req.0", 3.0, 1)
    # The handler that the recording does not end takes the median time.
    assert trace.arrivals[1] == Arrival(10_000_200.0, "1 x", 3.0, 0)
    assert trace.busy == {1: ((10_000_110.0, 10_000_200.0),)}
    assert len(trace.remarks) == 2


def test_perf_script(tmp_path):
    text = """\
# captured on: today
swapper     0 [001] 10.000100:        irq:irq_handler_entry: irq=36 name=virtio1-req.0
        ffffffff8110e7f2 __handle_irq_event_percpu+0x82 ([kernel.kallsyms])

swapper     0 [001] 10.000103:          1 irq:irq_handler_exit: irq=36 ret=handled
my task     7/8 [000] 10.000170: irq:irq_handler_entry: irq=4 name=a line
my task     7/8 [000] 10.000171: irq:irq_handler_exit: irq=4 ret=unhandled
swapper     0 [001] 10.000180: sched:sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 \
prev_state=R ==> next_comm=x next_pid=7 next_prio=120
x     7 [001] 10.000190: irq_vectors:local_timer_entry: vector=236
"""
    trace = read(tmp_path, text)
    assert rounded(trace) == ARRIVALS
    assert trace.busy == {1: ((10_000_180.0, 10_000_190.0),)}


def test_csv(tmp_path):
    rows = "# made by hand\ntime_us,source,service_us\n20,b,1.5\n10.5, a ,2\n30,b,1\n"
    trace = read(tmp_path, rows)
    assert trace.arrivals == (Arrival(10.5, "a", 2.0, 1), Arrival(20.0, "b", 1.5, 0),
                              Arrival(30.0, "b", 1.0, 0))
    assert read(tmp_path, "10.5,a,2\n").arrivals == (Arrival(10.5, "a", 2.0, 0),)


def test_without_an_idle_task_a_cpu_is_always_busy(tmp_path):
    trace = read(tmp_path, FTRACE)
    assert trace.never_idle == ()
    text = (FTRACE.replace("prev_pid=0", "prev_pid=9").replace("next_pid=0", "next_pid=9")
            .replace("swapper/1", "other"))
    trace = read(tmp_path, text)
    assert trace.never_idle == (1,)
    assert trace.busy == {1: ((10_000_100.0, 10_000_252.0),)}
    assert load(None).never_idle == (0, 1)


def test_gzip(tmp_path):
    assert rounded(read(tmp_path, gzip.compress(FTRACE.encode()), "x.gz")) == ARRIVALS


def test_default_trace():
    trace = load(None)
    assert len(trace.arrivals) == 1968
    assert len(trace.sources) == 7
    assert trace.seconds == pytest.approx(3.922563)
    assert files("vapic_sim.traces").joinpath("data", DEFAULT).stat().st_size <= 600 * 1024


def test_actions_of_a_shared_line_are_one_interrupt(tmp_path):
    text = "".join(f" t-1 [000] d.h.. 1.00000{i}: irq_handler_{kind}\n" for i, kind in enumerate((
        "entry: irq=9 name=acpi", "exit: irq=9 ret=unhandled",
        "entry: irq=9 name=i801", "exit: irq=9 ret=handled")))
    assert rounded(read(tmp_path, text)) == (Arrival(1_000_000.0, "9 acpi", 3.0, 0),)


@pytest.mark.parametrize(("text", "message"), [
    (FTRACE.replace("irq=36 name=virtio1-req.0", "irq=?"), "x.trace:4: expected irq=NUMBER name="),
    (FTRACE.replace("irq=36 ret=handled", "ret"), "x.trace:5: expected irq=NUMBER ret="),
    (FTRACE.replace("36 name=", "36 nome="), "x.trace:4: expected irq=NUMBER name="),
    (FTRACE.replace("irq=4 name", "x irq=4 name"), "x.trace:9: expected irq=NUMBER name="),
    (FTRACE.replace("irq_handler_entry:", "irq_handler_entry"),
     "x.trace:4: expected a colon and a space after irq_handler_entry, found '<idle>-0"),
    (FTRACE.replace("irq_handler_exit: ", "irq_handler_exit:"),
     "x.trace:5: expected a colon and a space after irq_handler_exit"),
    (FTRACE.replace(" 10.", " 10"), "x.trace:4: expected a time in seconds"),
    ("# tracer: nop\n", "x.trace: no interrupt in this trace"),
    ("", "x.trace: no interrupt in this trace"),
    ("time_us,source,service_us\n", "x.trace: no interrupt in this table"),
    ("time_us,source,service_us\n1,a\n2,b,1\n", "x.trace:2: expected time_us,source,service_us"),
    ("1,a,2\n2,b\n", "x.trace:2: expected time_us,source,service_us, found '2,b'"),
    ("1,a,2\n5,b,1e\n", "x.trace:2: expected numbers for time_us and service_us"),
    ("1,a,2\n5,b,one", "x.trace:2: expected numbers for time_us and service_us"),
    ("1,a,2\n5,b,1,1", "x.trace:2: expected time_us,source,service_us"),
    ("time_us,source,service_us\nx,a,1\n", "x.trace:2: expected numbers for time_us"),
    ("time_us,source,service_us\n-1,a,1\n", "x.trace:2: expected .* times of 0 or more"),
    ("time_us,source,service_us\n1,a,nan\n", "x.trace:2: expected .* times of 0 or more"),
    ("time_us,source,service_us\n1,a,1,1\n", "x.trace:2: expected time_us,source,service_us"),
    (b"\x1f\x8b\x08" + bytes(20), "damaged gzip file|cut off|no interrupt"),
])
def test_malformed(tmp_path, text, message):
    with pytest.raises(TraceError, match=message):
        read(tmp_path, text)


def test_no_such_file():
    with pytest.raises(TraceError, match="cannot read /nowhere/x: No such file"):
        load("/nowhere/x")


@pytest.mark.parametrize("cut", [1, 20, 40, 60, 75])
def test_a_truncated_last_line_is_counted(tmp_path, cut):
    line = FTRACE.splitlines()[3]
    trace = read(tmp_path, FTRACE + line[:-cut])
    assert rounded(trace) == ARRIVALS
    assert trace.remarks == ("last line is cut off: 1 line passed over",)


@pytest.mark.parametrize("line", [
    "5", "5,", "5,b", "5,b,", "5,b,.", "5,b,1e", "5,b,1.5E-", "5.,b,.5e+"])
def test_a_truncated_last_row_is_counted(tmp_path, line):
    trace = read(tmp_path, "1,a,2\n" + line)
    assert trace.arrivals == (Arrival(1.0, "a", 2.0, 0),)
    assert trace.remarks == ("last line is cut off: 1 line passed over",)


def test_a_last_row_without_newline_is_whole(tmp_path):
    trace = read(tmp_path, "1,a,2\n5,b,1")
    assert len(trace.arrivals) == 2
    assert trace.remarks == ()


def test_truncated_gzip_is_counted(tmp_path):
    packed = gzip.compress((FTRACE * 200).encode(), 0)
    trace = read(tmp_path, packed[:len(packed) // 2])
    assert len(trace.arrivals) > 100
    assert "compressed file is cut off: its rest is missing" in trace.remarks


@pytest.mark.parametrize(("old", "new", "line"), [
    ("# tracer: nop\n", "# tracer: nop\nrubbish\n", 2),
    ("         my task-7       [001] d.h..  10.000150: local", "local", 7),
])
def test_what_no_rule_explains_is_counted(tmp_path, old, new, line):
    summary = read(tmp_path, FTRACE.replace(old, new)).summary
    assert (summary.unexplained, summary.unexplained_line) == (1, line)
    assert summary.remarks[-1].kind == "without_rule"
    assert summary.remarks[-1].words == (
        f"1 line passed over that no rule explains, the first is line {line}")


@pytest.mark.parametrize("switch", [
    "sched_switch: prev_pid=0 ==> x", "sched_switch: 0:120:R ==> 7:120:R", "sched_switch:"])
def test_switches_in_unread_forms_are_counted(tmp_path, switch):
    text = FTRACE.replace("10.000110: sched_switch: ", f"10.000110: {switch}\n# ")
    trace = read(tmp_path, text)
    assert rounded(trace) == ARRIVALS
    assert trace.summary.passed == {"switch": 1, "comment": 4}


@pytest.mark.parametrize("switch", [
    "prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=0 next_comm=a b next_pid=7 "
    "next_prio=120", "swapper/1:0 [120] R ==> a b:7 [120]", "<idle>:0 [120] R ==> a:9:7 [120]"])
def test_switches_in_every_form_are_read(tmp_path, switch):
    old = FTRACE.splitlines()[5].partition("sched_switch: ")[2]
    assert read(tmp_path, FTRACE.replace(old, switch)).busy == read(tmp_path, FTRACE).busy


def test_other_records_are_passed_over(tmp_path):
    text = FTRACE + " t-1 [000] d.h.. 10.1: do_IRQ <-common_interrupt\n" \
        " t-1 [000] d.h.. 10.1: sched_switch <-schedule\n" \
        " t-1 [000] d.h.. 10.1: softirq_raise vec=4\n" \
        " t-1 [000] ..... 10.2: <stack trace>\n => schedule\n => 0xffff\n"
    assert rounded(read(tmp_path, text)) == ARRIVALS
