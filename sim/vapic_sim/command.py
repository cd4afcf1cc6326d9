"""The command ``vapic run``: a recorded interrupt load on the simulated controller."""

import argparse
import inspect
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from vapic.cli import CommandError
from vapic.progress import Progress

from .engine import BuildError
from .engine.toolchain import find_compiler
from .race import RunError, Task, race
from .reading import add_reader, read_file
from .report.figures import Setup, duration
from .report.json_ import to_json
from .report.table import print_report
from .run.job import POLICIES, Job, JobError, plan
from .run.phases import PHASES
from .traces.trace import Trace, densest

__all__ = ["run"]

#: Interrupts simulated on Amaranth's simulator if --until does not say otherwise: three policies
#: take about a minute with the default machine. The compiled engine takes the whole trace.
_COUNT = 150
#: Clock cycles that a simulation counts at most.
_CYCLES = 1 << 62


def run(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Run a recorded interrupt load on the controller, once for each policy.

    TRACE is ftrace text (/sys/kernel/tracing/trace), the text of `trace-cmd report` or
    `perf script`, or CSV time_us,source,service_us; plain, gzip, xz, bz2, zstd or a zip of one
    file; trace.dat and perf.data where trace-cmd and perf are installed. `vapic trace` shows what
    is read of it. What counts is irq:irq_handler_entry and irq_handler_exit; sched:sched_switch
    and irq_vectors:* tell when a CPU was busy (--phase recorded). Record one with

      trace-cmd record -e irq -e sched:sched_switch -e irq_vectors sleep 5
      trace-cmd report > my.trace

    Each interrupt becomes a pulse on a pin of the controller (from the 25th source on: an MSI
    write), is dispatched to a port of a vCPU of the driver domain, handled there for the recorded
    time, and sent on to a guest. One interrupt of a source is under way at a time (REQX.ser), one
    more waits in its latch. vCPU i runs on CPU i mod P, guests fill up from the last CPU; all have
    other work too, so that every CPU gives a slice to each of its vCPUs in turn.
    """
    parser.description, parser.epilog = inspect.cleandoc(run.__doc__ or ""), _EPILOG
    add_reader(parser)
    machine = parser.add_argument_group("machine")
    machine.add_argument("--vcpus", type=_count(1, 64), default=4, metavar="K",
                         help="vCPUs of the driver domain (default: 4)")
    machine.add_argument("--pcpus", type=_count(1, 64), default=2, metavar="P",
                         help="physical CPUs that vCPUs and guests share (default: 2)")
    machine.add_argument("--guests", type=_count(1, 15), default=2, metavar="G",
                         help="guest domains of one vCPU each (default: 2)")
    machine.add_argument("--clock", type=_hertz, default=100e6, metavar="HZ",
                         help="clock of the controller, as 100MHz or 1e8 (default: 100MHz)")
    machine.add_argument("--slice", type=_time, default=1000.0, metavar="TIME",
                         help="time slice, as 5ms or 100us (default: 1ms)")
    machine.add_argument("--phase", choices=list(PHASES), default="random",
                         help="; ".join(f"{k}: {v}" for k, v in PHASES.items())
                         + " (default: random)")
    machine.add_argument("--seed", type=_count(0, 2**63), default=1, metavar="N",
                         help="seed of the random phase (default: 1)")
    load_ = parser.add_argument_group("load")
    load_.add_argument("--load", type=_positive, default=1.0, metavar="F",
                       help="let arrivals come F times as fast; service times stay (default: 1)")
    load_.add_argument("--until", type=_until, default="", metavar="N|TIME|end",
                       help="simulate the N busiest successive interrupts, the busiest TIME of "
                       "the trace, or all of it (default: end; without a C compiler, "
                       f"{_COUNT} interrupts, what fits in about 60 s of Amaranth's simulator)")
    load_.add_argument("--policy", action="append", choices=list(POLICIES), metavar="NAME",
                       help="static (each source bound to vCPU: recorded CPU mod K), "
                       f"{', '.join(list(POLICIES)[1:-1])} or {list(POLICIES)[-1]}; may be "
                       "repeated (default: static, lowpri, pull)")
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON object, no table")
    output.add_argument("--vcd", metavar="FILE",
                        help="write waveforms; with several policies FILE.POLICY.vcd")
    output.add_argument("--explain", type=_count(1, 2**31), metavar="N",
                        help="tell why interrupt number N went where it went")
    output.add_argument("--no-skip", action="store_true",
                        help="clock every cycle, also those in which the controller is idle")
    return _run


_EPILOG = """\
columns:
  merged       came while an earlier one of the same source still waited; by the controller's count
  lost         arrivals - delivered - merged - still pending; anything but 0 is exit code 1
  line to handler
               from the edge to the first instruction of the handler run that serves it,
               merged ones included
  controller   from the edge to the grant, which makes the vCPU's port pending, for interrupts
               that a vCPU could take at once: no earlier one of the source under way, and for
               pull a vCPU with room
  share        of the handler runs, for each driver vCPU
  Jain         fairness of handler time in proportion to run time: 1 equal, 1/K one has all
  wake-ups per interrupt
               calls of driver vCPUs (rises of irq) for each delivered interrupt; a controller
               that calls all vCPUs and lets them race would have K
  guest events events that the guests consumed; those that come while a port is pending are one

examples:
  vapic run                                     the recording in the package, three policies
  vapic run my.trace.gz --until 20ms --slice 5ms
  vapic run --phase gang --policy static --policy pull
  vapic run load.csv --policy pull --explain 7  why number 7 went where it went
  vapic run --json > run.json

exit codes: 0 good, 1 an interrupt was lost or doubled, 2 wrong use or unreadable trace
"""


def _run(arguments: argparse.Namespace) -> int:
    names = list(dict.fromkeys(arguments.policy or ["static", "lowpri", "pull"]))
    trace = read_file("vapic run", arguments).trace()
    if arguments.phase == "recorded":
        trace = _without_idle(trace)
    part = _cut(trace, arguments.until)
    job = Job(
        trace=part.compress(arguments.load), policy=names[0], vcpus=arguments.vcpus,
        pcpus=arguments.pcpus, guests=arguments.guests, clock_hz=arguments.clock,
        slice_us=arguments.slice, phase=arguments.phase, seed=arguments.seed,
        skip=not arguments.no_skip)
    _check(arguments, job, names)
    tasks = [Task(replace(job, policy=name), _vcd(arguments.vcd, name, len(names)),
                  arguments.explain) for name in names]
    try:
        with Progress() as progress:
            finishes = race(tasks, lambda index, count: progress.count(
                count, len(part.arrivals), names[index]))
    except RunError as error:
        print(f"vapic run: {error}", file=sys.stderr)
        return 1
    figures = [finish.figures for finish in finishes]
    setup = Setup(trace=part, recorded=len(trace.arrivals), job=job, load=arguments.load,
                  engine=finishes[0].engine)
    if arguments.json:
        print(to_json(setup, figures))
    else:
        print_report(_console(), setup, figures)
    if arguments.explain is not None:
        text = "\n\n".join(f.explanation for f in finishes if f.explanation)
        print(f"\n{text}", file=sys.stderr if arguments.json else sys.stdout)
    bad = [row for row in figures if row.lost]
    for row in bad:
        print(f"vapic run: policy {row.policy}: {row.arrivals} arrivals are not {row.delivered} "
              f"delivered + {row.merged} merged + {row.pending} pending", file=sys.stderr)
    return 1 if bad else 0


def _console() -> Console:
    # A table in a pipe or a file is not folded to 80 columns.
    console = Console()
    return console if console.is_terminal else Console(width=150)


def _cut(trace: Trace, until: int | float | None) -> Trace:
    if until is None:
        return densest(trace, count=len(trace.arrivals))
    if isinstance(until, int):
        return densest(trace, count=until)
    return densest(trace, us=until)


def _without_idle(trace: Trace) -> Trace:
    """Add the remark about CPUs that this trace shows busy all the time."""
    if not trace.never_idle:
        return trace
    cpus = ", ".join(map(str, trace.never_idle))
    return replace(trace, remarks=(
        *trace.remarks, f"no idle task is named on CPU {cpus}: taken as busy all the time, "
        "vCPUs there always run"))


def _check(arguments: argparse.Namespace, job: Job, names: list[str]) -> None:
    if job.phase == "recorded" and not job.trace.busy:
        raise CommandError(
            f"{job.trace.name} does not say when its CPUs were busy, which --phase recorded needs: "
            "record sched:sched_switch too")
    count = len(job.trace.arrivals)
    if arguments.explain is not None and arguments.explain > count:
        raise CommandError(f"--explain must be 1..{count}, the interrupts of this run, "
                           f"not {arguments.explain}")
    if arguments.vcd is not None:
        _check_vcd(arguments.vcd, names)
    if job.trace.seconds * job.clock_hz > _CYCLES:
        raise CommandError(
            f"{job.trace.name}: {duration(job.trace.seconds)} from the first interrupt to the last "
            "is too long for the simulation's clock; --until takes a part")
    if job.slice_us * job.clock_hz / 1e6 < 1000:
        raise CommandError("--slice must be 1000 clock cycles or more")
    try:
        plan(job)
    except JobError as error:
        raise CommandError(str(error)) from None


def _check_vcd(file: str, names: list[str]) -> None:
    for path in (file, *(_vcd(file, name, len(names)) or "" for name in names)):
        if Path(path).is_dir():
            raise CommandError(f"--vcd: {path or '.'} is a folder, give the name of a file")
        if not Path(path).absolute().parent.is_dir():
            raise CommandError(f"--vcd: there is no folder {Path(path).parent}")
        if os.path.exists(path) and not os.access(path, os.W_OK):
            raise CommandError(f"--vcd: cannot write {path}")


def _vcd(file: str | None, policy: str, policies: int) -> str | None:
    return file if file is None or policies == 1 else f"{file.removesuffix('.vcd')}.{policy}.vcd"


# Kinds of arguments.


def _count(low: int, high: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"must be a number {low}..{high}, not {text!r}")
        return int(text)

    return count


def _compiles() -> bool:
    """Whether controllers are simulated as machine code here."""
    if os.environ.get("VAPIC_ENGINE") == "python":
        return False
    try:
        find_compiler()
    except BuildError:
        return False
    return True


def _scaled(text: str, units: dict[str, float]) -> float | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-zA-Z]*)", text)
    if found is None or found[2].lower() not in units or not float(found[1]):
        return None
    return float(found[1]) * units[found[2].lower()]


def _hertz(text: str) -> float:
    value = _scaled(text, {"": 1, "hz": 1, "khz": 1e3, "mhz": 1e6, "ghz": 1e9})
    if value is None or not 1e6 <= value <= 10e9:
        raise argparse.ArgumentTypeError(f"must be 1MHz..10GHz, as 100MHz, not {text!r}")
    return value


def _time(text: str) -> float:
    value = _scaled(text, {"us": 1.0, "ms": 1e3, "s": 1e6})
    if value is None:
        raise argparse.ArgumentTypeError(f"must be a time with its unit, as 5ms, not {text!r}")
    return value


def _positive(text: str) -> float:
    value = _scaled(text, {"": 1.0, "x": 1.0})
    if value is None:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return value


def _until(text: str) -> int | float | None:
    if text == "end" or (not text and _compiles()):
        return None
    if not text:
        return _COUNT
    if re.fullmatch(r"[1-9]\d*", text):
        return int(text)
    value = _scaled(text, {"us": 1.0, "ms": 1e3, "s": 1e6})
    if value is None:
        raise argparse.ArgumentTypeError(
            f"must be a number of interrupts, a time as 20ms, or end, not {text!r}")
    return value
