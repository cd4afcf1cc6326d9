"""Rules of the specification, each against its sentence, for all values."""

from itertools import product

import pytest
from amaranth import Module, Signal
from amaranth.lib import data

from vapic import rules
from vapic.layouts import Mode
from vapic_sim.engine import Simulator


def table(inputs, value, cases):
    """Values of a combinational expression, a case each."""
    m, out, found = Module(), Signal(32), []
    m.d.comb += out.eq(value)

    async def bench(ctx):
        for case in cases:
            for signal, number in zip(inputs, case, strict=True):
                ctx.set(signal, number)
            found.append(ctx.get(out))

    sim = Simulator(m)
    sim.add_testbench(bench)
    sim.run()
    return found


def test_dynamic():
    entry = Signal(data.StructLayout({"mode": Mode, "force_dyn": 1, "force_static": 1}))
    dyn_off = Signal()
    cases = list(product(range(8), (0, 1), (0, 1), (0, 1)))
    found = table([entry.mode.as_value(), entry.force_dyn, entry.force_static, dyn_off],
                  rules.dynamic(entry, dyn_off), cases)
    assert found == [(mode == 1 or (mode == 0 and force_dyn)) and not force_static and not off
                     for mode, force_dyn, force_static, off in cases]


def test_effective_level():
    trigger, mode = Signal(), Signal(Mode)
    cases = list(product((0, 1), range(8)))
    found = table([trigger, mode.as_value()], rules.effective_level(trigger, mode), cases)
    assert found == [trigger and mode < 2 for trigger, mode in cases]


@pytest.mark.parametrize("vectors", [32, 64, 128, 256])
def test_legal_vector(vectors):
    vector = Signal(8)
    found = table([vector], rules.legal_vector(vector, vectors), [(v,) for v in range(256)])
    assert found == [16 <= v < vectors for v in range(256)]


def test_load():
    out, count = Signal(8), Signal(8)
    cases = [(0, 0), (255, 0), (128, 127), (128, 128), (255, 255), (3, 9)]
    assert table([out, count], rules.load(out, count), cases) == [
        min(255, a + b) for a, b in cases]


def test_saturate():
    value = Signal(10)
    cases = [(0,), (15,), (16,), (31,), (1023,)]
    assert table([value], rules.saturate(value, 4), cases) == [min(15, v) for v, in cases]
