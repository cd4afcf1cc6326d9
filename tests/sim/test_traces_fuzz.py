"""Any input ends in a reading or in one line of words: made-up traces, and cases that are damaged.

What holds of every reading is checked too: times in order, nothing that looks like an interrupt
lost in silence, every line accounted for.
"""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vapic_sim.traces.columns import MOST_NS
from vapic_sim.traces.detect import FORMATS, scores
from vapic_sim.traces.load import read
from vapic_sim.traces.trace import TraceError

from .test_traces_cases import CASES
from .test_traces_passing import lines

SHORT = settings(max_examples=60, deadline=None, database=None, derandomize=True,
                 suppress_health_check=list(HealthCheck))
LONG = settings(SHORT, max_examples=5000, derandomize=False, print_blob=True)
CORPUS = sorted(path.read_bytes() for path in CASES.iterdir()
                if path.is_file() and path.stat().st_size < 20_000)
PLAIN = [content for content in CORPUS if content[:2] not in (b"\x1f\x8b", b"\xff\xfe", b"\xfd7")]

#: Pieces of lines of all formats.
PIECES = st.sampled_from([piece.encode() for format in ("ftrace", "trace-cmd", "perf")
                          for line in lines(format) for piece in line.split(" ")] + [
    b"[001]", b"10.000001:", b"irq_handler_entry:", b"irq=5", b"name=", b"ret=handled", b" ", b"\n",
    b"=>", b"CPU:1 [LOST 9 EVENTS]\n", b"sched_switch:", b"prev_comm=a prev_pid=1 ==> next_comm=b",
    b"(+5)", b"12us+:", b"-1", b"(-----)", b"#", b'"', b",", b";", b"1e9", b"0,a,1\n", b"\r", b"\t",
    b"\x00", b"\xff\xfe", b"\x1f\x8b", b"9" * 40, b"time_us,source,service_us\n", b"<html>"])
ANY = st.one_of(
    st.binary(max_size=400),
    st.lists(PIECES, max_size=80).map(b" ".join),
    st.lists(st.sampled_from([line for one in PLAIN for line in one.splitlines(True)]),
             max_size=40).map(b"".join))


@st.composite
def damaged(draw):
    """A case of the corpus with some bytes changed, left out, doubled, or its end cut off."""
    content = bytearray(draw(st.sampled_from(CORPUS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(("change", "drop", "double", "insert", "cut")))
        size = draw(st.integers(1, 30))
        if kind == "change":
            content[at:at + size] = draw(st.binary(min_size=1, max_size=size))
        elif kind == "drop":
            del content[at:at + size]
        elif kind == "double":
            content[at:at] = content[at:at + size]
        elif kind == "insert":
            content[at:at] = draw(PIECES)
        else:
            del content[at:]
    return bytes(content)


def check(path, content, format=None):
    """Read it; what is told of it holds together."""
    path.write_bytes(content)
    try:
        found = read(str(path), format)
    except TraceError as error:
        assert str(error) and "\n" not in str(error).replace("\\n", "") and len(str(error)) < 900
        return None
    rows, summary = list(found.interrupts()), found.summary
    assert rows and len(rows) == summary.interrupts == sum(s.count for s in summary.sources)
    assert [one.time_ns for one in rows] == sorted(one.time_ns for one in rows)
    assert all(0 <= one.time_ns <= MOST_NS and 0 <= one.service_ns <= 10**15 and one.source
               for one in rows)
    assert sum(not one.exact for one in rows) == summary.estimated
    assert all(count > 0 for count in summary.passed.values())
    assert sum(summary.passed.values()) + summary.unexplained <= summary.lines
    json.dumps(summary.to_dict())
    trace = found.trace()
    assert len(trace.arrivals) == len(rows) and trace.cut(0, len(rows)).seconds >= 0
    return found


def properties(rules):
    """The same properties with these settings."""

    @rules
    @given(ANY, st.sampled_from([None, *FORMATS]))
    def anything(path, content, format):
        check(path, content, format)

    @rules
    @given(damaged(), st.sampled_from([None, None, *FORMATS]))
    def damage(path, content, format):
        check(path, content, format)

    @rules
    @given(ANY, st.integers(1, 60))
    def packing(path, content, cut):
        check(path, gzip.compress(content)[:-cut])

    @rules
    @given(st.lists(PIECES, max_size=20).map(b" ".join), st.sampled_from(("ftrace", "perf")))
    def between(path, noise, format):
        """What stands between good lines is not lost in silence, nor does it hide them."""
        noise = noise.replace(b"<html>", b"").replace(b"\xff\xfe", b"")
        good = "".join(lines(format)).encode()
        found = check(path, good * 20 + noise + b"\n" + good, format)
        if found is not None:
            assert sum(one.source == "5 nic" for one in found.interrupts()) >= 20

    @rules
    @given(ANY)
    def detection(path, content):
        assert all(0 <= share <= 1 for share in scores(content).values())

    return anything, damage, packing, between, detection


NAMES = ("anything", "damage", "packing", "between", "detection")


@pytest.mark.parametrize("name", NAMES)
def test_short(tmp_path, name):
    properties(SHORT)[NAMES.index(name)](tmp_path / "x.trace")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_long(tmp_path, name):
    properties(LONG)[NAMES.index(name)](tmp_path / "x.trace")
