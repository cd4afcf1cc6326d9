"""Waveforms of both engines: same names, same values, same times."""

import enum as plain_enum

import pytest
from amaranth.hdl import Array, Cat, ClockDomain, Module, Mux, ResetSignal, Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vapic import Config
from vapic.controller import Controller
from vapic.regs import address
from vapic_sim.machine.bus import BusMaster

from .twins import ENGINES, Design, build
from .waves import history, record


class Mode(enum.Enum, shape=2):
    IDLE = 0
    RUN = 1
    STOP = 3


class Plain(plain_enum.Enum):
    OFF = 0
    ON = 1


PAIR = data.StructLayout({"low": 4, "mode": Mode, "steps": data.ArrayLayout(signed(3), 2)})


def shapes():
    """Structs, enumerations, wide and signed signals, arrays and decoders, in nested modules."""
    m, inner = Module(), Module()
    m.submodules.inner = inner
    m.submodules.unnamed = Module()
    count = Signal(8)
    wide = Signal(130)
    down = Signal(signed(5), init=-3)
    pair = Signal(PAIR)
    next_pair = Signal(PAIR)
    mode = Signal(Mode)
    plain = Signal(Plain)
    told = Signal(2, init=2, decoder=lambda value: f"state {value}")
    fixed = Signal(2, decoder=lambda value: f"fixed/{value}")
    lanes = Array(Signal(3, name=f"lane{i}") for i in range(3))
    m.d.sync += [count.eq(count + 1), wide.eq(Cat(count, wide)), down.eq(down - 1),
                 pair.eq(next_pair), lanes[count % 3].eq(count)]
    inner.d.comb += [next_pair.as_value().eq(count * 37), mode.eq(Mux(count[1], Mode.STOP,
                     Mode.RUN)), plain.eq(count[2]), told.eq(count[3:]), fixed.eq(3)]
    inner.d.sync += (shadow := Signal(signed(70))).eq(down * wide[:70])
    return Design(m, count=count, pair=pair, mode=mode, lanes=lanes, shadow=shadow)


async def some_ticks(ctx, dut, log):
    await ctx.tick().repeat(40)


def test_shapes(tmp_path):
    seen = record(tmp_path, shapes, some_ticks,
                  traces=lambda dut: {"pairs": [dut.pair, dut.mode], "more": (dut.lanes[0],)})
    assert seen["bench.top.inner.mode"][0] == "String"
    assert [value for _, value in seen["bench.top.inner.mode"][2]][:3] == ["RUN", "STOP", "RUN"]
    assert seen["bench.top.inner.told"][2][0] == (0, "state 0")
    assert seen["bench.top.inner.fixed"][2] == [(0, "fixed/3")]
    assert len(seen["bench.top.\\pair.mode"][2]) > 5
    assert max(value for _, value in seen["bench.top.wide"][2]).bit_length() > 128


class Port(wiring.Component):
    """A component with ports, one of them a struct."""

    request: In(wiring.Signature({"valid": Out(1), "pair": Out(PAIR)}))
    answer: Out(PAIR)

    def elaborate(self, platform):
        m = Module()
        m.submodules.part = part = Module()
        part.d.sync += (kept := Signal(PAIR)).eq(self.request.pair)
        m.d.comb += self.answer.eq(kept)
        return m


def test_ports_and_signals_outside(tmp_path):
    """Traced signals that the design doesn't have, of which a bench sets one."""
    outside = Signal(PAIR)
    still = Signal(70, init=1 << 69)

    async def bench(ctx, dut, log):
        for i in range(6):
            ctx.set(dut.request.pair, {"low": i, "mode": Mode.RUN if i & 1 else Mode.IDLE})
            ctx.set(outside, {"low": 15 - i, "steps": [i % 4, -1]})
            await ctx.tick()

    seen = record(tmp_path, Port, bench, traces=lambda dut: [dut, {"outside": outside}, still])
    assert len(seen["bench.\\outside.low"][2]) == 6 and len(seen["bench.still"][2]) == 1
    assert len(seen["bench.top.answer"][2]) == 6


@pytest.mark.parametrize("shape", [8, PAIR, signed(70)], ids=["plain", "struct", "wide"])
def test_memories(tmp_path, shape):
    """Rows written by the hardware, and by a bench."""
    def make():
        m = Module()
        m.submodules.store = store = Memory(shape=shape, depth=5, init=[])
        write, read = store.write_port(), store.read_port(domain="comb")
        m.d.sync += (at := Signal(3)).eq(at + 1)
        m.d.comb += [write.addr.eq(at), write.en.eq(at[0]), read.addr.eq(at),
                     Cat(write.data).eq(Cat(at, at, ~at, at))]
        return Design(m, store=store)

    async def bench(ctx, dut, log):
        row = Cat(dut.store.data[4])
        for i in range(10):
            await ctx.tick()
            ctx.set(row, i * 3)
            await ctx.delay(3e-7)
            ctx.set(row[1:3], i)

    seen = record(tmp_path, make, bench, traces=lambda dut: [dut.store.data, dut.store.data[2]])
    assert len(seen["bench.top.\\store.[4]"][2]) > 10
    assert len(seen["bench.top.\\store.[3]"][2]) == 2


def test_clocks(tmp_path):
    """Two clocks, both edges, an asynchronous reset, and a clock that a bench makes."""
    def make():
        m = Module()
        m.domains.sync = ClockDomain()
        m.domains.down = ClockDomain(clk_edge="neg", reset_less=True)
        m.domains.other = ClockDomain(async_reset=True)
        m.domains.hand = hand = ClockDomain()
        counts = []
        for domain in ("sync", "down", "other", "hand"):
            counts.append(count := Signal(8, name=f"count_{domain}"))
            m.d[domain] += count.eq(count + 1)
        total = Signal(9)
        m.d.comb += [total.eq(counts[0] + counts[2]), ResetSignal("other").eq(counts[0][2])]
        return Design(m, hand=hand)

    async def bench(ctx, dut, log):
        for _ in range(12):
            await ctx.delay(2.3e-7)
            ctx.set(dut.hand.clk, 1)
            await ctx.tick("other")
            ctx.set(dut.hand.clk, 0)
            ctx.set(dut.hand.rst, ~ctx.get(dut.hand.rst))

    record(tmp_path, make, bench, clocks={"sync": 1e-6, "down": {"period": 7e-7, "phase": 1e-7},
                                          "other": 1.3e-6})


def test_two_files(tmp_path):
    """Of one run, with different traces; values seen only by the writer are no less right."""
    extra = Signal(3, name="extra")
    for engine in ENGINES:
        sim, *_ = build(engine, shapes, some_ticks)
        with sim.write_vcd(str(tmp_path / f"{engine}1.vcd")), \
                sim.write_vcd(str(tmp_path / f"{engine}2.vcd"), traces=[extra]):
            sim.run()
    first, second, third, fourth = (history(tmp_path / f"{engine}{i}.vcd")[0]
                                    for engine in ENGINES for i in (1, 2))
    assert first == third and second == fourth and set(second) - set(first) == {"bench.extra"}


def test_controller(tmp_path):
    """Some hundred cycles of a small controller, with traffic on its bus and lines."""
    def make():
        return Controller(Config(rtes=1, irts=0, vcpus=1, lanes=1, domains=2, ports=32, vectors=32))

    async def bench(ctx, dut, log):
        bus = BusMaster(dut.bus)
        await bus.write(ctx, address("VCPU_CTL", 0), 1)
        await bus.write(ctx, address("LAPIC_SVR", 0), 0x1FF)
        await bus.write(ctx, address("IOA_REGSEL"), 0x10)
        await bus.write(ctx, address("IOA_WIN"), 0x8011)
        for level in (1, 0, 1):
            ctx.set(dut.pin, level)
            await ctx.tick().repeat(20)
            await bus.read(ctx, address("LAPIC_INTA", 0))

    seen = record(tmp_path, make, bench, clocks={"sync": 1e-8})
    assert len(seen) > 1000 and len(seen["bench.top.irq"][2]) > 1
