"""Files as they come: encodings, packing, pages, binary traces and the tools that read them."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import zstandard

from vapic_sim.traces import packed
from vapic_sim.traces.load import read
from vapic_sim.traces.trace import TraceError

from . import large_trace
from .test_traces_passing import NIC, lines, of, reading

TEXT = "".join(lines("ftrace"))


def zipped(**files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return made.getvalue()


ZSTD = zstandard.ZstdCompressor().compress
PACKERS = {"gzip": gzip.compress, "bz2": bz2.compress, "zstd": ZSTD,
           "xz": lambda content: lzma.compress(content, preset=1),
           "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
           "zip": lambda content: zipped(a_txt=content)}


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_by_content_and_not_by_name(tmp_path, kind):
    found = reading(tmp_path, PACKERS[kind](TEXT.encode() * 20_000))
    assert of(found) == NIC * 20_000 and found.summary.remarks == ()


@pytest.mark.parametrize("kind", ["gzip", "xz", "bz2", "zstd"])
def test_packed_parts_follow_each_other(tmp_path, kind):
    assert of(reading(tmp_path, PACKERS[kind](TEXT.encode()) * 2)) == NIC * 2


def test_packed_twice(tmp_path):
    assert of(reading(tmp_path, gzip.compress(lzma.compress(TEXT.encode())))) == NIC
    deep = TEXT.encode()
    for _ in range(6):
        deep = gzip.compress(deep)
    with pytest.raises(TraceError, match=r"x.trace: packed more than 5 times"):
        reading(tmp_path, deep)


@pytest.mark.parametrize("kind", ["gzip", "xz", "bz2", "zstd"])
def test_packed_and_cut_off(tmp_path, kind):
    rows = (f" t-1 [001] d.h1. {n}.{n * 7919 % 10**6:06}: irq_handler_{what}\n"
            for n in range(60_000) for what in ("entry: irq=5 name=nic", "exit: irq=5 ret=handled"))
    content = PACKERS[kind]("".join(rows).encode())
    found = reading(tmp_path, content[:len(content) * 3 // 4])
    assert 1000 < found.summary.interrupts < 60_000
    kinds = {one.kind for one in found.summary.remarks}
    assert "cut_file" in kinds and kinds <= {"cut_file", "cut_line", "no_exit_median"}


def test_packed_and_cut_off_before_anything_is_in_it(tmp_path):
    with pytest.raises(TraceError, match=r"is empty \(compressed file is cut off: its rest is"):
        reading(tmp_path, gzip.compress(TEXT.encode())[:12])


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_and_damaged(tmp_path, kind):
    content = bytearray(PACKERS[kind](os.urandom(3000).hex().encode()))
    content[300:340] = bytes(40)
    with pytest.raises(TraceError, match=f"x.trace: (damaged {kind} file: |no format)"):
        reading(tmp_path, bytes(content))


def test_zip_of_other_than_one_file(tmp_path):
    many = {f"f{n}_txt": "" for n in range(7)}
    with pytest.raises(TraceError, match=r"x.trace: this zip has 7 files: f0.txt, f1.txt, f2.txt, "
                                         r"f3.txt, f4.txt and 2 more; unpack it and name one"):
        reading(tmp_path, zipped(**many))
    with pytest.raises(TraceError, match=r"x.trace: this zip has 0 files; unpack"):
        reading(tmp_path, zipped())
    with pytest.raises(TraceError, match=r"2 files: a\\x1b\[1m, b;"):
        reading(tmp_path, zipped(**{"a\x1b[1m": "", "b": ""}))
    with pytest.raises(TraceError, match="damaged zip file: its table is missing or wrong"):
        reading(tmp_path, zipped(a=TEXT)[:-30])


def test_zip_with_a_folder_and_the_leavings_of_a_mac(tmp_path):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("d/", "d/a.txt", "__MACOSX/d/._a.txt"):
            archive.writestr(name, TEXT if name == "d/a.txt" else "")
    assert of(reading(tmp_path, made.getvalue())) == NIC


def test_zstd_of_python_is_taken_where_it_has_it(tmp_path, monkeypatch):
    class Zstd:
        ZstdFile, ZstdError = bz2.BZ2File, OSError

    def module(name):
        assert name == "compression.zstd"
        return Zstd

    monkeypatch.setattr(packed.importlib, "import_module", module)
    with pytest.raises(TraceError, match="damaged zstd file"):
        reading(tmp_path, ZSTD(TEXT.encode()))


@pytest.mark.parametrize("encoding", [
    "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(tmp_path, encoding):
    text = TEXT.replace("nic", "nic köln").replace("\n", "\r\n") * 3000
    found = reading(tmp_path, text.encode(encoding))
    assert found.summary.interrupts == 3000
    assert found.summary.sources[0].name == "5 nic köln"


def test_bytes_of_no_encoding(tmp_path):
    found = reading(tmp_path, TEXT.encode().replace(b"nic", b"n\xff\x1b[1mc"))
    assert [one.source for one in found.interrupts()] == ["5 n\ufffd\x1b[1mc"]


PAGE = ('<!DOCTYPE html>\n<html><script>\nvar a = "irq_handler_entry";</script>\n'
        '<script class="trace-data" type="application/text">\n# tracer: nop\n{}</script>\n'
        '<p>x</p>\n<script class="trace-data">\n{}</script></html>\n')


def test_a_page_around_traces(tmp_path):
    found = reading(tmp_path, PAGE.format(TEXT, TEXT))
    assert of(found) == NIC * 2 and found.summary.unexplained == 0
    with pytest.raises(TraceError, match=r"x.trace:12: expected irq=NUMBER"):
        reading(tmp_path, PAGE.format(TEXT, TEXT.replace("irq=5 ret", "irq ret")))
    with pytest.raises(TraceError, match=r"x.trace: no interrupt in this trace"):
        reading(tmp_path, "<html>\n" + TEXT + "</html>\n")


@pytest.mark.parametrize(("content", "message"), [
    (b"\n\x09\x08\x01abcdefg\n\x04\x10\x02zz" * 9, "a Perfetto trace; give .* `traceconv systrace"),
    (b'{"traceEvents": [\n{"ph": "X"}]}', "a trace in JSON, .*`traceconv systrace"),
    (b'[{"name": "a", "ph": "X"}]', "a trace in JSON"),
    (b"\x04\x22\x4d\x18xx", "an lz4 file; unpack it first: `lz4 -d FILE`"),
    (b"7z\xbc\xaf\x27\x1cxx", "a 7z archive"), (b"\x7fELF\x02", "a program"),
    (b"a" * 257 + b"ustar\x00", "a tar archive")])
def test_refused_by_name(tmp_path, content, message):
    with pytest.raises(TraceError, match=f"x.trace: this is {message}"):
        reading(tmp_path, content)
    with pytest.raises(TraceError, match=f"x.trace: this is {message}"):
        reading(tmp_path, gzip.compress(content))


def test_no_text_and_no_file(tmp_path):
    with pytest.raises(TraceError, match="no format explains"):
        reading(tmp_path, b"\n\x08abc")
    with pytest.raises(TraceError, match=r"no format explains .*; it is no text; --format"):
        reading(tmp_path, bytes(range(256)) * 99)
    with pytest.raises(TraceError, match="the file is empty"):
        reading(tmp_path, b"")
    with pytest.raises(TraceError, match="it begins with comments only"):
        reading(tmp_path, b"# tracer: nop\n")
    with pytest.raises(TraceError, match=r"cannot read .*: Is a directory"):
        read(str(tmp_path))


def test_blank_lines_are_bounded(tmp_path):
    assert of(reading(tmp_path, gzip.compress(b"\n" * (1 << 20) + TEXT.encode()))) == NIC
    with pytest.raises(TraceError, match="no interrupt in this trace"):
        reading(tmp_path, gzip.compress(b"\n" * (20 << 20) + TEXT.encode()))


def test_a_line_is_bounded(tmp_path):
    with pytest.raises(TraceError, match=r"x.trace:3: this line is longer than 1 MiB"):
        reading(tmp_path, TEXT + "x" * (1 << 20) + "y\n" + TEXT)
    with pytest.raises(TraceError, match=r"x.trace:1: this line is longer than 1 MiB"):
        reading(tmp_path, gzip.compress(b"x" * (30 << 20)))


def test_memory_is_that_of_the_interrupts(tmp_path):
    text = "".join(large_trace.lines(4_000_000))
    kinds = [sum(word in line for line in text.splitlines()) / text.count("\n")
             for word in ("h1. ", "sched_switch: ")]
    assert kinds == [pytest.approx(0.4, abs=0.02), pytest.approx(0.4, abs=0.02)]
    path = tmp_path / "x.trace"
    path.write_bytes(gzip.compress(text.encode()))
    tracemalloc.start()
    try:
        found = read(str(path))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.summary.interrupts > 5000 and found.summary.unexplained == 0
    assert most < 5_000_000     # some blocks and their lines, whatever the size of the file


TOOLS = (("trace-cmd", b"\x17\x08\x44tracing6", "trace.dat"), ("perf", b"PERFILE2abc", "perf.data"))


def stand_in(tmp_path, monkeypatch, name, body):
    """A program of this name, the only one on PATH, that prints its arguments and then `body`."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!{sys.executable}\nimport os, sys, time\n"
                       f"open({str(tmp_path / 'seen')!r}, 'w').write("
                       "'\\n'.join([*sys.argv[1:], open(sys.argv[-1], 'rb').read().hex()]))\n"
                       f"{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(("tool", "magic", "kind"), TOOLS)
def test_binary_traces_are_read_by_their_tool(tmp_path, monkeypatch, tool, magic, kind):
    text = "".join(lines(tool))
    stand_in(tmp_path, monkeypatch, tool, f"sys.stdout.write({text!r} * 5000)")
    path = tmp_path / "-x; touch y.dat"
    for content in (magic, gzip.compress(magic)):
        path.write_bytes(content)
        monkeypatch.chdir(tmp_path)
        found = read(path.name)
        assert of(found) == NIC * 5000 and found.summary.format == tool
        *options, file, seen = (tmp_path / "seen").read_text().split("\n")
        assert options[-1] == "-i" and bytes.fromhex(seen) == magic
        assert os.path.isabs(file) and (file == str(path)) is (content == magic)
        assert os.path.exists(file) is (content == magic)
    assert not (tmp_path / "y.dat").exists()


@pytest.mark.parametrize(("tool", "magic", "kind"), TOOLS)
def test_without_their_tool_they_are_refused_by_name(tmp_path, monkeypatch, tool, magic, kind):
    monkeypatch.setenv("PATH", str(tmp_path))
    message = f"x.trace: this is {kind}, and there is no {tool} here .*`{tool} .* > my.trace`"
    for content in (magic, gzip.compress(magic), lzma.compress(magic)):
        with pytest.raises(TraceError, match=message):
            reading(tmp_path, content)


def test_the_case_inside_gzip_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TraceError, match=r"tracedat.gz: this is trace.dat"):
        read(str(Path(__file__).parent / "traces_cases" / "tracedat.gz"))


@pytest.mark.parametrize(("tool", "magic", "kind"), TOOLS)
def test_a_tool_that_does_not_start(tmp_path, monkeypatch, tool, magic, kind):
    stand_in(tmp_path, monkeypatch, tool, "")
    (tmp_path / "bin" / tool).write_text("#!/nowhere/at/all\n")
    with pytest.raises(TraceError, match=f"x.trace: cannot run .*/{tool} on it: No such file"):
        reading(tmp_path, magic)


@pytest.mark.parametrize(("tool", "magic", "kind"), TOOLS)
def test_a_tool_that_fails(tmp_path, monkeypatch, tool, magic, kind):
    stand_in(tmp_path, monkeypatch, tool,
             "print('x', file=sys.stderr); print('no \\x1b[1m', file=sys.stderr); sys.exit(3)")
    with pytest.raises(TraceError, match=rf"this is {kind}, and `{tool} \w+` failed on it: "
                                         r"no \\x1b\[1m$"):
        reading(tmp_path, magic)


def test_a_tool_is_ended_if_its_text_is_wrong(tmp_path, monkeypatch):
    bad = "".join(lines("perf")).replace("irq=5 name", "irq name")
    stand_in(tmp_path, monkeypatch, "perf",
             f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
             f"sys.stdout.write({bad!r} * 9999)\nsys.stdout.flush()\ntime.sleep(60)")
    with pytest.raises(TraceError, match=r"x.trace:1: expected irq=NUMBER"):
        reading(tmp_path, b"PERFILE2")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_standard_input(tmp_path):
    script = "from vapic_sim.traces.load import read; print(read('-').summary.interrupts)"
    for content in (TEXT.encode() * 3, gzip.compress(TEXT.encode() * 3)):
        done = subprocess.run([sys.executable, "-c", script], input=content, capture_output=True,
                              check=False)
        assert (done.stdout, done.stderr) == (b"3\n", b"")


def test_progress_tells_how_far_it_is(tmp_path):
    path = tmp_path / "x.trace"
    path.write_text(TEXT * 10_000)
    told = []
    read(str(path), progress=lambda done, total: told.append((done, total)))
    size = path.stat().st_size
    assert told[-1] == (size, size) and len(told) > 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)
