"""Conformance cases 39-73 of the specification, without IPIs, LVTs, timer and x2APIC."""

import pytest

from vapic.regs import mask, pack
from vapic_sim.machine.bus import BusError

BASE_EN, BASE_EXTD = mask("LAPIC_BASE", "enable"), mask("LAPIC_BASE", "x2apic")


async def request(rig, v, *vectors):
    """Put vectors into the IRR of vCPU v, by edges of one pin."""
    for vector in vectors:
        await rig.rte(7, vector, dest=v)
        await rig.pulse(7)
        await rig.settle()


def test_case_039_version(rig):
    async def scenario(rig):
        assert await rig.read("LAPIC_VERSION", 0) == 0x01050014
    rig.run(scenario)


def test_case_040_disabled_page_reads_all_ones(rig):
    async def scenario(rig):
        await rig.setup()
        await rig.write("LAPIC_TPR", 0, value=0x20, v=0)
        base = await rig.read("LAPIC_BASE", 0, v=0)
        await rig.write("LAPIC_BASE", 0, value=base & ~BASE_EN, v=0)
        for name in ("LAPIC_ID", "LAPIC_VERSION", "LAPIC_SVR", "LAPIC_TPR"):
            assert await rig.read(name, 0, v=0) == 0xFFFFFFFF
        await rig.write("LAPIC_TPR", 0, value=0x30, v=0)
        await rig.write("LAPIC_BASE", 0, value=base, v=0)
        assert await rig.read("LAPIC_SVR", 0, v=0) == 0xFF
        assert await rig.read("LAPIC_TPR", 0, v=0) == 0
        assert await rig.read("ERRSTAT") == 0
    rig.run(scenario)


def test_case_041_illegal_mode_changes(rig):
    async def scenario(rig):
        await rig.setup()
        base = await rig.read("LAPIC_BASE", 0, v=0)
        off = base & ~BASE_EN
        for start in (base, off):
            await rig.write("LAPIC_BASE", 0, value=start, v=0)
            with pytest.raises(BusError):
                await rig.write("LAPIC_BASE", 0, value=off | BASE_EXTD, v=0)
            assert await rig.read("LAPIC_BASE", 0, v=0) == start
        with pytest.raises(BusError):   # 00 -> 11
            await rig.write("LAPIC_BASE", 0, value=base | BASE_EXTD, v=0)
        await rig.write("LAPIC_BASE", 0, value=base, v=0)
        assert await rig.read("LAPIC_BASE", 0, v=0) == base
    rig.run(scenario)


def test_case_042_relocation_and_reserved_bits(rig):
    async def scenario(rig):
        base = await rig.read("LAPIC_BASE", 1)
        assert base == 0xFEE00800 and await rig.read("LAPIC_BASE", 0) == 0xFEE00900
        for value in (base ^ 1 << 12, base | 1, base | 1 << 9, base ^ 1 << 31):
            with pytest.raises(BusError):
                await rig.write("LAPIC_BASE", 1, value=value)
            assert await rig.read("LAPIC_BASE", 1) == base
    rig.run(scenario)


def test_case_043_id(rig):
    async def scenario(rig):
        await rig.setup()
        await rig.write("LAPIC_ID", 2, value=0x55FFFFFF, v=2)
        assert await rig.read("LAPIC_ID", 2, v=2) == 0x55000000
        base = await rig.read("LAPIC_BASE", 2, v=2)
        await rig.write("LAPIC_BASE", 2, value=base & ~BASE_EN, v=2)
        await rig.write("LAPIC_BASE", 2, value=base, v=2)
        assert await rig.read("LAPIC_ID", 2, v=2) == 2 << 24
    rig.run(scenario)


def test_case_045_physical_broadcast_by_an_entry(rig):
    async def scenario(rig):
        await rig.setup()
        await rig.rte(0, 0x61, dest=0xFF)
        await rig.pulse(0)
        await rig.settle()
        assert [await rig.inta(v) for v in range(4)] == [0x61] * 4
    rig.run(scenario)


@pytest.mark.parametrize("cluster", [0, 1])
def test_case_046_047_logical_destinations_by_an_entry(rig, cluster):
    """Single-target MDAs of flat and cluster model, one for each bit."""
    async def scenario(rig):
        await rig.setup(2)
        for bit in range(4 if cluster else 8):
            ldr = (3 << 4 | 1 << bit) if cluster else 1 << bit
            await rig.write("LAPIC_DFR", 1, value=0x0FFFFFFF if cluster else 0xFFFFFFFF, v=1)
            await rig.write("LAPIC_LDR", 1, value=pack("LAPIC_LDR", id=ldr), v=1)
            await rig.rte(0, 0x61, logical=1, dest=ldr)
            await rig.pulse(0)
            await rig.settle()
            assert [await rig.inta(0), await rig.inta(1)] == [None, 0x61]
            await rig.eoi(1)
    rig.run(scenario)


def test_case_048_aliased_ids_both_receive(rig):
    async def scenario(rig):
        await rig.setup(2)
        for i in (0, 7, 0x80, 0xFE):
            for v in (0, 1):
                await rig.write("LAPIC_ID", v, value=pack("LAPIC_ID", id=i), v=v)
            await rig.rte(0, 0x61, dest=i)
            await rig.pulse(0)
            await rig.settle()
            for v in (0, 1):
                assert await rig.inta(v) == 0x61
                await rig.eoi(v)
    rig.run(scenario)


def test_case_055_processor_priority(rig):
    async def scenario(rig):
        await rig.setup()
        await rig.write("LAPIC_TPR", 0, value=0x45, v=0)
        assert await rig.read("LAPIC_PPR", 0, v=0) == 0x45
        await rig.write("LAPIC_TPR", 0, value=0, v=0)
        await request(rig, 0, 0x4A)
        assert await rig.inta(0) == 0x4A
        await rig.write("LAPIC_TPR", 0, value=0x45, v=0)
        assert await rig.read("LAPIC_PPR", 0, v=0) == 0x45
        await request(rig, 0, 0x52)
        assert await rig.inta(0) == 0x52
        assert await rig.read("LAPIC_PPR", 0, v=0) == 0x50
    rig.run(scenario)


def test_case_056_task_priority_gates_by_class(rig):
    async def scenario(rig):
        await rig.setup()
        await rig.write("LAPIC_TPR", 0, value=0x40, v=0)
        await request(rig, 0, 0x45)
        assert rig.irq(0) == 0
        await request(rig, 0, 0x50)
        assert rig.irq(0) == 1
        assert await rig.inta(0) == 0x50
        await rig.eoi(0)
        await rig.write("LAPIC_TPR", 0, value=0x30, v=0)
        await rig.settle()
        assert rig.irq(0) == 1 and await rig.inta(0) == 0x45
    rig.run(scenario)


def test_case_057_same_class_waits_for_eoi(rig):
    async def scenario(rig):
        await rig.setup()
        await request(rig, 0, 0x61)
        assert await rig.inta(0) == 0x61
        await request(rig, 0, 0x6F)
        assert rig.irq(0) == 0
        await rig.eoi(0)
        await rig.settle()
        assert await rig.inta(0) == 0x6F
    rig.run(scenario)


def test_case_058_nesting(rig):
    async def scenario(rig):
        await rig.setup()
        nest = (0x31, 0x52, 0x93)
        for vector in nest:
            await request(rig, 0, vector)
            assert await rig.inta(0) == vector
        for left in (2, 1, 0):
            await rig.eoi(0)
            assert await rig.bitmap("LAPIC_ISR", 0) == sum(1 << x for x in nest[:left])
    rig.run(scenario)


def test_case_059_spurious(rig):
    async def scenario(rig):
        await rig.setup()
        await request(rig, 0, 0x45)
        await rig.write("LAPIC_TPR", 0, value=0x50, v=0)
        assert await rig.read("LAPIC_INTA", 0, v=0) == 0xFF
        assert await rig.bitmap("LAPIC_IRR", 0) == 1 << 0x45
        assert await rig.bitmap("LAPIC_ISR", 0) == 0
        assert await rig.read("SPURIOUS") == 1
    rig.run(scenario)


def test_case_060_eoi_of_nothing_and_of_the_spurious_vector(rig):
    async def scenario(rig):
        await rig.setup()
        await rig.eoi(0)
        await rig.write("LAPIC_SVR", 0, value=pack("LAPIC_SVR", vector=0x61, enable=1), v=0)
        await request(rig, 0, 0x61)
        assert await rig.inta(0) == 0x61
        await rig.eoi(0)
        assert await rig.bitmap("LAPIC_ISR", 0) == 0
    rig.run(scenario)


def test_case_061_vector_in_service_arrives_twice(rig):
    async def scenario(rig):
        await rig.setup()
        await request(rig, 0, 0x61)
        assert await rig.inta(0) == 0x61
        await request(rig, 0, 0x61, 0x61)
        assert await rig.bitmap("LAPIC_IRR", 0) == 1 << 0x61
        await rig.eoi(0)
        assert await rig.inta(0) == 0x61
        await rig.eoi(0)
        assert await rig.inta(0) is None
    rig.run(scenario)


def test_case_062_arbitration_priority(rig):
    async def scenario(rig):
        await rig.setup()
        await request(rig, 0, 0x80)
        assert await rig.inta(0) == 0x80
        await rig.write("LAPIC_TPR", 0, value=0x20, v=0)
        await request(rig, 0, 0x50)
        assert await rig.read("LAPIC_APR", 0, v=0) == 0x80
        await rig.write("LAPIC_TPR", 0, value=0x95, v=0)
        assert await rig.read("LAPIC_APR", 0, v=0) == 0x95
    rig.run(scenario)


def test_case_063_software_disable_holds_requests(rig):
    async def scenario(rig):
        await rig.setup()
        await request(rig, 0, 0x40)
        await rig.write("LAPIC_SVR", 0, value=0xFF, v=0)
        await rig.settle()
        assert rig.irq(0) == 0 and await rig.inta(0) is None
        await rig.write("LAPIC_SVR", 0, value=pack("LAPIC_SVR", vector=0xFF, enable=1), v=0)
        await rig.settle()
        assert rig.irq(0) == 1 and await rig.inta(0) == 0x40
    rig.run(scenario)


def test_case_064_upcall_vector_again_at_enable(rig):
    async def scenario(rig):
        await rig.setup()
        await rig.write("VCPU_UPVEC", 0, value=pack("VCPU_UPVEC", vector=0xF3, valid=1))
        result, port, _ = await rig.command(0, 7, 0)    # bind_ipi
        assert result == 0
        await rig.fast(0, "EVT_SEND", port)
        await rig.settle()
        assert await rig.inta(0) == 0xF3
        await rig.eoi(0)
        await rig.write("LAPIC_SVR", 0, value=0xFF, v=0)
        await rig.write("LAPIC_SVR", 0, value=pack("LAPIC_SVR", vector=0xFF, enable=1), v=0)
        await rig.settle()
        assert await rig.bitmap("LAPIC_IRR", 0) == 1 << 0xF3
    rig.run(scenario)


def test_case_067_reserved_register(rig):
    async def scenario(rig):
        await rig.setup()
        page = 0x400000
        assert await rig.vmm.read(rig.ctx, page + 0xC0) == 0
        await rig.write("LAPIC_ESR", 0, value=0, v=0)
        assert await rig.read("LAPIC_ESR", 0, v=0) == 1 << 7
        await rig.write("LAPIC_ESR", 0, value=0, v=0)
        assert await rig.read("LAPIC_ESR", 0, v=0) == 0
        assert await rig.vmm.read(rig.ctx, page + 0x84) == 0
        await rig.write("LAPIC_ESR", 0, value=0, v=0)
        assert await rig.read("LAPIC_ESR", 0, v=0) == 0
    rig.run(scenario)


def test_case_073_freeze_and_thaw_are_invisible(rig):
    """Without raw access: what was there stays, what came meanwhile waits at its source."""
    async def scenario(rig):
        await rig.setup()
        await request(rig, 0, 0x61)
        assert await rig.inta(0) == 0x61
        await request(rig, 0, 0x82)
        ctl = await rig.read("VCPU_CTL", 0)
        await rig.write("VCPU_CTL", 0, value=ctl | 2)
        await rig.settle()
        assert rig.ctx.get(rig.dut.frozen) == 1 and rig.irq(0) == 0
        assert await rig.read("VCPU_CTL", 0) >> 16 & 1 == 1
        assert await rig.read("LAPIC_INTA", 0, v=0) == 0xFF
        assert await rig.read("SPURIOUS") == 0
        await request(rig, 0, 0x93)
        assert await rig.bitmap("LAPIC_IRR", 0) == 1 << 0x82
        await rig.write("VCPU_CTL", 0, value=ctl)
        await rig.settle()
        assert rig.irq(0) == 1
        assert await rig.inta(0) == 0x93
        assert await rig.inta(0) is None
        await rig.eoi(0)
        assert await rig.inta(0) == 0x82
    rig.run(scenario)
