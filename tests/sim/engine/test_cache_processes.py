"""The build cache, shared by processes, of which some are killed."""

import signal
import subprocess
import sys
import time

import pytest

from vapic_sim.engine.cache import Cache

KEY, OTHER = "0" * 64, "1" * 64


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def make(folder):
    (folder / "model.so").touch()


def left_over(cache):
    return list((cache.folder / "parts").iterdir())


def process(cache, body, key=KEY):
    """Start a program that obtains an entry; `body` makes it and says so."""
    lines = "\n    ".join(body.splitlines())
    return subprocess.Popen([sys.executable, "-u", "-c", f"""
import os, time
from pathlib import Path
from vapic_sim.engine.cache import Cache
def make(folder):
    (folder / "model.so").write_text("x" * 100)
    {lines}
entry = Cache(Path({str(cache.folder)!r})).obtain(
    {key!r}, "Counter", make, waiting=lambda: print("waiting"))
print("done", (entry / "model.so").stat().st_size)
"""], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def says(process, line):
    assert process.stdout.readline() == f"{line}\n", process.stderr.read()


def test_made_once(cache):
    processes = [process(cache, "print('making'); time.sleep(0.5)") for _ in range(2)]
    said = sorted(one.communicate(timeout=10) for one in processes)
    assert said == [("making\ndone 100\n", ""), ("waiting\ndone 100\n", "")]
    assert left_over(cache) == []


def test_killed_builder(cache):
    killed = process(cache, "print('making'); time.sleep(60)")
    says(killed, "making")
    waiter = process(cache, "print('making')")
    says(waiter, "waiting")
    assert cache.find(KEY) is None and len(left_over(cache)) == 1 and cache.clear() == 0
    killed.kill()
    killed.communicate()
    assert waiter.communicate(timeout=10) == ("making\ndone 100\n", "")
    assert left_over(cache) == [] and cache.find(KEY) is not None


def test_clear_removes_what_killed_builders_left(cache):
    killed, builder = (process(cache, "print('making'); time.sleep(60)", key)
                       for key in (KEY, OTHER))
    for one in (killed, builder):
        says(one, "making")
    killed.kill()
    killed.communicate()
    assert len(left_over(cache)) == 2
    assert cache.clear() == 100
    (part,) = left_over(cache)
    assert part.name.startswith(OTHER) and (part / "model.so").exists()
    builder.kill()
    builder.communicate()


def test_waiting_can_be_interrupted(cache):
    builder = process(cache, "print('making'); time.sleep(60)")
    says(builder, "making")
    waiter = process(cache, "print('making')")
    says(waiter, "waiting")
    begin = time.monotonic()
    waiter.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in waiter.communicate(timeout=5)[1]
    assert time.monotonic() - begin < 2
    builder.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in builder.communicate(timeout=5)[1]
    assert left_over(cache) == [] and cache.obtain(KEY, "Counter", make) == cache.find(KEY)
