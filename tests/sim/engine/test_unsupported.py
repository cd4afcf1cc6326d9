"""Designs that the compiled engine refuses: at construction, and with a text that helps."""

import re
import warnings

import pytest
from amaranth.hdl import (
    Assert,
    Assume,
    ClockDomain,
    ClockSignal,
    Cover,
    Format,
    Instance,
    IOBufferInstance,
    IOPort,
    Module,
    Mux,
    Print,
    Signal,
)
from amaranth.hdl._ast import AnyConst, AnySeq, Initial
from amaranth.lib import io

from vapic_sim.engine import EngineWarning, Simulator, Unsupported

HERE = re.escape(__file__)


def statement(make, domain="sync"):
    def design():
        m, a = Module(), Signal()
        m.d.sync += a.eq(~a)
        m.d[domain] += make(a)
        return m
    return design


def value(make):
    def design():
        m, a, b = Module(), Signal(4), Signal(4)
        m.d.comb += a.eq(b + make())
        return m
    return design


def instance():
    m, lock, stopped = Module(), Signal(), Signal()
    m.submodules.pll = Instance("PLL", i_stop=stopped, o_lock=lock)
    return m


def buffer():
    m, pad, level = Module(), IOPort(1, name="pad"), Signal()
    m.submodules.buffer = IOBufferInstance(pad, i=level)
    return m


def library_buffer():
    m, level = Module(), Signal()
    pad = io.SingleEndedPort(IOPort(1, name="pad"), direction="i")
    m.submodules.buffer = buffer = io.Buffer("i", pad)
    m.d.comb += level.eq(buffer.i)
    return m


def gated_clock():
    m, enable, kept = Module(), Signal(), Signal()
    m.domains.gated = gated = ClockDomain()
    m.d.comb += gated.clk.eq(ClockSignal() & enable)
    m.d.gated += kept.eq(~kept)
    return m


def divided_clock():
    m, kept = Module(), Signal()
    m.domains.half = half = ClockDomain()
    m.d.sync += half.clk.eq(~half.clk)
    m.d.half += kept.eq(~kept)
    return m


def loop():
    m, a, b = Module(), Signal(8), Signal(8)
    m.submodules.inner = inner = Module()
    m.d.comb += a.eq(b + 1)
    inner.d.comb += b.eq(a - 1)
    return m


def loop_for_the_netlist():
    """The choice never closes the loop; the netlist doesn't see that."""
    m, choose, a, b = Module(), Signal(), Signal(8), Signal(8)
    m.d.comb += [a.eq(Mux(choose, b, 1) + 1), b.eq(Mux(choose, 2, a) + 1)]
    return m


REFUSED = [
    (instance, r"instance of 'PLL' at {HERE}:\d+; replace it by an Amaranth model"),
    (buffer, r"instance of 'IOBuffer' at {HERE}:\d+; replace it by"),
    (library_buffer, r"instance of 'IOBuffer' at .*io\.py:\d+; replace it by"),
    (statement(lambda a: Print(Format("{}", a))),
     r"no Print statements, such as that at {HERE}:\d+; check or print from a testbench"),
    (statement(Assert), r"no Assert statements, such as that at {HERE}:\d+; check"),
    (statement(Assume, "comb"), r"no Assume statements, such as that at {HERE}:\d+; check"),
    (statement(Cover), r"no Cover statements, such as that at {HERE}:\d+; check"),
    (value(lambda: AnyConst(4)), r"no values such as \(anyconst .*\) at {HERE}:\d+; drive"),
    (value(lambda: AnySeq(4)), r"no values such as \(anyseq .*\) at {HERE}:\d+; drive a signal"),
    (value(Initial), r"no values such as \(initial\) at {HERE}:\d+; drive a signal"),
    (gated_clock, r"clock of the register at {HERE}:\d+ is driven by logic .*\(use a clock enable"),
    (divided_clock, r"clock of the register at {HERE}:\d+ is driven by logic .*\(use a clock enab"),
    (loop, r"(?s)no combinational cycles; break this one with a register, .*{HERE}:\d+: operator"),
    (loop_for_the_netlist, r"(?s)no combinational cycles; break this one .*{HERE}:\d+: operator"),
]


@pytest.mark.parametrize(("make", "text"), REFUSED)
def test_refused(make, text, monkeypatch):
    """With "compiled" it is an error; with "auto" one warning, and Amaranth's simulator runs it."""
    monkeypatch.delenv("VAPIC_ENGINE", raising=False)
    text = text.replace("{HERE}", HERE)
    with pytest.raises(Unsupported, match=text) as caught:
        Simulator(make(), engine="compiled")
    said = str(caught.value)
    assert said == said.strip() and ("engine=\"python\"" in said or "replace it" in said)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            sim = Simulator(make())
        except Exception as error:
            # Some of these Amaranth's simulator can't do either; then the error is its own.
            sim = None
            assert not isinstance(error, Unsupported)
    (warning,) = told
    assert warning.category is EngineWarning and warning.filename == __file__
    assert said[:60] in str(warning.message)
    assert sim is None or sim.engine == "python"
