"""Bus agents against a small responder with wait states."""

import random

import pytest
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from vapic.config import Config
from vapic.layouts import Layouts
from vapic_sim.harness import simulate
from vapic_sim.machine.bus import BusError, BusMaster, SharedBus
from vapic_sim.machine.msi import MsiDevice

pytestmark = pytest.mark.simulates


class Responder(wiring.Component):
    """16 words at 0, error elsewhere, none at 0x1000; as many waits as adr[2:4] says."""

    bus: In(Layouts(Config()).bus)
    pin: In(5)
    #: Accesses begun and not yet ended by the master that changed a field meanwhile.
    broken: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = Memory(shape=32, depth=16, init=[])
        write, read = words.write_port(), words.read_port(domain="comb")
        bus, count, held = self.bus, Signal(3), Signal(64)
        fields = (bus.adr ^ bus.dat_w << 3) + (bus.vmm << 50) + (bus.dom << 51) + (bus.vcpu << 55)
        active = bus.cyc & bus.stb
        answer = active & (count == bus.adr[2:4]) & (bus.adr != 0x1000)
        good = bus.adr[6:] == 0
        m.d.comb += [
            write.addr.eq(bus.adr[2:]), read.addr.eq(bus.adr[2:]), write.data.eq(bus.dat_w),
            write.en.eq(answer & bus.we & good & (bus.sel == 0xF)),
            bus.ack.eq(answer & good), bus.err.eq(answer & ~good), bus.dat_r.eq(read.data),
        ]
        m.d.sync += count.eq(0)
        with m.If(active & ~answer):
            m.d.sync += [count.eq(count + 1), held.eq(fields)]
        with m.If((count != 0) & (~active | (fields != held))):
            m.d.sync += self.broken.eq(1)
        return m


def test_one_master():
    dut = Responder()
    seen = {}

    async def bench(ctx):
        vmm = BusMaster(dut.bus, limit=30)
        guest = BusMaster(dut.bus, vmm=False, dom=3, vcpu=5)
        await vmm.write(ctx, 0x8, 0xFFFFFFFF)
        assert (ctx.get(dut.bus.vmm), ctx.get(dut.bus.stb), ctx.get(dut.bus.cyc)) == (1, 0, 0)
        await vmm.write(ctx, 0x8, 0, sel=0b0001)
        assert await guest.read(ctx, 0x8) == 0xFFFFFFFF
        assert [ctx.get(getattr(dut.bus, name)) for name in ("vmm", "dom", "vcpu")] == [0, 3, 5]
        await vmm.read(ctx, 0x0)
        with pytest.raises(BusError, match=r"^guest \(domain 3, vCPU 5\): read of 0x40: "):
            await guest.read(ctx, 0x40)
        with pytest.raises(BusError, match=r"VMM \(domain 0, vCPU 0\): write of 0x7 to 0x44: "):
            await vmm.write(ctx, 0x44, 7)
        assert not ctx.get(dut.broken)
        with pytest.raises(TimeoutError, match="read of 0x1000 not answered in 30 cycles"):
            await vmm.read(ctx, 0x1000)
        assert await vmm.read(ctx, 0x8) == 0xFFFFFFFF
        seen["done"] = True

    simulate(dut, bench)
    assert seen


def test_shared_bus_serves_testbenches_in_turn():
    """Every access gets its own answer, errors give the turn back, nobody starves."""
    dut, rounds, order = Responder(), 40, []
    shared = SharedBus(dut.bus)

    def master(k):
        async def bench(ctx):
            rng, me = random.Random(k), shared.master(vmm=k % 2, dom=k, vcpu=k)
            for _ in range(rounds):
                await ctx.tick().repeat(1 + (rng.randrange(12) if k else 0))
                await me.write(ctx, 0x10 + 4 * k, await me.read(ctx, 0x10 + 4 * k) + 1)
                order.append(k)
                if rng.random() < 0.3:
                    with pytest.raises(BusError, match=f"domain {k}, vCPU {k}"):
                        await me.read(ctx, 0x80)
            order.append(None)
            while order.count(None) < 4:
                await ctx.tick()
            assert await me.read(ctx, 0x10 + 4 * k) == rounds
            assert not ctx.get(dut.broken)
        return bench

    simulate(dut, *[master(k) for k in range(4)])
    assert [order.count(k) for k in range(4)] == [rounds] * 4
    # The greedy master 0 does not keep the others out.
    assert max(order.index(k) for k in range(4)) < 8


def test_msi_message():
    dut = Responder()
    master, sent = BusMaster(dut.bus), []

    async def write(ctx, address, value):
        sent.append((address, value))

    master.write = write

    async def bench(ctx):
        await MsiDevice(master, 3).send(ctx, 2)
        await MsiDevice(master, 0x8001).send(ctx)

    simulate(dut, bench)
    assert sent == [(0xFEE00078, 2), (0xFEE00034, 0)]
    # MSI-04: handle = {addr[2], addr[19:5]}, index = handle + (addr[3] ? data : 0).
    rng = random.Random(1)
    for _ in range(200):
        handle, sub = rng.getrandbits(16), rng.choice([None, rng.getrandbits(16)])
        address, data = MsiDevice(master, handle).message(sub)
        assert address >> 20 == 0xFEE and address >> 4 & 1 and not address & 3
        got = (address >> 2 & 1) << 15 | address >> 5 & 0x7FFF
        assert got + (data if address >> 3 & 1 else 0) == handle + (sub or 0)


@pytest.mark.parametrize("bad", [-1, 0x10000])
def test_msi_wrong(bad):
    with pytest.raises(ValueError, match=r"^handle must be 0\.\.0xffff"):
        MsiDevice(None, bad)
    with pytest.raises(ValueError, match=r"^subhandle must be 0\.\.0xffff"):
        MsiDevice(None, 0).message(bad)
