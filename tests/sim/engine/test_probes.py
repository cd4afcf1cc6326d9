"""Signals that are kept in memory for testbenches, and those that are computed when looked at."""

import pytest
from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vapic_sim.engine import Simulator
from vapic_sim.engine.cache import Cache

from .twins import Design, Log, both, compare

PAIR = data.StructLayout({"low": 4, "high": signed(4)})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The build cache, empty."""
    monkeypatch.setenv("VAPIC_CACHE", str(tmp_path))
    return Cache()


class Sums(wiring.Component):
    """Registers with combinational signals behind them that are neither ports nor looked at."""

    step: In(8)
    out: Out(8)

    def __init__(self):
        super().__init__()
        self.count = Signal(8)
        self.total = Signal(9)
        self.wide = Signal(150)
        self.pair = Signal(PAIR)
        self.high = Signal()
        self.nothing = Signal(4)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += [self.count.eq(self.count + self.step), self.out.eq(self.total >> 1)]
        total = self.count + self.step      # no signal, so that all of these change together
        m.d.comb += [
            self.total.eq(total), self.high.eq(self.total[7]),
            self.wide.eq(Cat(total * self.count, ~total) << 113), self.pair.low.eq(total),
            self.pair.high.eq(self.count - self.step),
            self.nothing.eq(0)]
        return m


def hidden(dut):
    return dut.total, dut.wide, dut.pair, dut.high, dut.nothing


async def gets(ctx, dut, log):
    for step in (1, 3, 200, 77, 0):
        ctx.set(dut.step, step)
        log(ctx, *(ctx.get(value) for value in hidden(dut)), ctx.get(dut.total[3:] + dut.pair.low))
        await ctx.tick()
        log(ctx, *(ctx.get(value) for value in hidden(dut)))


async def untils(ctx, dut, log):
    ctx.set(dut.step, 5)
    log(ctx, await ctx.tick().sample(dut.count, dut.pair).until(dut.total == 60))
    log(ctx, await ctx.tick().sample(dut.wide).until(dut.high))
    log(ctx, await ctx.tick().sample(*hidden(dut)).until(dut.wide[130:] == 0x1FF - 190))


async def samples(ctx, dut, log):
    ctx.set(dut.step, 9)
    log(ctx, *await ctx.tick().sample(*hidden(dut)).repeat(5))
    log(ctx, *await ctx.delay(2.1e-6).sample(*hidden(dut)))
    async for values in ctx.tick().sample(dut.total, dut.pair):
        log(ctx, *values)
        if values[2] > 100:
            break


async def changes(ctx, dut, log):
    ctx.set(dut.step, 3)
    log(ctx, await ctx.posedge(dut.high).sample(dut.total))
    log(ctx, await ctx.changed(dut.pair).sample(dut.wide))
    log(ctx, await ctx.edge(dut.total[2], 1).sample(dut.pair))
    for _ in range(3):
        log(ctx, await ctx.changed(dut.wide, dut.pair))


BENCHES = pytest.mark.parametrize("bench", [gets, untils, samples, changes])


@BENCHES
def test_looked_at(bench, cache):
    """The library of all signals is made at the first look, once."""
    both(Sums, bench)
    assert {entry.name for entry in cache.entries()} == {"Sums", "Sums, all signals"}
    both(Sums, bench)
    assert len(cache.entries()) == 2


@BENCHES
def test_probed(bench, cache):
    """The same benches without that library, and the same values."""
    logs = []
    for engine, probes in (("python", hidden), ("compiled", hidden)):
        dut, log = Sums(), Log()
        sim = Simulator(dut, engine=engine, probes=probes(dut))
        sim.add_clock(1e-6)

        async def run(ctx, dut=dut, log=log):
            await bench(ctx, dut, log)

        sim.add_testbench(run)
        sim.run()
        logs.append(log.entries)
    compare(*logs)
    assert [entry.name for entry in cache.entries()] == ["Sums"]


def made(cache, *probes):
    """How many entries of the cache there are, when there is a model with these probes too."""
    dut = Sums()
    Simulator(dut, engine="compiled", probes=[probe(dut) for probe in probes])
    return len(cache.entries())


def test_probes_are_part_of_the_key(cache):
    assert made(cache) == 1
    assert made(cache, lambda dut: dut.step, lambda dut: dut.out) == 1      # ports are kept anyway
    assert made(cache, lambda dut: dut.total) == 2
    assert made(cache, lambda dut: {"a": [dut.total], "b": ()}) == 2
    assert made(cache, lambda dut: dut.total, lambda dut: dut.pair.low) == 3
    assert made(cache, lambda dut: [dut.pair, dut.total]) == 3
    assert made(cache, lambda dut: dut.pair.low + dut.total[2:]) == 3           # signals of a value
    assert made(cache, lambda dut: Signal(4), lambda dut: 3) == 3           # not of the design


def test_interfaces_and_rows_as_probes(cache):
    m = Module()
    m.submodules.part = part = Sums()
    m.submodules.memory = memory = Memory(shape=8, depth=4, init=[1, 2])
    port = memory.read_port(domain="comb")
    m.d.comb += [part.step.eq(port.data + 1), port.addr.eq(part.count)]
    dut = Design(m, part=part, port=port, memory=memory)
    sim = Simulator(dut, engine="compiled", probes=[part, port, memory.data[1]])
    sim.add_clock(1e-6)
    seen = []

    async def bench(ctx):
        for _ in range(3):
            await ctx.tick()
            seen.append((ctx.get(part.step), ctx.get(port.data), ctx.get(memory.data[1])))

    sim.add_testbench(bench)
    sim.run()
    assert seen == [(1, 0, 2), (1, 0, 2), (2, 1, 2)]
    assert [entry.name for entry in cache.entries()] == ["Design"]


@pytest.mark.parametrize("engine", ["auto", "compiled"])
@pytest.mark.parametrize("probe", ["total", None, 1.5, object, [Signal(), "total"], {"a": {1.5}}])
def test_wrong_probes(engine, probe, monkeypatch):
    monkeypatch.delenv("VAPIC_ENGINE", raising=False)
    with pytest.raises(TypeError, match="a probe is a value, an interface, or a list or dict"):
        Simulator(Sums(), engine=engine, probes=[probe])


def test_after_reset(cache):
    """Values that aren't kept follow a reset of the simulator too."""
    dut, seen = Sums(), []
    sim = Simulator(dut, engine="compiled")
    sim.add_clock(1e-6)

    async def bench(ctx):
        seen.append(ctx.get(dut.total))
        ctx.set(dut.step, 4)
        await ctx.tick().repeat(3)
        seen.append(ctx.get(dut.total))

    sim.add_testbench(bench)
    sim.run()
    sim.reset()
    sim.run()
    assert seen == [0, 16] * 2
