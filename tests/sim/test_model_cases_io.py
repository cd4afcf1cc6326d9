"""Conformance cases of spec chapter 7 on the model alone: I/O APIC, MSI, local APIC."""

import pytest

from vapic_sim.model import Params, Sched

from .model_driver import Driver

LEVEL, MASK, LOGICAL = 1 << 15, 1 << 16, 1 << 11
ERRSTAT, COALESCED, SPURIOUS, CTRL = 0x1010, 0x1018, 0x1024, 0x100C


@pytest.fixture
def d():
    return Driver()


def io(d, index, data=None):
    d.write(0x00, index)
    return d.read(0x10) if data is None else d.write(0x10, data)


def msi(d, handle, data=0):
    address = 0xFEE00010 | (handle & 0x7FFF) << 5 | (handle >> 15) << 2
    latched = d.model.msi(address, data)
    d.settle()
    return latched


def test_case_001_version(d):
    io(d, 1, ~io(d, 1))
    assert io(d, 1) == 7 << 16 | 0x20


def test_case_002_id(d):
    io(d, 0, ~io(d, 0))
    assert io(d, 0) == 0x0F000000


def test_case_003_arbitration_id(d):
    io(d, 0, 0x0F000000)
    assert io(d, 2) == 0x0F000000
    io(d, 2, 0)
    assert io(d, 2) == 0x0F000000


def test_case_004_reset(d):
    assert d.read(0x00) == 0
    for n in range(8):
        assert (io(d, 0x10 + 2 * n), io(d, 0x11 + 2 * n)) == (0x10000, 0)


def test_case_005_rte_bits_and_range(d):
    io(d, 0x10, 0xFFFFFFFF)
    assert io(d, 0x10) == 0x1AFFF
    io(d, 0x10 + 16, 5)
    assert io(d, 0x10 + 16) == 0
    assert d.read(ERRSTAT) == 1 << 2


def test_case_006_edge(d):
    d.rte_write(1, 0x76)
    d.pulse(1)
    assert d.drain(0) == [0x76]
    assert not d.rte_read(1) & 0x4000


def test_case_007_level(d):
    d.rte_write(1, 0x77 | LEVEL)
    d.line(1, True)
    assert d.inta(0) == 0x77
    assert d.rte_read(1) & 0x4000
    d.line(1, False)
    d.eoi(0)
    assert not d.rte_read(1) & 0x4000
    assert d.drain(0) == []


def test_case_008_simultaneous(d):
    d.rte_write(1, 0x66)
    d.rte_write(2, 0x78)
    d.pulse(1)
    d.pulse(2)
    assert d.drain(0) == [0x78, 0x66]


def test_case_009_level_coalesce(d):
    d.rte_write(1, 0x77 | LEVEL)
    d.line(1, True)
    assert d.inta(0) == 0x77
    for level in (False, True, False):
        d.line(1, level)
    d.eoi(0)
    assert d.drain(0) == []


def test_case_010_level_sequential(d):
    d.rte_write(1, 0x77 | LEVEL)
    for _ in range(2):
        d.line(1, True)
        assert d.inta(0) == 0x77
        d.line(1, False)
        d.eoi(0)
    assert d.drain(0) == []


def test_case_011_level_retrigger(d):
    d.rte_write(1, 0x77 | LEVEL)
    d.line(1, True)
    assert d.inta(0) == 0x77
    d.eoi(0)
    assert d.inta(0) == 0x77
    d.line(1, False)
    d.eoi(0)
    assert d.drain(0) == []


def test_case_012_masked_edge(d):
    d.rte_write(1, 0x76 | MASK)
    d.pulse(1)
    d.rte_write(1, 0x76)
    assert d.drain(0) == []
    d.pulse(1)
    assert d.drain(0) == [0x76]


def test_case_013_latched_masked_edge(d):
    d.write(CTRL, 5)
    d.rte_write(1, 0x76 | MASK)
    d.pulse(1)
    d.rte_write(1, 0x76)
    assert d.drain(0) == [0x76]


def test_case_014_masked_level(d):
    d.rte_write(1, 0x77 | LEVEL | MASK)
    d.line(1, True)
    assert d.inta(0) is None
    d.rte_write(1, 0x77 | LEVEL)
    assert d.inta(0) == 0x77


def test_case_015_level_retrigger_mask(d):
    d.rte_write(1, 0x77 | LEVEL)
    d.line(1, True)
    assert d.inta(0) == 0x77
    d.rte_write(1, 0x77 | LEVEL | MASK)
    d.eoi(0)
    assert d.inta(0) is None
    d.rte_write(1, 0x77 | LEVEL)
    assert d.inta(0) == 0x77


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize(("trigger", "after"), [(0, 0), (LEVEL, 1)])
def test_case_016_017_018_trigger_mode(d, before, trigger, after):
    if before:
        d.rte_write(2, 0x60 | LEVEL)
        d.line(2, True)
        assert d.inta(0) == 0x60
        d.line(2, False)
        d.eoi(0)
    assert d.bitmap(0, 0x180) >> 0x60 & 1 == before
    d.rte_write(1, 0x60 | trigger)
    d.line(1, True)
    d.line(1, False) if not trigger else None
    assert d.inta(0) == 0x60
    assert d.bitmap(0, 0x180) >> 0x60 & 1 == after
    d.line(1, False)
    d.eoi(0)
    assert d.bitmap(0, 0x180) >> 0x60 & 1 == after


def test_case_019_self_reconfigure(d):
    d.rte_write(1, 0x64 | LEVEL)
    d.rte_write(2, 0x84 | LEVEL)
    d.line(1, True)
    assert d.inta(0) == 0x64
    d.line(2, True)
    d.line(1, False)
    d.line(2, False)
    d.rte_write(1, 0x64 | LEVEL, 1)
    d.rte_write(2, 0x84 | LEVEL, 1)
    assert d.inta(0) == 0x84
    d.eoi(0)
    d.eoi(0)
    assert d.inta(0) is None and d.inta(1) is None
    assert not (d.rte_read(1) | d.rte_read(2)) & 0x4000


def test_case_020_physical_destination(d):
    d.rte_write(1, 0x77 | LEVEL, 1)
    d.line(1, True)
    assert [d.bitmap(v, 0x200) for v in range(4)] == [0, 1 << 0x77, 0, 0]


def test_case_021_logical_destination_flat(d):
    for v in range(4):
        d.lapic_write(v, 0xD0, 1 << v << 24)
    d.rte_write(1, 0x77 | LOGICAL, 0x0D)
    d.pulse(1)
    assert [d.inta(v) for v in range(4)] == [0x77, None, 0x77, 0x77]
    assert d.model.expected_traces[-1].eligible == 0b1101


def test_case_022_edge_write_ends_level(d):
    d.rte_write(1, 0x77 | LEVEL)
    d.line(1, True)
    assert d.inta(0) == 0x77
    io(d, 0x12, 0x77)
    assert not d.rte_read(1) & 0x4000
    io(d, 0x12, 0x77 | LEVEL)
    d.eoi(0)
    assert d.inta(0) == 0x77


def test_case_023_high_write_is_silent(d):
    d.rte_write(1, 0x77 | LEVEL)
    d.line(1, True)
    io(d, 0x13, 1 << 24)
    assert len(d.model.expected_traces) == 1
    assert d.bitmap(1, 0x200) == 0


def test_case_024_shared_vector(d):
    d.rte_write(1, 0x77 | LEVEL, 0)
    d.rte_write(2, 0x77 | LEVEL, 1)
    d.line(1, True)
    d.line(2, True)
    assert d.inta(0) == d.inta(1) == 0x77
    d.line(1, False)
    d.eoi(0)
    assert not d.rte_read(1) & 0x4000
    assert d.bitmap(1, 0x200) == 1 << 0x77


def test_case_025_suppressed_broadcast(d):
    d.lapic_write(0, 0xF0, 0x11FF)
    d.rte_write(1, 0x77 | LEVEL)
    d.line(1, True)
    assert d.inta(0) == 0x77
    d.line(1, False)
    d.eoi(0)
    assert d.rte_read(1) & 0x4000
    d.write(0x40, 0x77)
    assert not d.rte_read(1) & 0x4000


def test_case_027_software_disabled_target(d):
    d.lapic_write(0, 0xF0, 0xFF)
    d.rte_write(1, 0x77 | LEVEL)
    d.line(1, True)
    assert d.rte_read(1) & 0x5000 == 0x1000
    assert d.reqstat(1) & 0x10 and d.read(0x101C) == 1
    assert "SVR[8]=0" in d.model.explain(1)
    d.lapic_write(0, 0xF0, 0x1FF)
    assert d.inta(0) == 0x77


def test_case_028_reserved_mode(d):
    d.rte_write(1, 0x377)
    d.pulse(1)
    assert d.reqstat(1) & 0x8F == 8
    d.rte_write(1, 0x77)
    d.pulse(1)
    assert d.drain(0) == [0x77]


def test_case_029_illegal_vector(d):
    d.rte_write(1, 0x0F)
    d.pulse(1)
    assert d.lapic_read(0, 0x280) == 0
    d.lapic_write(0, 0x280, 0)
    assert d.lapic_read(0, 0x280) == 0x40
    assert d.bitmap(0, 0x200) == 0 and d.reqstat(1) & 8


def test_case_030_pulses_before_the_grant(d):
    d.rte_write(1, 0x50)
    d.auto = False
    d.pulse(1)
    d.pulse(1)
    assert d.settle() == 1
    assert d.read(COALESCED) == 1


def test_case_031_vector_in_irr(d):
    d.rte_write(1, 0x50)
    d.pulse(1)
    d.pulse(1)
    assert d.read(COALESCED) == 1 and d.drain(0) == [0x50]
    d.write(CTRL, 9)
    d.pulse(1)
    d.pulse(1)
    assert d.rte_read(1) & 0x1000 and d.reqstat(1) & 0x20
    assert d.inta(0) == 0x50
    d.settle()
    assert not d.rte_read(1) & 0x1000
    assert d.bitmap(0, 0x200) == 1 << 0x50


def test_case_032_polarity(d):
    d.rte_write(1, 0x50)
    d.rte_write(1, 0x50 | 1 << 13)
    assert d.inta(0) is None
    d.rte_write(1, 0x51 | LEVEL | 1 << 13)
    assert d.inta(0) == 0x51


def test_case_033_level_withdrawn_while_parked(d):
    d.rte_write(1, 0x50 | LEVEL, 9)
    d.line(1, True)
    assert d.reqstat(1) & 0x10
    d.line(1, False)
    assert not d.rte_read(1) & 0x1000 and not d.reqstat(1) & 0x10
    io(d, 0x13, 0)
    assert d.inta(0) is None


def test_case_035_compat_messages_are_not_built(d):
    assert not d.model.msi(0xFEE01000, 0x4041)
    assert d.read(ERRSTAT) == 1 << 5


def test_case_038_remappable_message(d):
    d.write(0x4000 + 8 * 5, 0x41)
    address = 0xFEE00010 | 3 << 5 | 8
    assert d.model.msi(address, 2) and d.settle() == 1
    assert d.inta(0) == 0x41
    d.write(0x4000 + 8 * 5, 0x42 | MASK)
    assert msi(d, 5) and d.inta(0) is None
    d.eoi(0)
    d.write(0x4000 + 8 * 5, 0x42)
    assert d.inta(0) == 0x42
    assert not msi(d, 8)
    assert d.read(ERRSTAT) == 1 << 5


def test_case_039_version(d):
    assert d.lapic_read(0, 0x30) & 0xFF == 0x14


def test_case_040_disabled(d):
    d.lapic_write(0, 0x80, 0x20)
    d.lapic_write(0, 0x1FF0, 0xFEE00100)
    assert d.lapic_read(0, 0x80) == d.lapic_read(0, 0x0C0) == 0xFFFFFFFF
    d.lapic_write(0, 0x80, 0x30)
    d.lapic_write(0, 0x1FF0, 0xFEE00900)
    assert (d.lapic_read(0, 0x80), d.lapic_read(0, 0xF0)) == (0, 0xFF)


@pytest.mark.parametrize("value", [0xFED00900, 0xFEE00901, 0xFEE00A00, 0xFEE00D00, 0xFEE00500])
def test_case_041_042_apic_base(d, value):
    address = 0x400000 + 0x1FF0
    assert d.model.access(False, 0, 0, address, True, value).berr
    assert d.lapic_read(0, 0x1FF0) == 0xFEE00900
    assert d.lapic_read(1, 0x1FF0) == 0xFEE00800
    assert d.read(ERRSTAT) == 0


def test_case_043_id(d):
    d.lapic_write(0, 0x20, 0x5A123456)
    assert d.lapic_read(0, 0x20) == 0x5A000000
    d.lapic_write(0, 0x1FF0, 0xFEE00000)
    d.lapic_write(0, 0x1FF0, 0xFEE00800)
    assert d.lapic_read(0, 0x20) == 0


def test_case_045_broadcast_by_entry(d):
    d.rte_write(1, 0x60, 0xFF)
    d.pulse(1)
    assert [d.inta(v) for v in range(4)] == [0x60] * 4


@pytest.mark.parametrize("i", range(8))
def test_case_046_047_flat_and_cluster_by_entry(d, i):
    d.lapic_write(1, 0xD0, 1 << i << 24)
    for dest in (1 << i, 0xFE | 1 << i):
        d.rte_write(1, 0x60 | LOGICAL, dest)
        d.pulse(1)
        assert d.bitmap(1, 0x200) == 1 << 0x60
        d.drain(1)
    for v in range(4):
        d.lapic_write(v, 0xE0, 0)
        d.lapic_write(v, 0xD0, (i << 4 | 1 << v) << 24)
        d.drain(v)
    if i < 15:
        d.rte_write(1, 0x61 | LOGICAL, i << 4 | 0b0101)
        d.pulse(1)
        assert [d.inta(v) for v in range(4)] == [0x61, None, 0x61, None]


def test_case_048_aliased_id(d):
    d.lapic_write(3, 0x20, 2 << 24)
    d.rte_write(1, 0x60, 2)
    d.pulse(1)
    assert [d.inta(v) for v in range(4)] == [None, None, 0x60, 0x60]


def test_case_055_ppr(d):
    d.rte_write(1, 0x4A)
    d.pulse(1)
    assert d.inta(0) == 0x4A
    d.lapic_write(0, 0x80, 0x45)
    assert d.lapic_read(0, 0xA0) == 0x45
    d.rte_write(1, 0x52)
    d.pulse(1)
    assert d.inta(0) == 0x52 and d.lapic_read(0, 0xA0) == 0x50
    d.eoi(0)
    d.eoi(0)
    assert d.lapic_read(0, 0xA0) == 0x45


def test_case_056_task_priority(d):
    d.lapic_write(0, 0x80, 0x40)
    for pin, vector in ((1, 0x45), (2, 0x50)):
        d.rte_write(pin, vector)
        d.pulse(pin)
        assert d.model.irq(0) == (vector == 0x50)
    assert d.drain(0) == [0x50]
    d.lapic_write(0, 0x80, 0x30)
    assert d.drain(0) == [0x45]


def test_case_057_same_class(d):
    for vector in (0x61, 0x6F):
        d.rte_write(1, vector)
        d.pulse(1)
        assert d.inta(0) == (0x61 if vector == 0x61 else None)
    d.eoi(0)
    assert d.inta(0) == 0x6F


def test_case_058_nesting(d):
    vectors = (0x31, 0x52, 0x93)
    for vector in vectors:
        d.rte_write(1, vector)
        d.pulse(1)
        assert d.inta(0) == vector
    for vector in reversed(vectors):
        assert d.bitmap(0, 0x100).bit_length() - 1 == vector
        d.eoi(0)
    assert d.bitmap(0, 0x100) == 0


def test_case_059_spurious(d):
    d.rte_write(1, 0x45)
    d.pulse(1)
    d.lapic_write(0, 0x80, 0x40)
    assert d.lapic_read(0, 0xFC0) == 0xFF
    assert d.bitmap(0, 0x200) == 1 << 0x45 and d.bitmap(0, 0x100) == 0
    assert d.read(SPURIOUS) == 1


def test_case_060_eoi(d):
    d.eoi(0)
    assert d.bitmap(0, 0x100) == 0
    d.lapic_write(0, 0xF0, 0x150)
    d.rte_write(1, 0x50)
    d.pulse(1)
    assert d.inta(0) == 0x50
    d.eoi(0)
    assert d.bitmap(0, 0x100) == 0


def test_case_061_collapse(d):
    d.rte_write(1, 0x50)
    d.pulse(1)
    assert d.inta(0) == 0x50
    d.pulse(1)
    d.pulse(1)
    assert d.inta(0) is None
    d.eoi(0)
    assert d.drain(0) == [0x50]


def test_case_062_apr(d):
    d.rte_write(1, 0x80)
    d.pulse(1)
    assert d.inta(0) == 0x80
    d.lapic_write(0, 0x80, 0x20)
    d.rte_write(1, 0x50)
    d.pulse(1)
    assert d.lapic_read(0, 0x90) == 0x80
    d.lapic_write(0, 0x80, 0x95)
    assert d.lapic_read(0, 0x90) == 0x95


def test_case_063_software_disable(d):
    d.rte_write(1, 0x40)
    d.pulse(1)
    d.lapic_write(0, 0xF0, 0xFF)
    assert not d.model.irq(0) and d.inta(0) is None
    d.lapic_write(0, 0xF0, 0x1FF)
    assert d.inta(0) == 0x40


def test_case_067_reserved_register(d):
    assert d.lapic_read(0, 0xC0) == 0
    d.lapic_write(0, 0x280, 0)
    assert d.lapic_read(0, 0x280) == 0x80
    assert d.lapic_read(0, 0x84) == 0
    d.lapic_write(0, 0x280, 0)
    assert d.lapic_read(0, 0x280) == 0
    assert d.model.access(False, 0, 0, 0x400000 + 0x1080, False).berr
    assert d.read(ERRSTAT) == 0


def test_case_069_edge_after_level(d):
    d.rte_write(1, 0x50 | LEVEL)
    d.line(1, True)
    d.rte_write(2, 0x50)
    d.pulse(2)
    assert d.bitmap(0, 0x180) == 0
    assert "edge vector 0x50" in d.model.core.warnings[0]


def test_case_073_freeze_and_thaw(d):
    d.rte_write(1, 0x50)
    d.pulse(1)
    d.ctl(0, put=2)
    before = d.model.state()["vcpus"][0]
    assert not d.model.irq(0) and d.lapic_read(0, 0xFC0) == 0xFF and d.read(SPURIOUS) == 0
    d.rte_write(2, 0x60)
    d.pulse(2)
    assert d.reqstat(2) & 0x10 and "frozen" in d.model.explain(2)
    assert d.model.state()["vcpus"][0] == before
    d.ctl(0, clear=2)
    assert d.drain(0) == [0x60, 0x50]


def test_lapic_63_wake(d):
    d.sched(0, Sched.BLOCKED)
    d.rte_write(1, 0x50)
    d.pulse(1)
    assert d.read(0x802C) == 1
    d.pulse(1)
    assert d.read(0x802C) == 1
    d.sched(0, Sched.RUNNING)
    d.sched(0, Sched.BLOCKED)
    assert d.read(0x802C) == 2


def test_lapic_60_ignored_writes(d):
    for v, data in ((0, 0x11 | 0 << 8), (1, 1 | 1 << 8 | 2 << 24)):
        d.write(0x8000 + 0x40 * v, data)
        assert d.read(0x8000 + 0x40 * v) == 1 | v << 8 | v << 24
    assert d.read(ERRSTAT) == 1 << 8
    assert d.read(0x1014) == 9 << 28 | 0x8000
    d.write(ERRSTAT, 1 << 8)
    assert (d.read(ERRSTAT), d.read(0x1014)) == (0, 0)


def test_version_11_has_no_eoi_register():
    d = Driver(Params(rtes=4, irts=0, vcpus=1, lanes=1, domains=2, ports=32, ioa_version=0x11))
    d.write(0x40, 5)
    assert d.read(ERRSTAT) == 1 << 2


def test_ioa_delegation(d):
    d.write(0x3000 + 4, 0x101)
    assert d.model.access(False, 0, 0, 0x00, False).berr
    d.write(CTRL, 0x41)
    for index, owned in ((0x10, True), (0x12, False)):
        d.model.access(False, 0, 0, 0x00, True, index)
        d.model.access(False, 0, 0, 0x10, True, 0x55)
        assert d.model.access(False, 0, 0, 0x10, False).data == (0x55 if owned else 0x10000)
    assert d.read(0x00) == 0
    assert d.read(ERRSTAT) == 1 | 1 << 13
    d.write(ERRSTAT, 1)
    d.model.access(False, 0, 1, 0x1000, False)
    assert d.read(0x1014) == 1 << 28 | 0x1000
