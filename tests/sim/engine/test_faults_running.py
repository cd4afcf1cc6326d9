"""A user who stops a build or a run, builds at the same time, and benches that fail or wait."""

import io
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
from amaranth.hdl import ClockDomain, Module, Signal

from vapic_sim.engine import Simulator
from vapic_sim.engine.cache import Cache
from vapic_sim.engine.locks import Locks

from .twins import Design

COUNTER = """
from amaranth.hdl import Module, Signal
from vapic_sim.engine import Simulator
m, count, wide = Module(), Signal(64), Signal(64)
m.d.sync += count.eq(count + 1)
m.d.comb += wide.eq(count * 3)
sim = Simulator(m, engine="compiled", probes=[count])
sim.add_clock(1e-6)
"""
LARGE = """
from vapic import Config
from vapic.ioapic.unit import Ioapic
from vapic_sim.engine import Simulator
dut = Ioapic(Config(rtes=2, irts=0, vcpus=2, lanes=2, domains=2, ports=32, vectors=32))
sim = Simulator(dut, engine="compiled")
sim.add_clock(1e-6)
async def bench(ctx):
    await ctx.tick().repeat(9)
    print("done")
sim.add_testbench(bench)
sim.run()
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The build cache, empty."""
    monkeypatch.setenv("VAPIC_CACHE", str(tmp_path / "cache"))
    return Cache()


@pytest.fixture
def python():
    """Function that starts a program; none is left after the test."""
    started = []

    def start(code):
        started.append(subprocess.Popen([sys.executable, "-u", "-c", code], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def processes_of(cache):
    """Processes that have this cache in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state = (path / "stat").read_text().rpartition(") ")[2][0]
            if state not in "ZX" and str(cache.folder).encode() in (path / "environ").read_bytes():
                found.append(path.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
    return [pid for pid in found if pid != str(os.getpid())]


def interrupt(process):
    """Press Ctrl-C; what the program says then. It must end at once."""
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - begin < 2
    assert process.returncode == -signal.SIGINT and "KeyboardInterrupt" in said
    return said


# Stopped by the user.


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_interrupted_build(cache, python):
    """While it is translated, then while it is compiled: nothing is left, and the next one works.

    That one is two, which need the same design at the same time: it is built once.
    """
    for sign in ("parts/*", "parts/*/.model.so.*/*.c"):
        process = python(LARGE)
        end = time.monotonic() + 30
        while not list(cache.folder.glob(sign)):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        assert processes_of(cache)
        interrupt(process)
        assert processes_of(cache) == []
        assert list((cache.folder / "parts").iterdir()) == [] and cache.entries() == []
        for path in (cache.folder / "locks").iterdir():
            with Locks(cache.folder / "locks").hold_if_free(path.stem) as free:
                assert free
    both = [python(LARGE) for _ in range(2)]
    for process in both:
        said, errors = process.communicate(timeout=60)
        assert said == "done\n" and process.returncode == 0, errors
    assert [entry.name for entry in cache.entries()] == ["Ioapic"]
    assert list((cache.folder / "parts").iterdir()) == []


@pytest.mark.parametrize("wait", [
    "tick().repeat(10**12)", "tick().until(count == 0)", "tick().sample(count).until(wide == 1)",
    "changed(m_none)", "delay(9e3)",
])
def test_interrupted_run(wait, python):
    """A wait of weeks ends within a second or two."""
    process = python(COUNTER + f"""
m_none = Signal()
async def bench(ctx):
    await ctx.tick()
    print("begins")
    await ctx.{wait}
sim.add_testbench(bench)
sim.run()
""")
    assert process.stdout.readline() == "begins\n"
    time.sleep(0.3)
    assert process.poll() is None
    assert "in run\n" in interrupt(process)


def test_usable_after_an_interrupt(python):
    """In a session that goes on, the simulator is reset and runs again."""
    process = python(COUNTER + """
async def bench(ctx):
    await ctx.tick().repeat(long)
    print("count", ctx.get(count), ctx.get(wide))
sim.add_testbench(bench)
long = 10**12
try:
    print("begins")
    sim.run()
except KeyboardInterrupt:
    long = 7
    sim.reset()
    sim.run()
""")
    assert process.stdout.readline() == "begins\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10) == ("count 7 21\n", "") and process.returncode == 0


# Benches.


def counter(clock=True):
    m, count = Module(), Signal(8)
    m.domains.sync = domain = ClockDomain()
    m.d.sync += count.eq(count + 1)
    sim = Simulator(Design(m), engine="compiled")
    if clock:
        sim.add_clock(1e-6)
    return sim, count, domain


def test_bench_fails():
    """Its exception comes out with its traceback; after a reset the simulator runs again."""
    sim, count, _ = counter()
    seen = []

    async def inner(ctx):
        await ctx.tick().repeat(3)
        if len(seen) < 2:
            seen.append(ctx.get(count))
            raise ArithmeticError("on purpose")

    async def bench(ctx):
        await inner(ctx)
        seen.append(ctx.get(count))

    sim.add_testbench(bench)
    for _ in range(2):
        with pytest.raises(ArithmeticError, match="on purpose") as caught:
            sim.run()
        names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert names[-2:] == ["bench", "inner"]
        sim.reset()
    sim.run()
    assert seen == [3, 3, 3]


def test_process_fails():
    sim, count, _ = counter()

    async def process(ctx):
        async for _, _, value in ctx.tick().sample(count):
            assert value < 4, "too far"

    async def bench(ctx):
        await ctx.tick().repeat(9)

    sim.add_process(process)
    sim.add_testbench(bench)
    with pytest.raises(AssertionError, match="too far"):
        sim.run()


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("wait", [
    lambda ctx, count, domain: ctx.tick(),
    lambda ctx, count, domain: ctx.tick().until(count == 3),
    lambda ctx, count, domain: ctx.changed(count),
    lambda ctx, count, domain: ctx.posedge(domain.rst),
], ids=["tick", "until", "changed", "edge"])
def test_waiting_for_ever(wait, recorded):
    """Without a clock nothing ever happens: that is said, not waited for."""
    sim, count, domain = counter(clock=False)

    async def bench(ctx):
        ctx.set(domain.clk, 1)
        await ctx.delay(1e-6)
        await wait(ctx, count, domain)

    sim.add_testbench(bench)
    with pytest.raises(RuntimeError, match="waits for what can't happen any more: there is no"):
        if recorded:
            with sim.write_vcd(io.StringIO()):
                sim.run()
        else:
            sim.run()
    assert sim._engine.now == 1_000_000_000


@pytest.mark.parametrize("recorded", [False, True])
def test_until_a_time_without_clocks(recorded):
    sim, *_ = counter(clock=False)
    if recorded:
        with sim.write_vcd(io.StringIO()):
            sim.run_until(1e-3)
    else:
        sim.run_until(1e-3)
    assert sim._engine.now == 10**12
