"""Designs nobody here wrote: Amaranth's library, and a RISC-V processor that runs a program."""

import random
import warnings

import pytest
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import cdc, fifo
from amaranth.lib.crc import catalog

from .riscv import assemble
from .twins import Design, both


def push_and_pull(seed, cycles, write="sync", read="sync"):
    """Two benches at the ends of a queue, which tell all of its ports and check the data."""
    async def writer(ctx, dut, log):
        rng = random.Random(seed)
        for _ in range(cycles):
            ctx.set(dut.fifo.w_data, rng.getrandbits(dut.fifo.width))
            ctx.set(dut.fifo.w_en, rng.random() < rng.choice([0.2, 0.9]))
            ready, en, value, level = (await ctx.tick(write).sample(
                dut.fifo.w_rdy, dut.fifo.w_en, dut.fifo.w_data, dut.fifo.w_level))[2:]
            log(ctx, "write", ready, en, value, level, ctx.get(dut.fifo.w_rdy))
            if ready and en:
                dut.sent.append(value)
        ctx.set(dut.fifo.w_en, 0)

    async def reader(ctx, dut, log):
        rng = random.Random(~seed)
        for cycle in range(cycles):
            ctx.set(dut.fifo.r_en, rng.random() < (0.1 if cycle % 100 < 50 else 0.9))
            ready, en, value, level = (await ctx.tick(read).sample(
                dut.fifo.r_rdy, dut.fifo.r_en, dut.fifo.r_data, dut.fifo.r_level))[2:]
            log(ctx, "read", ready, en, value, level)
            if ready and en:
                assert value == dut.sent.pop(0)
        ctx.set(dut.fifo.r_en, 0)
    return writer, reader


def queue(kind, *domains, **options):
    def make():
        m = Module()
        m.domains += [ClockDomain(name, async_reset=name == "read") for name in domains]
        m.submodules.fifo = unit = kind(**options)
        return Design(m, fifo=unit, sent=[])
    return make


@pytest.mark.parametrize("kind", [fifo.SyncFIFO, fifo.SyncFIFOBuffered])
@pytest.mark.parametrize("width,depth", [(8, 1), (8, 5), (33, 8), (130, 3)])
def test_queues(kind, width, depth):
    both(queue(kind, width=width, depth=depth), *push_and_pull(depth, 200))


@pytest.mark.parametrize("kind", [fifo.AsyncFIFO, fifo.AsyncFIFOBuffered])
@pytest.mark.parametrize("write,read", [(1e-6, 1e-6), (1e-6, 2.7e-6), (3.1e-6, 1e-6),
                                        (2e-6, 4e-6)])
def test_queues_between_clocks(kind, write, read):
    both(queue(kind, "write", "read", width=12, depth=8),
         *push_and_pull(3, 150, "write", "read"), clocks={"write": write, "read": read})


ALGORITHMS = ["CRC3_GSM", "CRC5_USB", "CRC8_AUTOSAR", "CRC16_ARC", "CRC16_MODBUS", "CRC24_BLE",
              "CRC32_ISO_HDLC", "CRC64_XZ", "CRC82_DARC"]


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("width", [1, 32])
def test_crc(name, width):
    data = [random.Random(name).getrandbits(width) for _ in range(40)]
    parameters = getattr(catalog, name)(data_width=width)

    def make():
        m = Module()
        m.submodules.crc = crc = parameters.create()
        return Design(m, unit=crc)

    async def bench(ctx, dut, log):
        unit = dut.unit
        for index, word in enumerate(data):
            ctx.set(unit.start, index == 0)
            ctx.set(unit.data, word)
            ctx.set(unit.valid, 1)
            log(ctx, await ctx.tick().sample(unit.crc, unit.match_detected), ctx.get(unit.crc))
        ctx.set(unit.valid, 0)
        assert ctx.get(unit.crc) == parameters.compute(data)

    both(make, bench)


def crossings():
    """Synchronisers of all kinds, from one domain to another and back."""
    m = Module()
    m.domains += ClockDomain("a"), ClockDomain("b", async_reset=True), ClockDomain("c")
    raw, wide, arst, pulse = Signal(), Signal(9, init=5), Signal(), Signal()
    out, wide_out, flag = Signal(), Signal(9), Signal()
    m.submodules += [cdc.FFSynchronizer(raw, out, o_domain="b"),
                     cdc.FFSynchronizer(wide, wide_out, o_domain="b", stages=4, init=3,
                                        reset_less=False),
                     cdc.AsyncFFSynchronizer(arst, flag, o_domain="a", stages=3),
                     cdc.ResetSynchronizer(arst, domain="b"),
                     cdc.ResetSynchronizer(arst, domain="c", stages=3)]
    m.submodules.pulses = pulses = cdc.PulseSynchronizer("a", "b")
    m.submodules.back = back = cdc.PulseSynchronizer("b", "c")
    m.d.comb += [pulses.i.eq(pulse), back.i.eq(pulses.o)]
    counts = [Signal(6, name=f"count_{name}", init=7) for name in "abc"]
    m.d.a += counts[0].eq(counts[0] + pulse)
    m.d.b += counts[1].eq(counts[1] + pulses.o)
    m.d.c += counts[2].eq(counts[2] + back.o + 1)
    return Design(m, raw=raw, wide=wide, arst=arst, pulse=pulse,
                  seen=[out, wide_out, flag, pulses.o, back.o, *counts])


@pytest.mark.parametrize("a,b,c", [(1e-6, 1e-6, 1e-6), (1e-6, 0.7e-6, 2.3e-6),
                                   (2e-6, 1e-6, 4e-6)])
@pytest.mark.parametrize("resets", [False, True])
def test_crossings(a, b, c, resets):
    async def bench(ctx, dut, log):
        rng = random.Random(5)
        for cycle in range(80):
            ctx.set(dut.raw, rng.random() < 0.4)
            ctx.set(dut.wide, rng.getrandbits(9))
            ctx.set(dut.pulse, cycle % 5 == 0)
            if resets:
                await ctx.delay(0.1e-6)
                ctx.set(dut.arst, rng.random() < 0.1)
            log(ctx, *await ctx.tick("a").sample(*dut.seen))
            log(ctx, *(ctx.get(signal) for signal in dut.seen))

    async def follow(ctx, dut, log):
        async for hit in ctx.tick("b").sample(*dut.seen):
            log(ctx, "b", hit)

    both(crossings, bench, background=[] if resets else [follow], clocks={"a": a, "b": b, "c": c})


PROGRAM = """
        jal x0, start
        .word 0x12345678
        .word -559038737
handler:                        # at 12
        csrrs x20, mcause, x0
        sw x20, x9, 64
        addi x21, x21, 1
        mret
start:
        addi x9, x0, 1024
        addi x1, x0, 12
        csrrw x0, mtvec, x1
        lui x1, 1               # mie.meie = bit 11
        srli x1, x1, 1
        csrrw x0, mie, x1
        addi x1, x0, 8
        csrrs x0, mstatus, x1
        addi x2, x0, 0          # Fibonacci numbers
        addi x3, x0, 1
        addi x4, x0, 14
next:   add x5, x2, x3
        addi x2, x3, 0
        addi x3, x5, 0
        addi x4, x4, -1
        bne x4, x0, next
        sw x2, x9, 0
        lw x6, x0, 8            # a generator of random bits, and every shift and comparison
        addi x4, x0, 10
again:  slli x7, x6, 13
        xor x6, x6, x7
        srli x7, x6, 17
        xor x6, x6, x7
        sll x7, x6, x4
        sra x8, x6, x4
        xor x6, x7, x8
        slt x10, x6, x7
        sltu x11, x8, x6
        sub x12, x10, x11
        sb x6, x9, 4
        sb x12, x9, 7
        sh x8, x9, 8
        lb x13, x9, 4
        lbu x14, x9, 7
        lh x15, x9, 8
        or x6, x6, x13
        andi x16, x14, 85
        add x6, x6, x15
        sw x6, x9, 12
        addi x4, x4, -1
        bgeu x4, x16, more
        auipc x17, 0
        sw x17, x9, 16
more:   blt x0, x4, again
        sw x21, x9, 20          # number of interrupts
        sw x6, x9, 96           # the end
stop:   jal x0, stop
"""


def processor():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of the tools that assemble its microcode
        from sentinel_cpu.top import Top

        return Top()


@pytest.mark.parametrize("wait", [0, 3])
def test_sentinel(wait):
    """The whole trace of the bus while it computes, stores, and answers interrupts."""
    words = dict(enumerate(assemble(PROGRAM)))

    async def memory(ctx, dut, log):
        content, cycles = dict(words), 0
        bus = dut.bus
        while True:
            adr, we, sel, dat_w = await ctx.tick().sample(
                bus.adr, bus.we, bus.sel, bus.dat_w).until(bus.cyc & bus.stb)
            for _ in range(wait):
                await ctx.tick()
            log(ctx, adr, we, sel, dat_w if we else 0)
            if we:
                mask = sum(0xFF << 8 * lane for lane in range(4) if sel >> lane & 1)
                content[adr] = content.get(adr, 0) & ~mask | dat_w & mask
                ctx.set(dut.irq, adr == 256 and not ctx.get(dut.irq))
            ctx.set(bus.dat_r, content.get(adr, 0))
            ctx.set(bus.ack, 1)
            await ctx.tick()
            ctx.set(bus.ack, 0)
            cycles += 1
            assert cycles < 5000
            if we and adr == 256 + 24:
                break
        log(ctx, sorted(content.items()))
        assert content[256] == 377 and content[256 + 5] == 1

    log = both(processor, memory)
    assert len(log) > 300
