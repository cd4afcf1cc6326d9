"""Global registers over the bus: values, masks, latencies and the error log, one by one."""

import pytest
from amaranth.hdl import ResetInserter, Signal

from vapic.access.errors import ErrorLog
from vapic.access.unit import AccessUnit
from vapic.config import Config
from vapic.layouts import Err
from vapic.regs import REGISTERS, address
from vapic_sim.harness import simulate
from vapic_sim.machine.bus import BusError, BusMaster

SMALL = Config(rtes=4, irts=3, vcpus=5, lanes=3, domains=3, ports=64)
BIG = Config(rtes=120, irts=256, vcpus=512, lanes=32, domains=16, ports=1024,
             policies=("lowpri", "runfirst"))
GLOBALS = [name for name, register in REGISTERS.items() if register.offset >> 12 == 1]
#: Bits that keep what is written to them.
KEPT = {"CTRL": 0x7F, "IOA_OWNER": 0xF, "POLICY": 0xFF, "LPCFG": 0xB, "PULL": 0x1FF,
        "SCHEDRANK": 0xFF}


def run(config, scenario):
    """Run ``scenario(ctx, dut, vmm, reset)`` on an access unit."""
    dut, reset, done = AccessUnit(config), Signal(), []

    async def bench(ctx):
        await scenario(ctx, dut, BusMaster(dut.bus, limit=50), reset)
        done.append(True)

    simulate(ResetInserter(reset)(dut), bench)
    assert done


def place(name):
    return address(name, *[0] * len(REGISTERS[name].strides))


@pytest.mark.parametrize("config", [SMALL, BIG])
def test_values_and_masks(config):
    async def scenario(ctx, dut, vmm, reset):
        sizes = {
            "CAP0": config.vcpus | config.domains << 12 | config.rtes << 20,
            "CAP1": config.ports | config.irts << 16, "NOW": 0x12345678,
        }
        ctx.set(dut.now, 0x12345678)
        for attempt in range(2):
            for name in GLOBALS:
                register = REGISTERS[name]
                initial = register.reset_of(config, *[0] * len(register.dims))
                expected = sizes.get(name, initial)
                assert await vmm.read(ctx, place(name)) == expected, name
            for name in GLOBALS:
                if name == "RRPTR":
                    continue
                before = await vmm.read(ctx, place(name))
                await vmm.write(ctx, place(name), 0xFFFFFFFF, sel=0b0111)
                assert await vmm.read(ctx, place("ERRSTAT")) == 1 << Err.PARTIAL - 1
                await vmm.write(ctx, place("ERRSTAT"), 0xFFFFFFFF)
                assert await vmm.read(ctx, place(name)) == before, name
                await vmm.write(ctx, place(name), 0xFFFFFFFF)
                kept = KEPT.get(name, before) if REGISTERS[name].exists(config) else 0
                assert await vmm.read(ctx, place(name)) == kept, name
                assert await vmm.read(ctx, place("ERRSTAT")) == 0, "ERR-15 is silent"
            # Registers of features not built.
            for offset in (0x102C, 0x1030, 0x1180, 0x1180 + 4 * (config.domains - 1)):
                await vmm.write(ctx, offset, 0xFFFFFFFF)
                assert await vmm.read(ctx, offset) == 0
            if not attempt:
                ctx.set(reset, 1)
                await ctx.tick()
                ctx.set(reset, 0)

    run(config, scenario)


def test_rotation_pointers():
    """A value of N_LANE or more is ignored, however large; each domain has its own."""
    async def scenario(ctx, dut, vmm, reset):
        ctx.set(dut.rrptr, [2, 0, 1])
        assert [await vmm.read(ctx, address("RRPTR", d)) for d in range(3)] == [2, 0, 1]
        for value in (0, 2, 3, 4, 0x102, 0x80000001):
            port = dut.bus
            for name, level in (("adr", address("RRPTR", 1)), ("dat_w", value), ("we", 1),
                                ("sel", 15), ("vmm", 1), ("cyc", 1), ("stb", 1)):
                ctx.set(getattr(port, name), level)
            writes = []
            while True:
                _, _, ack, write = await ctx.tick().sample(port.ack, dut.rrptr_write)
                writes += [(write.dom, write.value)] if write.en else []
                if ack:
                    break
            ctx.set(port.stb, 0)
            assert writes == ([(1, value)] if value < SMALL.lanes else [])

    run(SMALL, scenario)


def test_latency():
    """A global register takes 3 cycles, back to back as well, and one more a cycle of hold."""
    async def scenario(ctx, dut, vmm, reset):
        cycles = []

        async def timed(level):
            ctx.set(dut.hold, level)
            start = ctx.elapsed_time()
            await vmm.write(ctx, place("POLICY"), 5)
            cycles.append(round((ctx.elapsed_time() - start) / 10e-9))

        await ctx.tick()
        await timed(0)
        await timed(0)
        assert cycles == [3, 3]
        with pytest.raises(TimeoutError):
            await timed(1)
        ctx.set(dut.hold, 0)
        await ctx.tick().repeat(3)

        # Held for 4 cycles from the decision cycle on; the new value is there with the ack.
        port, ctl = dut.bus, place("CTRL")
        ctx.set(dut.hold, 1)
        for name, level in (("adr", ctl), ("dat_w", 0x41), ("we", 1), ("stb", 1), ("cyc", 1)):
            ctx.set(getattr(port, name), level)
        seen = []
        for cycle in range(8):
            ctx.set(dut.hold, cycle < 5)
            seen.append((ctx.get(port.ack), ctx.get(dut.globals.ioa_deleg), ctx.get(dut.rechecked)))
            await ctx.tick()
            if seen[-1][0]:
                ctx.set(port.stb, 0)
        assert seen == [(0, 0, 0)] * 6 + [(1, 1, 1), (0, 1, 0)]

    run(SMALL, scenario)


def test_waits_for_start():
    """While the other units initialise nothing is taken (GEN-06)."""
    async def scenario(ctx, dut, vmm, reset):
        ctx.set(dut.start, 0)
        for name, level in (("adr", place("ID")), ("sel", 15), ("vmm", 1), ("stb", 1), ("cyc", 1)):
            ctx.set(getattr(dut.bus, name), level)
        for _ in range(20):
            assert not ctx.get(dut.bus.ack) and not ctx.get(dut.bus.err)
            assert not ctx.get(dut.quiet)
            await ctx.tick()
        ctx.set(dut.start, 1)
        data = await ctx.tick().sample(dut.bus.dat_r).until(dut.bus.ack)
        assert data == (REGISTERS["ID"].reset,)

    run(SMALL, scenario)


def test_error_log():
    """ERRINFO keeps the first error until its own bit is cleared; a set beats a clear."""
    async def scenario(ctx, dut, vmm, reset):
        guest = BusMaster(dut.bus, vmm=False, dom=2, vcpu=4)
        stat, info = place("ERRSTAT"), place("ERRINFO")

        async def logged():
            return await vmm.read(ctx, stat), await vmm.read(ctx, info)

        with pytest.raises(BusError):
            await guest.read(ctx, 0x80401003)
        assert await logged() == (1, 0x12401000)
        with pytest.raises(BusError):
            await vmm.read(ctx, 0x1FFC)
        assert await logged() == (3, 0x12401000)
        await vmm.write(ctx, stat, 2)
        assert await logged() == (1, 0x12401000)
        with pytest.raises(BusError):
            await vmm.write(ctx, 0x1FFC, 0)
        await vmm.write(ctx, stat, 1)
        assert await logged() == (2, 0)
        await vmm.write(ctx, info, 0, sel=1)
        assert await logged() == (0b1010, 0x40001014)

        # ERR-07 in the very cycle in which its bit is cleared: the bit stays, the place is new.
        await vmm.write(ctx, stat, 0xFFFFFFFF)
        ctx.set(dut.policy_error, 1)
        await vmm.write(ctx, stat, 0xFFFFFFFF)
        ctx.set(dut.policy_error, 0)
        assert await logged() == (1 << 6, 0x70000000)
        # A window that the guest has the right to, and that does not exist.
        outside = BusMaster(dut.bus, vmm=False, dom=3, vcpu=5)
        await vmm.write(ctx, stat, 0xFFFFFFFF)
        for at in (0x10C000, 0x40A000):
            with pytest.raises(BusError):
                await outside.read(ctx, at)
        assert await logged() == (2, 0x2310C000)

    run(SMALL, scenario)


def test_the_place_of_an_error_in_the_cycle_of_a_clear():
    """ERR-07 around a clear of its bit: ERRINFO has it if ERRSTAT has, and is 0 if not."""
    dut, seen = ErrorLog(), []

    async def bench(ctx):
        for when in range(-2, 4):
            for cycle in range(-3, 6):
                ctx.set(dut.policy_error, cycle in (-3, when))
                ctx.set(dut.clear, (1 << 14) - 1 if cycle == 0 else 0)
                await ctx.tick()
            stat, info = ctx.get(dut.stat), ctx.get(dut.info)
            assert (stat, info) in ((0, 0), (1 << 6, 0x70000000)), when
            seen.append(bool(stat))
            ctx.set(dut.clear, (1 << 14) - 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            await ctx.tick().repeat(2)

    simulate(dut, bench)
    assert seen == [False, False, True, True, True, True]
