"""The register map as data: whole, without overlap, and words packed by field names."""

import random

import pytest

from vapic.config import Config
from vapic.regs import (
    INDIRECT,
    REGISTERS,
    Access,
    Command,
    Errno,
    Keep,
    address,
    find,
    lapic,
    lookup,
    mask,
    pack,
    regsel,
    unpack,
    vcpu,
)
from vapic.regs.globals import SETTINGS
from vapic.regs.layout import kept, struct

BIG = Config(rtes=120, irts=256, vcpus=512, lanes=32, domains=16, ports=1024)
ALL = [*REGISTERS.values(), *INDIRECT.values()]


@pytest.mark.parametrize("register", ALL, ids=lambda register: register.name)
def test_fields_do_not_overlap(register):
    """Ascending, inside 32 bits, with values that fit; each register says what it is."""
    after = 0
    for part in register.fields:
        assert part.low >= after and part.name.isidentifier()
        after = part.top + 1
        assert all(0 <= value < 1 << part.bits for value in part.values)
    assert 0 < after <= 32
    assert register.text.endswith(".") and register.spec and register.right in ("V", "S", "I")
    reset = register.reset_of(BIG, *[0] * len(register.dims))
    assert reset is None or 0 <= reset < 1 << 32


def test_no_two_registers_at_one_address():
    """In the largest configuration; each address leads back to its register and index."""
    seen = {}
    for name, register in REGISTERS.items():
        counts = register.counts(BIG)
        assert all(count <= dim.limit for count, dim in zip(counts, register.dims, strict=True))
        for index in {(0,) * len(counts), tuple(n - 1 for n in counts)}:
            place = address(name, *index)
            assert seen.setdefault(place, name) == name
            assert find(place) == (register, index)
    assert find(0x401FA0) == (REGISTERS["LAPIC_CR8"], (0,))
    assert find(0x400320) == (REGISTERS["LAPIC_LVT_TIMER"], (0,))
    assert find(0x1114) is None and find(0x12345678) is None


def test_known_words():
    """Some words of the specification, written out."""
    assert pack("VCPU_CTL", online=1, dom=2, apicid=5, k=3) == 1 | 2 << 4 | 5 << 8 | 3 << 24
    assert pack("LAPIC_SVR", vector=0xFF, enable=1) == 0x1FF
    assert pack("LAPIC_BASE", 0xFEE00100, enable=1) == 0xFEE00900
    assert pack("RTE_LOW", vector=0x31, mode=1, trigger=1, mask=1) == 0x18131
    assert lookup("REQX").reset == 0x70F2 and lookup("REQX").write_mask == 0xFFFFF0FF
    assert lookup("RTE_LOW").reset == 0x10000 and lookup("RTE_LOW").write_mask == 0x1AFFF
    assert lookup("LAPIC_LVT_ERROR").reset == 0 and lookup("LAPIC_LVT_ERROR")["mask"].reset == 1
    assert lookup("VCPU_CTL").reset is None
    assert lookup("VCPU_CTL").reset_of(BIG, 259) == pack("VCPU_CTL", dom=8, apicid=3, k=3)
    assert mask("CTRL", "enable", "ioa_deleg") == 0x41
    assert address("IRT_HIGH", 2) == 0x4014 and regsel("RTE_HIGH", 2) == 0x15
    assert Command.BIND_PIRQ_VCPU == 0x20 and not Command.RESET.built and Errno.ENOSYS == 38


def test_pack_and_unpack_agree():
    rng = random.Random(1)
    for register in ALL:
        values = {part.name: rng.getrandbits(part.bits) for part in register.fields}
        word = pack(register.name, 0xFFFFFFFF, **values)
        assert unpack(register.name, word) == values
        every = [part.name for part in register.fields]
        assert word | mask(register.name, *every) == 0xFFFFFFFF


@pytest.mark.parametrize("call, text", [
    (lambda: pack("VCPU_CTL", lane=3), "VCPU_CTL has no field 'lane': it has online, freeze, dom,"),
    (lambda: pack("VCPU_CTL", k=64), "VCPU_CTL.k has 6 bits: 0..63, not 64"),
    (lambda: pack("VCPU_CTL", k=-1), "0..63, not -1"),
    (lambda: pack("VCPU_SHED"), "no register 'VCPU_SHED'; there is VCPU_SCHED"),
    (lambda: unpack("qqq", 0), "vapic regs lists them"),
    (lambda: address("VCPU_CTL"), r"VCPU_CTL takes 1 indices \(v\), not 0"),
    (lambda: address("RTE_LOW", 1), r"write regsel\('RTE_LOW', ...\) to IOA_REGSEL"),
    (lambda: regsel("CTRL"), "CTRL is on the bus"),
    (lambda: mask("CTRL", "on"), "CTRL has no field 'on'"),
])
def test_errors_name_the_value_and_the_mend(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_layouts():
    """An Amaranth layout has the fields at the bits that `pack` puts them to."""
    for register in ALL:
        layout = struct(register.name)
        for part in register.fields:
            assert (layout[part.name].offset, layout[part.name].width) == (part.low, part.bits)
        assert layout.size == register.fields[-1].top + 1
    with pytest.raises(ValueError, match="REQX has no fields colour"):
        struct("REQX", colour=3)
    head = kept(vcpu.REGISTERS, Keep.HEAD)
    assert head == {"online": 1, "freeze": 1, "dom": 4, "apicid": 8, "k": 6, "sched": 2, "rqpos": 8,
                    "upvec": 8, "upvec_valid": 1}


def test_what_is_not_built_reads_zero():
    """An access class that hides nothing: its documents have the specification's fields."""
    unbuilt = [register for register in ALL if not register.built]
    assert {"STORM", "VCPU_WEIGHT", "LAPIC_ICR_LOW", "EVT_RAISE_VIRQ"} <= {r.name for r in unbuilt}
    assert all(register.reset == 0 == register.write_mask for register in unbuilt)
    assert Access.W1C.readable and not Access.RC.writable


@pytest.mark.parametrize("keep, registers", [
    (Keep.FLOP, SETTINGS), (Keep.HEAD, (*vcpu.REGISTERS, *lapic.REGISTERS))])
def test_one_member_is_kept_by_one_register(keep, registers):
    """Two registers that call their members alike would share a flip-flop, silently."""
    owners = {}
    for register in registers:
        for member, _, _ in register.slots(keep) if register.built else ():
            assert owners.setdefault(member, register.name) == register.name, member
