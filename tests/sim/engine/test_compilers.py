"""Which C compiler is found."""

import os
import shlex
import sys

import pytest

from vapic_sim.engine.compilers import Compiler, CompilerMissing, find_compiler
from vapic_sim.engine.errors import BuildError

ZIG = (sys.executable, "-m", "ziglang", "cc")


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """An empty folder is the whole PATH, and there is no ziglang."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("VAPIC_CC", raising=False)
    monkeypatch.setitem(sys.modules, "ziglang", None)
    return folder


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


def test_none(alone):
    with pytest.raises(CompilerMissing) as caught:
        find_compiler()
    assert str(caught.value) == (
        "no C compiler found: looked for clang, gcc, cc on PATH and for the Python package "
        "ziglang; `pip install 'vapic[compiled]'` brings one, or install gcc with the headers of "
        "the C library, or set VAPIC_CC to the command of one")
    assert isinstance(caught.value, BuildError)


def test_order(alone):
    for name in ("cc", "gcc", "clang"):
        path = script(alone / name, "")
        os.environ["PATH"] = os.environ["PATH"] + ":"  # a changed PATH is looked at again
        assert find_compiler() == Compiler("gcc", (str(path),), "try 1.0")


@pytest.mark.parametrize(("body", "why"), [
    ("#!/bin/sh\necho broken; exit 3", "fails with exit code 3: broken"),
    ("#!/bin/sh\necho crti.o", "the headers of the C library are missing, as libc6-dev"),
    ("#!/no/such/shell", "cannot be run: No such file or directory"),
])
def test_broken_ones_are_skipped(alone, body, why):
    bad = alone / "clang"
    bad.write_text(body + "\n")
    bad.chmod(0o755)
    with pytest.raises(CompilerMissing) as caught:
        find_compiler()
    assert str(bad) in str(caught.value) and why in str(caught.value)
    script(alone / "gcc", "")
    os.environ["PATH"] += ":"
    assert find_compiler().command == (str(alone / "gcc"),)


def test_ziglang_is_the_last(alone, monkeypatch):
    monkeypatch.delitem(sys.modules, "ziglang")
    found = find_compiler()
    assert (found.name, found.command) == ("zig", ZIG) and found.version.startswith("zig 0.")
    script(alone / "cc", "")
    os.environ["PATH"] += ":"
    assert find_compiler().command == (str(alone / "cc"),)


def test_chosen(alone, tmp_path, monkeypatch):
    script(alone / "gcc", "")
    path = script(tmp_path / "my cc", "")
    monkeypatch.setenv("VAPIC_CC", f"'{path}' -march=native")
    assert find_compiler() == Compiler("gcc", (str(path), "-march=native"), "try 1.0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAPIC_CC", "'./my cc'")
    assert find_compiler().command == (str(path),)
    monkeypatch.setenv("VAPIC_CC", " ")
    assert find_compiler().command == (str(alone / "gcc"),)
    monkeypatch.setenv("VAPIC_CC", shlex.join(ZIG))
    assert find_compiler().name == "zig"


@pytest.mark.parametrize(("text", "why"), [
    ("no-such-cc -O3", "there is no program no-such-cc"),
    ("'gcc", "No closing quotation"),
    ("/bin/false", "fails with exit code 1"),
])
def test_chosen_does_not_run(alone, monkeypatch, text, why):
    monkeypatch.setenv("VAPIC_CC", text)
    with pytest.raises(CompilerMissing) as caught:
        find_compiler()
    said = str(caught.value)
    assert said.startswith(f"VAPIC_CC={text}: ") and why in said
    assert said.endswith("; set it to the command of a C compiler, such as gcc, or unset it")


def test_asked_once(alone, tmp_path):
    path = alone / "cc"
    path.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs; echo /try\n")
    path.chmod(0o755)
    assert find_compiler() is find_compiler()
    assert (tmp_path / "runs").read_text() == "run\nrun\n"  # version and C library


def test_identity():
    gcc = Compiler("gcc", ("/usr/bin/gcc",), "gcc 12")
    assert gcc.identity == Compiler("gcc", ("/opt/bin/gcc",), "gcc 12").identity
    others = [Compiler("gcc", ("/usr/bin/gcc",), "gcc 13"),
              Compiler("gcc", ("/usr/bin/gcc", "-O3"), "gcc 12"),
              Compiler("zig", ("/usr/bin/gcc",), "gcc 12")]
    assert len({gcc.identity, *(other.identity for other in others)}) == 4
