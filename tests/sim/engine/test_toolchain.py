"""Libraries made with the C compiler, and what is left when that fails."""

import ctypes
import errno
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vapic_sim.engine.compilers import Compiler, find_compiler
from vapic_sim.engine.disk import DiskError
from vapic_sim.engine.toolchain import CompileError, compile_library

ZIG = (sys.executable, "-m", "ziglang", "cc")
SOURCES = {
    "design.h": "#include <stdint.h>\n#include <string.h>\nuint64_t twice(uint64_t);\n",
    "part.c": '#include "design.h"\nuint64_t twice(uint64_t x) { return 2 * x; }\n',
    "rare_cold.c": '#include "design.h"\n'
                   "uint64_t four(uint64_t x) { return twice(twice(x)); }\n"
                   "void copy(char *to, char *from, long n) { memcpy(to, from, n); }\n",
}


def script(path, body):
    """Write a program that says a version; otherwise it does what `body` says."""
    path.write_text(f"""#!/bin/sh
case "$*" in
  *--version) echo "try 1.0"; exit ;;
  -print-file-name=crti.o) echo /lib/crti.o; exit ;;
esac
{body}
""")
    path.chmod(0o755)
    return path


def fake(tmp_path, body):
    return Compiler("gcc", (str(script(tmp_path / "cc", body)),), "try 1.0")


def build(compiler, output, sources=None, **options):
    compile_library(sources or SOURCES, output, compiler=compiler, **options)


@pytest.fixture
def out(tmp_path):
    """The library to be made, alone in a folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "try.so"


# Making a library.


@pytest.mark.parametrize("found", [find_compiler, lambda: Compiler("zig", ZIG, "zig")],
                         ids=["found", "zig"])
def test_library(found, out):
    steps = []
    build(found(), out, progress=lambda *step: steps.append(step))
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert list(out.parent.iterdir()) == [out]
    library = ctypes.CDLL(str(out))
    library.four.restype, library.four.argtypes = ctypes.c_uint64, [ctypes.c_uint64]
    assert library.four(1 << 40) == 1 << 42
    target = ctypes.create_string_buffer(4)
    library.copy(target, b"abc", ctypes.c_long(4))
    assert target.value == b"abc"


def test_big_models_are_compiled_for_speed(tmp_path, out):
    log = tmp_path / "log"
    build(fake(tmp_path, f'echo "$1 $(echo "$@" | grep -o "[a-z_]*[.]c ")" >> {log}; '
                         '[ "$1" != -shared ] || : > $3'), out,
          SOURCES | {"big.c": "int x;\n" * 100_000})
    assert sorted(log.read_text().split("\n")[:3]) == [
        "-O1 rare_cold.c ", "-O2 big.c ", "-O2 part.c "]


def test_output_is_relative_and_replaced(out, monkeypatch):
    monkeypatch.chdir(out.parent)
    out.write_text("older")
    build(find_compiler(), Path("try.so"))
    assert ctypes.CDLL(str(out)).twice(4) == 8


def test_commands(tmp_path, out):
    log = tmp_path / "log"
    build(fake(tmp_path, f'echo "$@" >> {log}; [ "$1" != -shared ] || : > $3'), out)
    *units, link = log.read_text().splitlines()
    common = "-std=gnu11 -fPIC -fwrapv -fno-strict-aliasing -w -c"
    assert sorted(units) == [f"-O1 {common} part.c -o part.c.o",
                             f"-O1 {common} rare_cold.c -o rare_cold.c.o"]
    assert sorted(link.split()) == sorted("-shared -o try.so part.c.o rare_cold.c.o".split())


def test_units_are_compiled_side_by_side(tmp_path, out, monkeypatch):
    """Each of two ends only when the other has begun."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    build(fake(tmp_path, '[ "$1" = -shared ] && { : > $3; exit; }\n: > begun.$$\n'
               "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do\n"
               "[ $(ls begun.* | wc -l) = 2 ] && exit; sleep 0.1; done; exit 1"), out)
    assert out.exists()


@pytest.mark.parametrize("sources", [{}, {"a.h": ""}, {"../a.c": ""}, {"b/a.c": ""}])
def test_wrong_sources(sources, out):
    with pytest.raises(ValueError, match="file name"):
        compile_library(sources | {"a/b.h": ""}, out, compiler=find_compiler())
    with pytest.raises(ValueError):
        compile_library(sources, out, compiler=find_compiler())


# Faults.


def test_error_in_a_source(out):
    sources = SOURCES | {"bad.c": "int f(void) { return nothing; }\n"}
    compiler = find_compiler()
    with pytest.raises(CompileError) as caught:
        build(compiler, out, sources)
    heading, command, first, *more = str(caught.value).split("\n  ")
    assert heading == "the C compiler failed (exit code 1):"
    assert command == shlex.join(compiler.unit("bad.c", "-O1"))
    assert first.startswith("bad.c:1:") and "error" in first and "nothing" in first
    assert any("return nothing;" in line for line in more) and len(more) <= 2
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(("body", "said"), [
    ("for i in 1 2 3 4 5 6 7; do echo $i; done; exit 4",
     ["the C compiler failed (exit code 4):", "3", "4", "5", "6", "7"]),
    ("kill -9 $$", ["killed by SIGKILL; perhaps there was no memory left"]),
    ("exit 0", ["error: it succeeded, but wrote no library"]),
])
def test_compiler_that_says_little(tmp_path, out, body, said):
    with pytest.raises(CompileError) as caught:
        build(fake(tmp_path, body), out)
    assert all(part in str(caught.value) for part in [*said, str(tmp_path / "cc")])
    assert list(out.parent.iterdir()) == []


def test_compiler_is_gone(out):
    with pytest.raises(CompileError, match="No such file or directory: '/no/such/cc'"):
        build(Compiler("gcc", ("/no/such/cc",), "1"), out)


def is_full(error, folder):
    said = str(error.value)
    return (said.startswith(f"no space left for {folder}: ") and "VAPIC_CACHE" in said
            and "`vapic cache clear`" in said)


def test_compiler_says_that_the_disk_is_full(tmp_path, out):
    with pytest.raises(DiskError) as caught:
        build(fake(tmp_path, "echo 'part.s: No space left on device' >&2; exit 1"), out)
    assert is_full(caught, out.parent) and list(out.parent.iterdir()) == []


def test_disk_is_full_for_the_sources(out, monkeypatch):
    def write(path, text, encoding):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(DiskError) as caught:
        build(find_compiler(), out)
    assert is_full(caught, out.parent) and list(out.parent.iterdir()) == []


def test_files_may_not_grow(out):
    """A limit of the process instead of a full disk; a real compiler meets it."""
    done = python(f"""
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        compile_library({{"a.c": "char a[100000] = {{1}};"}}, Path({str(out)!r}),
                        compiler=find_compiler())
    """).communicate(timeout=20)
    assert f"DiskError: no space left for {out.parent}" in done[1]
    assert list(out.parent.iterdir()) == []


def test_folder_can_not_be_written(tmp_path):
    with pytest.raises(DiskError, match="No such file or directory"):
        build(find_compiler(), tmp_path / "none" / "try.so")
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="Not a directory"):
        build(find_compiler(), tmp_path / "file" / "try.so")
    (tmp_path / "try.so").mkdir()
    with pytest.raises(DiskError, match=r"Is a directory.* VAPIC_CACHE"):
        build(find_compiler(), tmp_path / "try.so")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "try.so"]


# Stopped by the user.


def python(body):
    """Start a program that has what is to be tested."""
    head = ("from pathlib import Path\n"
            "from vapic_sim.engine.compilers import *\n"
            "from vapic_sim.engine.toolchain import *\n")
    lines = [line.removeprefix(" " * 8) for line in body.splitlines()]
    return subprocess.Popen([sys.executable, "-c", head + "\n".join(lines)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_interrupt(tmp_path, out):
    pids = tmp_path / "pids"
    pids.mkdir()
    # Each compiler has a child, as gcc has, and neither heeds a gentle request.
    compiler = fake(tmp_path, f"trap '' INT TERM\nsleep 60 &\n: > {pids}/$!\n: > {pids}/$$\nwait")
    process = python(f"""
        compile_library({SOURCES!r}, Path({str(out)!r}), compiler={compiler!r})
    """)
    end = time.monotonic() + 10
    while len(list(pids.iterdir())) < 2 * min(2, os.cpu_count() or 1):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    assert all(runs(path.name) for path in pids.iterdir()) and list(out.parent.iterdir())
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=5)
    assert time.monotonic() - begin < 2 and process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in said
    assert not any(runs(path.name) for path in pids.iterdir())
    assert list(out.parent.iterdir()) == []
    build(find_compiler(), out)
    assert list(out.parent.iterdir()) == [out]


def test_failing_progress_stops_the_others(tmp_path, out):
    """What the caller raises ends it as well, and comes through as it is."""
    def fail(done, steps):
        if done:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    begin = time.monotonic()
    with pytest.raises(BrokenPipeError):
        build(fake(tmp_path, '[ "$8" = rare_cold.c ] || exec sleep 60'), out, progress=fail)
    assert time.monotonic() - begin < 5 and list(out.parent.iterdir()) == []
