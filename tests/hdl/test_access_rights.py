# amaranth: UnusedElaboratable=no
"""Address decode and rights against table 1.1, written out in Python."""

import random

import pytest

from vapic.access.rights import Rights, Unit, global_words
from vapic.config import Config
from vapic.layouts import Err
from vapic.regs import REGISTERS, address
from vapic_sim.engine import Simulator

SMALL = Config(rtes=4, irts=3, vcpus=5, lanes=3, domains=3, ports=64)
BIG = Config(rtes=120, irts=256, vcpus=512, lanes=32, domains=16, ports=1024)
NO_TABLE = Config(rtes=1, irts=0, vcpus=1, lanes=1, domains=2, ports=32)


def reference(c, access):
    """Table 1.1 as a list of rows: (first, after, exists, right of a guest, unit)."""
    a, we, dom, vcpu = (access[name] for name in ("addr", "we", "dom", "vcpu"))
    a &= ~3
    if access["device"]:
        return (Unit.MSI, Err.NONE) if we and a >> 20 == 0xFEE else (Unit.REFUSED, Err.MSI)
    delegate = access["ioa_deleg"] and dom == access["ioa_owner"]
    pirqs = c.rtes + c.irts
    registers = {0x1000 + 4 * i for i in (*range(11), 11, 12, 13, 14)}
    registers |= {0x1100, 0x1104, 0x1108, 0x110C, 0x1110}
    for d in range(c.domains):
        registers |= {0x1140 + 4 * d, 0x1180 + 4 * d}
    v, d = (a - 0x400000) // 0x2000, (a - 0x100000) // 0x4000
    rows = [
        (0x0000, 0x1000, True, delegate, Unit.IOAPIC),
        (0x1000, 0x2000, a in registers, False, Unit.GLOBALS),
        (0x2000, 0x2800, a < 0x2000 + 4 * pirqs, False, Unit.IOAPIC),
        (0x2800, 0x3000, a < 0x2800 + 4 * pirqs, False, Unit.IOAPIC),
        (0x3000, 0x4000, a < 0x3000 + 4 * pirqs, False, Unit.IOAPIC),
        (0x4000, 0x8000, a < 0x4000 + 8 * c.irts, False, Unit.IOAPIC),
        (0x8000, 0x10000, a < 0x8000 + 0x40 * c.vcpus, False,
         Unit.EVT if a % 0x40 == 0 and we else Unit.BANK),
        (0x100000, 0x140000, d < c.domains, dom == d, Unit.EVT),
        (0x400000, 0x800000, v < c.vcpus, vcpu == v, Unit.BANK),
        (0xFEE00000, 0xFEF00000, we, False, Unit.MSI),
    ]
    nowhere = (0, 0, False, False, None)
    _, _, exists, right, unit = next((r for r in rows if r[0] <= a < r[1]), nowhere)
    if not (access["vmm"] or right):
        return Unit.REFUSED, Err.ACCESS
    return (unit, Err.NONE) if exists else (Unit.REFUSED, Err.UNMAPPED)


def check(dut, config, accesses):
    """Put each access to the component; returns how often each outcome came."""
    outcomes = {}

    async def bench(ctx):
        for access in accesses:
            for name, value in access.items():
                ctx.set(getattr(dut, name), value)
            got = ctx.get(dut.unit), ctx.get(dut.err)
            assert got == reference(config, access), access
            outcomes[got] = outcomes.get(got, 0) + 1

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()
    return outcomes


def random_access(rng, c):
    """Something near an edge of the map, by a master that often has a right to it."""
    base = rng.choice([0, 0x1000, 0x1100, 0x1140, 0x1180, 0x2000, 0x2800, 0x3000, 0x4000, 0x8000,
                       0xC000, 0x10000, 0x100000, 0x140000, 0x400000, 0x7FE000, 0x800000,
                       0xFEE00000, 0xFED00000, 0xFEF00000, 1 << rng.randrange(16, 32)])
    v, d = (rng.choice([0, n // 2, n - 1, n, n + 1]) for n in (c.vcpus, c.domains))
    reach = rng.choice([0, 4 * (c.rtes + c.irts), 8 * c.irts, 0x40 * v, 0x2000 * v, 0x4000 * d,
                        4 * d, rng.getrandbits(12), rng.getrandbits(18)])
    addr = (base + reach + rng.choice([-4, 0, 0, 0, 1, 3, 4, 0x20])) % (1 << 32)
    return {
        "addr": addr, "we": rng.getrandbits(1), "vmm": rng.random() < 0.4,
        "device": rng.random() < 0.1, "ioa_deleg": rng.getrandbits(1),
        "dom": rng.choice([d % 16, addr >> 14 & 15, rng.randrange(16)]),
        "vcpu": rng.choice([v % 512, addr >> 13 & 511]),
        "ioa_owner": rng.choice([d % 16, rng.randrange(16)]),
    }


@pytest.mark.parametrize("config", [SMALL, BIG, NO_TABLE])
def test_random_accesses(config):
    rng = random.Random(repr(config))
    outcomes = check(Rights(config), config, [random_access(rng, config) for _ in range(6000)])
    wanted = {(unit, Err.NONE) for unit in Unit if unit != Unit.REFUSED}
    wanted |= {(Unit.REFUSED, err) for err in (Err.ACCESS, Err.UNMAPPED, Err.MSI)}
    assert all(outcomes.get(outcome, 0) > 20 for outcome in wanted), outcomes


def unit_of(name, we):
    """Where a register belongs, by its name alone."""
    if (name == "VCPU_CTL" and we) or name.startswith("EVT_"):
        return Unit.EVT
    if name.startswith(("VCPU_", "LAPIC_")):
        return Unit.BANK
    if name in ("IOA_REGSEL", "IOA_WIN", "IOA_EOI", "REQX", "REQSTAT", "PIRQ_OWNER", "IRT_LOW",
                "IRT_HIGH"):
        return Unit.IOAPIC
    return Unit.GLOBALS


def limit_of(name, c):
    """Length of the first dimension of a register."""
    if name.startswith(("VCPU_", "LAPIC_")):
        return c.vcpus
    if name.startswith("EVT_") or name in ("RRPTR", "SVC"):
        return c.domains
    return c.irts if name.startswith("IRT_") else c.rtes + c.irts


@pytest.mark.parametrize("config", [SMALL, BIG])
def test_every_register(config):
    """The VMM reaches each register at its unit; another master exactly by its `right`.

    Of a window only the event channels know which registers are the VMM's.
    """
    dut, seen = Rights(config), set()

    def put(ctx, **values):
        values = {"vmm": 0, "dom": 0, "vcpu": 0, "ioa_deleg": 0, "ioa_owner": 0} | values
        for name, value in values.items():
            ctx.set(getattr(dut, name), value)
        return ctx.get(dut.unit), ctx.get(dut.err)

    async def bench(ctx):
        refused = Unit.REFUSED, Err.ACCESS
        for name, register in REGISTERS.items():
            limit = limit_of(name, config) if register.strides else 1
            rest = [0] * (len(register.strides) - 1)
            for first in sorted({0, limit // 2, limit - 1}):
                index = [first, *rest] if register.strides else []
                place = {"addr": address(name, *index)}
                for we in (0, 1):
                    served = unit_of(name, we), Err.NONE
                    assert put(ctx, vmm=1, we=we, **place) == served, name
                    right, lapic = register.right, name.startswith("LAPIC_")
                    if name in ("EVT_PENDING_W1S", "EVT_RAISE_VIRQ"):
                        right = "S"
                    # The master that the register belongs to, and one with all else wrong.
                    own = {"vcpu": first, "dom": 15} if lapic else {"dom": first, "vcpu": 511}
                    other = {"vcpu": first ^ 1, "dom": first} if lapic else {"dom": first ^ 1}
                    if right == "I":
                        own = {"dom": 7, "ioa_deleg": 1, "ioa_owner": 7}
                        other = {"dom": 6, "ioa_deleg": 1, "ioa_owner": 7}
                        off = put(ctx, we=we, dom=7, ioa_deleg=0, ioa_owner=7, **place)
                        assert off == refused, name
                    else:
                        own |= {"ioa_deleg": 1, "ioa_owner": own["dom"]}
                    if right == "V":
                        assert put(ctx, we=we, **own, **place) == refused, name
                    else:
                        assert put(ctx, we=we, **own, **place) == served, name
                    assert put(ctx, we=we, **other, **place) == refused, name
                    seen.add((name, we))
            if register.strides and limit < 16:
                beyond = address(name, limit, *rest)
                assert put(ctx, vmm=1, we=1, addr=beyond) == (Unit.REFUSED, Err.UNMAPPED), name

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()
    assert len(seen) == 2 * len(REGISTERS)


def test_global_words_are_the_map():
    assert global_words(Config(domains=2)) == [
        *range(0x1000, 0x103C, 4), 0x1100, 0x1104, 0x1108, 0x110C, 0x1110,
        0x1140, 0x1144, 0x1180, 0x1184]
