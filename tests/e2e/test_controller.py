"""The controller as a whole: sizes, initialisation, idle."""

import pytest
from amaranth.hdl import Fragment

from vapic import Config
from vapic.controller import Controller
from vapic.regs import address
from vapic_sim.harness import simulate
from vapic_sim.machine.bus import BusMaster
from vapic_sim.verify.rig import Rig


@pytest.mark.parametrize("vcpus", [1, 2, 16, 64, 512])
def test_elaborates(vcpus):
    Fragment.get(Controller(Config.for_vcpus(vcpus)), platform=None).prepare()


@pytest.mark.parametrize("config", [
    Config(rtes=1, irts=0, vcpus=1, lanes=1, domains=2, ports=32, vectors=32),
    Config.for_vcpus(16, ports=128),
    Config(rtes=3, irts=2, vcpus=5, lanes=3, domains=2, ports=96, vectors=64, msi_bus=True),
], ids=["smallest", "16", "odd"])
def test_initialises_itself_in_time_and_bus_waits(config):
    """GEN-06: ready within the bound, bus accesses wait for it; then all is idle."""
    c = config
    dut = Controller(c)
    bound = (16 * c.vcpus + 4 * c.domains * c.ports + 4 * c.pirqs * -(-c.lanes // 16) + 64)
    cycles = 0

    async def count(ctx):
        nonlocal cycles
        while not ctx.get(dut.ready):
            assert not (ctx.get(dut.irq) or ctx.get(dut.upcall) or ctx.get(dut.wake))
            await ctx.tick()
            cycles += 1

    async def bench(ctx):
        bus = BusMaster(dut.bus)
        assert await bus.read(ctx, address("ID")) == 0x44445631
        assert ctx.get(dut.ready)
        for v in range(c.vcpus):
            ctl = await bus.read(ctx, address("VCPU_CTL", v))
            assert ctl == v // c.lanes << 4 | v % 256 << 8 | v % c.lanes << 24
        await ctx.tick().repeat(4)
        assert ctx.get(dut.idle) and not ctx.get(dut.next_valid)

    simulate(dut, bench, background=[count])
    assert 0 < cycles <= bound


def test_line_activity_during_initialisation_is_kept():
    """GEN-06, for a level that is still there: delivered once the entry is set up."""
    dut = Controller(Config(rtes=2, irts=0, vcpus=1, lanes=1, domains=2, ports=32))

    async def bench(ctx):
        ctx.set(dut.pin, 1)
        bus = BusMaster(dut.bus)
        await bus.write(ctx, address("VCPU_CTL", 0), 1)
        await bus.write(ctx, address("LAPIC_SVR", 0), 0x1FF)
        await bus.write(ctx, address("IOA_REGSEL"), 0x10)
        await bus.write(ctx, address("IOA_WIN"), 0x8031)
        for _ in range(60):
            await ctx.tick()
        assert ctx.get(dut.irq) == 1

    simulate(dut, bench)


def test_idle_promises_that_nothing_changes():
    """GEN-07: with idle seen and inputs still, outputs and idle stay for 2,000 cycles."""
    dut = Controller(Config(rtes=2, irts=2, vcpus=2, lanes=2, domains=2, ports=32))

    async def bench(ctx):
        bus = BusMaster(dut.bus)
        await bus.write(ctx, address("VCPU_CTL", 0), 1)
        await bus.write(ctx, address("IOA_REGSEL"), 0x10)
        await bus.write(ctx, address("IOA_WIN"), 0x0031)
        ctx.set(dut.pin, 1)             # parks: no vCPU is enabled
        await ctx.tick().repeat(3)
        while not ctx.get(dut.idle):
            await ctx.tick()
        before = [ctx.get(getattr(dut, name)) for name in ("irq", "upcall", "wake", "frozen")]
        for cycle in range(2_000):
            ctx.set(dut.now, cycle)
            await ctx.tick()
            assert ctx.get(dut.idle)
            assert before == [ctx.get(getattr(dut, name))
                              for name in ("irq", "upcall", "wake", "frozen")]

    simulate(dut, bench)


@pytest.mark.parametrize("place", [address("CTRL"), address("VCPU_SCHED", 0)])
def test_idle_waits_for_what_is_parked_to_be_looked_at_anew(place):
    """GEN-07: a parameter or a vCPU that changes may serve it, so idle rises once, after that."""
    dut = Controller(Config(rtes=2, irts=2, vcpus=2, lanes=2, domains=2, ports=32))

    async def bench(ctx):
        bus, takes = BusMaster(dut.bus), 0
        await bus.write(ctx, address("VCPU_CTL", 0), 1)
        await bus.write(ctx, address("IOA_REGSEL"), 0x10)
        await bus.write(ctx, address("IOA_WIN"), 0x0031)
        ctx.set(dut.pin, 1)
        await ctx.tick().repeat(60)
        await bus.write(ctx, place, 1)
        seen = []
        for _ in range(60):
            seen.append(ctx.get(dut.idle))
            takes += ctx.get(dut.dispatch.requests.take)
            await ctx.tick()
        assert takes == 1 and seen == sorted(seen) and seen[-1]

    simulate(dut, bench)


def test_a_count_is_read_with_all_that_was_decided_before():
    """In any cycle of a selection that parks; the golden model judges what each read shows."""
    rig, seen = Rig(Config(rtes=1, irts=0, vcpus=1, lanes=1, domains=2, ports=32)), set()

    async def scenario(rig):
        await rig.setup(1)
        await rig.rte(0, vector=0x61, level=1, dest=5)      # nobody's
        for delay in range(30):
            rig.line(0, 1)
            await rig.ticks(delay)
            seen.add(await rig.read("PARKED") - delay)
            await rig.settle()
            rig.line(0, 0)
            await rig.settle()

    rig.run(scenario)
    assert seen == {0, 1}


def test_pin_change_ends_idle_at_once():
    """GEN-07: idle falls with the input, before the synchroniser has seen it."""
    dut = Controller(Config(rtes=2, irts=2, vcpus=2, lanes=2, domains=2, ports=32))

    async def bench(ctx):
        while not ctx.get(dut.idle):
            await ctx.tick()
        ctx.set(dut.pin, 2)
        for _ in range(2):
            assert not ctx.get(dut.idle)
            await ctx.tick()

    simulate(dut, bench)
