"""What readers of kernel traces take for an interrupt, and what they pass over by which rule."""

import pytest

from vapic_sim.traces.detect import FORMATS, choose, scores
from vapic_sim.traces.load import read
from vapic_sim.traces.trace import TraceError

ENTRY, EXIT = "irq_handler_entry: irq=5 name=nic", "irq_handler_exit: irq=5 ret=handled"


def lines(format, *, cpu=1, at=10.0, flags="d.h1.", clock="{:.6f}"):
    """Entry and exit of one handler in a format."""
    first, last = clock.format(at), clock.format(at + 7e-6)
    if format == "perf":
        return (f"   swapper     0 [{cpu:03}] {first}: irq:{ENTRY}\n",
                f"   swapper     0 [{cpu:03}] {last}:  irq:{EXIT}\n")
    if format == "trace-cmd":
        return (f"          <idle>-0     [{cpu:03}] {first}: {ENTRY.replace(': ', ':    ')}\n",
                f"          <idle>-0     [{cpu:03}] {last}: {EXIT.replace(': ', ':     ')}\n")
    return (f"          <idle>-0     [{cpu:03}] {flags} {first}: {ENTRY}\n",
            f"          <idle>-0     [{cpu:03}] {flags} {last}: {EXIT}\n")


def reading(tmp_path, text, format=None):
    path = tmp_path / "x.trace"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(str(path), format)


def of(found):
    """Interrupts without what is the same for all."""
    return [(one.source, one.service_ns, one.cpu, one.exact) for one in found.interrupts()]


NIC = [("5 nic", 7000, 1, True)]
KERNEL = ("ftrace", "trace-cmd", "perf")


@pytest.mark.parametrize("format", KERNEL)
def test_plain_lines(tmp_path, format):
    found = reading(tmp_path, "".join(lines(format)) * 2)
    assert of(found) == NIC * 2
    assert found.summary.format == format
    assert found.summary.scores[format] == 1
    assert (found.summary.passed, found.summary.unexplained) == ({}, 0)


#: Format, rule, and what may stand between an entry and its exit, or around both.
PASSED = (
    ("ftrace", "comment", "##### CPU 3 buffer started ####\n"),
    ("ftrace", "comment", "# a-1 [001] 10.000001: irq_handler_entry: irq=5 name=x\n"),
    ("perf", "comment", "# a 1 [001] 10.000001: irq:irq_handler_entry: irq=5 name=x\n"),
    ("ftrace", "comment", "# a-1 [00x] 10.000001: irq_handler_entry: irq=5 name=x\n"),
    ("ftrace", "stack", " => schedule\n=> a\n\t=> b <ffffffff>\n           => 0xffff\n =>\n"),
    ("ftrace", "stack", " =>  <00007f3a>\n"),
    ("ftrace", "record", "  a-1  [001] ..... 10.000001: <stack trace>\n"),
    ("ftrace", "record", "  a-1  [001] ..... 10.000001: do_IRQ <-common_interrupt\n"),
    ("ftrace", "record", "  a-1  [001] ..... 10.000001: irq_handler_entry <-handle_irq\n"),
    ("ftrace", "record", "  a-1  [001] ..... 10.000001: sys_read -> 0x0\n"),
    ("ftrace", "record", " 1)               |  schedule() {\n 1)  0.500 us  |  }\n"),
    ("ftrace", "record", " 10.000001 |   1)  a-1  |  + 12.5 us  |  /* sched_switch: x */\n"),
    ("ftrace", "event", "  a-1  [001] ..... 10.000001: print: irq_handler_exit: irq=5 ret=x\n"),
    ("ftrace", "event", "  a-1  [001] ..... 10.000001: func: 10.000002: irq_handler_entry: x\n"),
    ("ftrace", "event", "  a-1  (  1) [001] d..1 10.000001: tracing_mark_write: E\n"),
    ("ftrace", "event", "  tmux: server-31 [001] ..... 10.000001: foo: x\n"),
    ("ftrace", "event", "  a-1  [001] ..... 123456: foo: 10.5: irq_handler_entry: irq=1\n"),
    ("ftrace", "event", "  a-1  [001] ..... 10.000001: local_timer_entry_x: vector=236\n"),
    ("ftrace", "event", "  a-1  [001] ..... 10.000001: irq_handler_entry_x: irq=6 name=y\n"),
    ("trace-cmd", "event", "  a-1     [001]  10.000001: kernel_stack:         <stack trace>\n"),
    ("trace-cmd", "stack", "=> x (ffffffff)\n                          => y (ffff)\n"),
    ("trace-cmd", "head", "version = 7\ncpus=4\nCPU 3 is empty\n  trace.dat:   cpus=2\n"),
    ("trace-cmd", "buffer", "CPU:0 [SUBBUFFER START]\nCPU:1 [SUBBUFFER START] [12:0x1000]\n"),
    ("trace-cmd", "buffer", " PADDING: delta:5 length:8\n TIME EXTEND: delta:7 length:8\n"),
    ("perf", "event", "  a  1 [001] 10.000001:  250000 cycles:  ffffffffb2000100 f+0x2 (x)\n"),
    ("perf", "event", "  a  1/1 [001] 10.000001:  1 cpu/event=0x3c,umask=0x0/u: \n"),
    ("perf", "event", "  a  1 [001] 10.000001: cpu_core/cycles/P:  f+0x2\n"),
    ("perf", "event", "  a b  -1 [001] 10.000001: sched:sched_wakeup: irq:irq_handler_entry:\n"),
    ("perf", "event", "  a  1 10.000001: cycles: 1\n"),
    ("perf", "switch", "  a  1 10.000001: sched:sched_switch: a:1 [120] R ==> b:2 [120]\n"),
    ("ftrace", "switch", "  a-1  [001] ..... 12345: sched_switch: a:1 [120] R ==> b:2 [120]\n"),
    ("ftrace", "event", "  a-1  [001] ..... 12345: local_timer_entry: vector=236\n"),
    ("perf", "event", "  a  1 [001] 10.000001: PERF_RECORD_COMM: a:1/1\n"),
    ("perf", "record", "  a  1 [001] 10.000001: PERF_RECORD_MMAP2 1/1: [0x1(0x2) @ 0 8:1 9]: x\n"),
    ("perf", "stack", "\tffffffff8110e7f2 handle+0x82 ([k])\n        9 x\n   7f [unknown] (x)\n"),
    ("perf", "stack", "         1234567 main (/bin/a)\n  foo.c:12\n            abc\n"),
)


@pytest.mark.parametrize(("format", "rule", "text"), PASSED)
def test_passed_over_by_rule(tmp_path, format, rule, text):
    entry, end = lines(format)
    found = reading(tmp_path, entry + text + end + text)
    assert of(found) == NIC
    assert found.summary.format == format
    assert found.summary.passed == {rule: 2 * text.count("\n")}
    assert (found.summary.unexplained, found.summary.remarks, found.summary.gaps) == (0, (), ())


@pytest.mark.parametrize("text", [
    " group=4\n", " a\n\n b\n", "irq_handler_entry: irq=6 name=x\n",
    " group=4 at 12.5: irq_handler_entry: irq=6 name=x\n",
    "10.0: irq_handler_entry: irq=6 name=x\n"])
def test_printed_text_goes_on_in_further_lines(tmp_path, text):
    entry, end = lines("ftrace")
    event = "  a-1  [001] ..... 10.000001: print: first\n"
    found = reading(tmp_path, entry + event + text + end)
    assert of(found) == NIC
    assert found.summary.passed == {"event": 1, "text": len(text.split("\n")) - 1
                                    - text.count("\n\n")}


def test_printed_text_ends_after_a_page(tmp_path):
    entry, end = lines("ftrace")
    event = "  a-1  [001] ..... 10.000001: print: first\n"
    found = reading(tmp_path, (entry + event + " and so on\n" * 1000 + end) * 2, "ftrace")
    assert found.summary.passed == {"event": 2, "text": 2 * (4096 // 10)}
    assert found.summary.unexplained == 2 * (1000 - 4096 // 10)


@pytest.mark.parametrize(("head", "time"), [
    ("<idle>-0 [001]", "10.00000{}"), ("<idle>-0 [001] ....", "10.00000{}"),
    ("<...>-1234567 [001] dNh1..", "10.00000{}"), ("a b-7 (    7) [001] d.h..", "10.00000{}"),
    ("<idle>-0 (-----) [001] d.h1", "10.00000{}"), ("kworker/u8:2-ev-71 [001] D.Zff", "10.00000{}"),
    ("<idle>-0     1d.h1", "10.00000{}"), ("<idle>-0     1d.h1", " 1{}us : "[:-2]),
    ("<idle>-0     1d.h1", "1{}us+"), ("a-1 [001] d.h1.", "1700000000.00000{}"),
    ("host:  a-1 [001] d.h1.", "10.00000{}000"), ("tmux: server-1 [001]", "10.00000{}"),
])
def test_columns_of_every_kernel_and_option(tmp_path, head, time):
    text = f"{head} {time.format(1)}: {ENTRY}\n{head} {time.format(8)}: {EXIT}\n"
    found = reading(tmp_path, text)
    assert of(found) == NIC and found.summary.unexplained == 0


@pytest.mark.parametrize(("old", "new"), [
    ("irq=5 name", "irq=5 handler"), ("irq=5 ret=", "irq=5 return="),
    ("irq=5 ", "irq=0x5 (5) "), (": irq_h", ": irq:irq_h"), ("ret=handled", "ret=1")])
def test_fields_of_every_kernel_and_option(tmp_path, old, new):
    assert of(reading(tmp_path, "".join(lines("ftrace")).replace(old, new))) == NIC


def test_raw_fields_of_trace_cmd(tmp_path):
    text = "".join(lines("trace-cmd")).replace("irq=5", " irq=5").replace("handled", "1")
    found = reading(tmp_path, text)
    assert of(found) == NIC and found.summary.format == "trace-cmd"


def test_time_differences_of_trace_cmd(tmp_path):
    entry, end = lines("trace-cmd")
    text = entry.replace("0: irq", "0:          irq") + end.replace("7: irq", "7: (+7)     irq")
    assert text.count("(+7)") == 1
    assert of(reading(tmp_path, text)) == NIC


@pytest.mark.parametrize("text", [
    "swapper 0 [001] 10.000000: irq:{}\nswapper 0 [001] 10.000007: irq:{}\n",
    "swapper 0/0 [001] 10.000000: 1 irq:{}\nswapper 0/0 [001] 10.000007:  1  irq:{}\n",
    "a b -1 [001] 10.000000000: {}\na b -1 [001] 10.000007000: {}\n",
    " 7 [001] 10.000000: irq:{}\n 7 [001] 10.000007: irq:{}\n",
    "[001] 10.000000: irq:{}\n[001] 10.000007: irq:{}\n",
    "a b [001] 10.000000: irq:{}\na b [001] 10.000007: irq:{}\n",
    "a b [001] 9.0: cycles: x\na [001] 10.000000: irq:{}\na 1 [001] 10.000007: irq:{}\n",
    "   add user  7 [001] 10.000000: irq:{}\n   dd 7 [001] 10.000007: irq:{}\n",
    "a 7 [001] d.h1 10.000000: irq:{}\na 7 [001] d.h1 10.000007: irq:{}\n",
])
def test_columns_of_perf(tmp_path, text):
    found = reading(tmp_path, text.format(ENTRY, EXIT))
    assert of(found) == NIC and found.summary.format == "perf"


@pytest.mark.parametrize(("format", "old", "new", "message"), [
    ("ftrace", "[001]", "[00x]", r"x.trace:3: expected TASK-PID \[CPU\] FLAGS SECONDS: EVENT"),
    ("ftrace", "[001] d.h1. 10.000000", "10.000000", r"x.trace:3: expected TASK-PID \[CPU\]"),
    ("ftrace", "<idle>-0     [001]", "[001]", r"x.trace:3: expected TASK-PID \[CPU\]"),
    ("ftrace", "10.000000", "10000000", "x.trace:3: expected a time in seconds"),
    ("ftrace", "irq=5 name", "irq=five name", "x.trace:3: expected irq=NUMBER name=NAME"),
    ("ftrace", "irq=5 name", f"irq={1 << 32} name",
     r"x.trace:3: expected an interrupt number up to 4294967295, found .* \(column 70\)$"),
    ("ftrace", "[001]", "[70000]", r"x.trace:3: expected a CPU up to 65535, .* \(column 25\)$"),
    ("ftrace", "[001]", f"[{'9' * 5000}]", "x.trace:3: expected a CPU up to 65535"),
    ("ftrace", "10.000000", "9999999999.000000", "x.trace:3: expected a time below 292 years"),
    ("ftrace", "10.000000", "9" * 5000 + ".0", "x.trace:3: expected a time below 292 years"),
    ("ftrace", "10.000000", "9300000000.0",
     r"x.trace:3: expected a time below 292 years, found .* \(column 36\)$"),
    ("ftrace", "10.000007", "2000010.000007", "x.trace:4: expected a handler that takes less"),
    ("trace-cmd", "[001]", "[--]", r"x.trace:3: expected TASK-PID \[CPU\] SECONDS: EVENT"),
    ("perf", "[001] ", "", r"x.trace:3: expected a CPU in brackets, as `perf script -F \+cpu`"),
    ("perf", "irq:irq_handler_entry:", "irq:irq_handler_entry", "x.trace:3: expected a colon"),
    ("perf", "   swapper     0 [001]", "   add user  0 [1x]", r"x.trace:3: expected COMM PID \["),
    ("perf", "[001] 10.000000", "[1x] 10.000000", r"x.trace:3: expected COMM PID \[CPU\] SECONDS"),
])
def test_what_looks_like_an_interrupt_and_cannot_be_read(tmp_path, format, old, new, message):
    good, bad = lines(format), "".join(lines(format)).replace(old, new)
    assert bad != "".join(good)
    with pytest.raises(TraceError, match=message) as error:
        reading(tmp_path, "".join(good) + bad + "".join(good) * 2)
    others = {"ftrace": "COMM", "trace-cmd": "FLAGS", "perf": "TASK"}
    assert others[format] not in str(error.value)


@pytest.mark.parametrize("format", KERNEL)
def test_what_no_rule_explains_is_counted(tmp_path, format):
    entry, end = lines(format)
    found = reading(tmp_path, entry + "what is this\n" + end + "irq_handler_entry: x\n" + entry)
    assert (found.summary.unexplained, found.summary.unexplained_line) == (2, 2)
    assert [(one.kind, one.count) for one in found.summary.remarks] == [
        ("no_exit_median", 1), ("without_rule", 2)]


@pytest.mark.parametrize("text", [
    "PROCESS DUMP\nUSER PID\n", "\nx\n\ny\n",
    " 1)  |  /* irq_handler_entry: irq=6 */\n 10.0 | 1)  |  /* irq_handler_exit: irq=6 */\n"])
def test_what_stands_before_any_event_is_no_text_that_goes_on(tmp_path, text):
    summary = reading(tmp_path, text + "".join(lines("ftrace")) * 2).summary
    assert (summary.unexplained, summary.passed, summary.interrupts) == (2, {}, 2)


@pytest.mark.parametrize(("names", "chosen"), [
    (["perf"], "perf"), (["trace-cmd", "ftrace"], "ftrace"), (["ftrace"] * 3 + ["perf"], "ftrace"),
    (["trace-cmd"], "trace-cmd"), (["perf", "ftrace"], "perf"), (["ftrace", "perf"], "perf")])
def test_the_best_score_reads_and_of_equals_the_first(names, chosen):
    text = "".join("".join(lines(name)) for name in names).encode()
    found = scores(text)
    assert list(found) == list(FORMATS) == ["perf", "trace-cmd", "ftrace", "csv"]
    assert choose("x", text, found) == chosen


def test_without_half_of_the_lines_nothing_reads_but_what_is_named(tmp_path):
    text = "".join(lines("ftrace")) + "x\n" * 3000
    text = "x\n" * 3 + text
    message = (r"x.trace: no format explains half of the first lines \(perf 0%, trace-cmd 0%, "
               r"ftrace \d+%, csv 0%\); --format names one: perf, trace-cmd, ftrace, csv")
    with pytest.raises(TraceError, match=message):
        reading(tmp_path, text)
    found = reading(tmp_path, text, "ftrace")
    assert of(found) == NIC and found.summary.unexplained == 3003
    with pytest.raises(TraceError, match=r"x.trace:4: expected COMM PID \[CPU\] SECONDS"):
        reading(tmp_path, text, "perf")


def test_the_first_64_kib_decide(tmp_path):
    """What comes later does not change the format, however much it is."""
    text = "".join(lines("ftrace")) * 500
    assert len(text) > 64 << 10
    found = reading(tmp_path, text + "1,a,2\n" * 100_000)
    assert found.summary.format == "ftrace" and found.summary.scores["ftrace"] == 1
    assert found.summary.unexplained == 100_000
    assert reading(tmp_path, "\n" * 200_000 + text).summary.format == "ftrace"


def test_a_tracer_with_interrupts_as_comments_is_named(tmp_path):
    text = " 1)      |  __schedule() {\n 1)     |  /* irq_handler_entry: irq=5 name=x */\n"
    with pytest.raises(TraceError, match="function_graph has interrupts as comments"):
        reading(tmp_path, text * 9)
