"""What goes wrong around a simulation: compilers, the cache, users who stop it, benches."""

import errno
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vapic_sim.engine import BuildError, EngineWarning, Simulator
from vapic_sim.engine.cache import Cache


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The build cache, empty."""
    monkeypatch.setenv("VAPIC_CACHE", str(tmp_path / "cache"))
    for name in ("VAPIC_ENGINE", "VAPIC_CC"):
        monkeypatch.delenv(name, raising=False)
    return Cache()


class Counter(wiring.Component):
    """Counts; and a signal that is computed when looked at."""

    step: In(4)
    count: Out(8)

    def __init__(self):
        super().__init__()
        self.sum = Signal(9)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.sum.eq(self.count + self.step)
        m.d.sync += self.count.eq(self.sum)
        return m


def works(engine="compiled", *, runs_on="compiled"):
    """Run a counter and check it; the warnings of making the simulator."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dut = Counter()
        sim = Simulator(dut, engine=engine)
        assert sim.engine == runs_on
        sim.add_clock(1e-6)

        async def bench(ctx):
            ctx.set(dut.step, 3)
            await ctx.tick().repeat(10)
            assert (ctx.get(dut.count), ctx.get(dut.sum)) == (30, 33)

        sim.add_testbench(bench)
        sim.run()
    assert all(one.category is EngineWarning for one in caught)
    return [str(one.message) for one in caught]


def falls_back(text):
    """With "auto" there is one warning, at the caller; with "compiled" an error."""
    with pytest.raises(BuildError, match=text):
        works()
    with pytest.warns(EngineWarning, match=text) as caught:
        sim = Simulator(Counter())
    assert len(caught) == 1 and sim.engine == "python"
    assert Path(caught[0].filename) == Path(__file__)
    (warning,) = works("auto", runs_on="python")
    assert warning.startswith("simulating with Amaranth's own simulator: ")


# Compilers.


def test_no_compiler(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "")
        patched.setitem(sys.modules, "ziglang", None)
        patched.setattr("importlib.util.find_spec", lambda name: None)
        falls_back(r"no C compiler found: looked for clang, gcc, cc on PATH .*"
                   r"`pip install 'vapic\[compiled\]'` brings one")
    assert works("auto") == []


def test_failing_compiler(tmp_path, monkeypatch):
    compiler = tmp_path / "broken-cc"
    compiler.write_text("#!/bin/sh\n[ $1 = --version ] && { echo broken 1.0; exit; }\n"
                        "echo 'x.c: warning: odd'; echo 'x.c:7:1: error: no such thing'; exit 3\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("VAPIC_CC", str(compiler))
    falls_back(rf"(?s)the C compiler failed \(exit code 3\):.*{compiler} .*-c .*\.c .*"
               r"x\.c:7:1: error: no such thing")
    monkeypatch.delenv("VAPIC_CC")
    assert works("auto") == []


# The cache.


def test_cache_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with monkeypatch.context() as patched:
        patched.setenv("VAPIC_CACHE", str(tmp_path / "file"))
        falls_back("make that a folder you can write, or set VAPIC_CACHE to another")
    assert works("auto") == []


@pytest.mark.parametrize(("number", "text"), [
    (errno.EROFS, "Read-only file system; .* set VAPIC_CACHE"),
    (errno.ENOSPC, "no space left for .* free some on that disk"),
], ids=["read-only", "full"])
def test_cache_can_not_be_written(monkeypatch, number, text, cache):
    """Root could write it, so the calls fail."""
    def fail(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    works()
    with monkeypatch.context() as patched:
        for name in ("mkdir", "rename"):
            patched.setattr(os, name, fail)
        assert works("auto") == []              # what is there can be used
        patched.setenv("VAPIC_CACHE", f"{cache.folder}.other")
        falls_back(text)
    assert works("auto") == []


def test_disk_is_full_for_the_library_of_all_signals(monkeypatch):
    """The design is built and runs, but there is no room for what a bench looks at."""
    dut = Counter()
    sim = Simulator(dut, engine="compiled")
    monkeypatch.setattr(Path, "write_text", lambda path, *_, **__: (_ for _ in ()).throw(
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))))

    async def bench(ctx):
        ctx.get(dut.sum)

    sim.add_testbench(bench)
    with pytest.raises(BuildError, match="no space left"):
        sim.run()
    monkeypatch.undo()


def replace(path, text):
    """The file with another content: the one that this process has loaded stays as it is."""
    path.unlink()
    path.write_bytes(text)


@pytest.mark.parametrize(("file", "spoil"), [
    ("model.so", lambda path: replace(path, path.read_bytes()[:100])),
    ("model.so", lambda path: replace(path, path.read_bytes()[:-9] + b"damaged!!")),
    ("layout.json", lambda path: replace(path, b'{"words": 3' + path.read_bytes()[11:])),
    ("cold.json", Path.unlink),
    ("cold.so", Path.unlink),
], ids=["truncated", "changed", "another layout", "no sources", "no library"])
def test_damaged_entry(file, spoil, cache):
    """Another process finds it so; this one has it in memory."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_faults import works
print(*works("auto"), sep="\\n")
"""
    works()
    folders = [path.parent for path in cache.folder.glob(f"entries/*/{file}")]
    assert len(folders) == 1
    spoil(folders[0] / file)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          env=os.environ | {"VAPIC_CACHE": str(cache.folder)}, check=True)
    (warning,) = done.stdout.splitlines()
    assert re.search(rf"compiled design {folders[0]} was damaged and is removed: .*{file}", warning)
    assert done.stderr == "" and (folders[0] / file).exists() and works() == []
