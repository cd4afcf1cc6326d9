"""The pages of a vLAPIC (spec 3.1)."""

from ..core import Core
from ..vcpu import Vcpu
from .place import Access, BusError, Place, constant, unmapped

__all__ = ["resolve_lapic"]

_BASE = 0xFEE00000
_VERSION = 0x01050014
_RESERVED = {0x000, 0x010, 0x040, 0x050, 0x060, 0x070, 0x0C0, 0x3A0, 0x3B0, 0x3C0, 0x3D0, 0x3F0,
             *range(0x290, 0x300, 16)}
_CR8, _INTA, _EXTRA = 0xFA0, 0xFC0, (0xFB0, 0xFD0, 0xFE0)


def _apic_base(core: Core, vcpu: Vcpu) -> Place:
    apic = vcpu.apic
    first = (vcpu.k == 0) << 8

    def write(data: int) -> int:
        if data & ~0x900 != _BASE:
            raise BusError(None)
        if data & 0x800 and not apic.en:
            apic.reset(vcpu.apicid)
        apic.en = bool(data & 0x800)
        core.settle_vcpu(vcpu)
        return 0
    return Place(lambda: _BASE | first | apic.en << 11, write)


def _plain(core: Core, vcpu: Vcpu, offset: int) -> Place | None:
    """Registers with storage."""
    apic = vcpu.apic

    def put(name: str, value: int) -> int:
        setattr(apic, name, value)
        core.settle_vcpu(vcpu)
        return 0

    def svr(data: int) -> int:
        rose = data & 0x100 and not apic.svr_enabled
        apic.svr = data & 0x13FF
        if rose and vcpu.pend and vcpu.upvec_valid:
            vcpu.owed = True
        core.settle_vcpu(vcpu)
        return 0

    def eoi(_: int) -> int:
        core.eoi(vcpu)
        core.settle_vcpu(vcpu)
        return 0

    def esr(_: int) -> int:
        apic.latch_esr()
        return 0

    match offset:
        case 0x020:
            return Place(lambda: apic.id << 24, lambda data: put("id", data >> 24))
        case 0x030:
            return constant(_VERSION)
        case 0x080:
            return Place(lambda: apic.tpr, lambda data: put("tpr", data & 0xFF))
        case 0x090:
            return Place(lambda: apic.apr)
        case 0x0A0:
            return Place(lambda: apic.ppr)
        case 0x0B0:
            return Place(lambda: 0, eoi)
        case 0x0D0:
            return Place(lambda: apic.ldr << 24, lambda data: put("ldr", data >> 24))
        case 0x0E0:
            return Place(lambda: apic.dfr << 28 | 0x0FFFFFFF,
                         lambda data: put("dfr", data >> 28))
        case 0x0F0:
            return Place(lambda: apic.svr, svr)
        case 0x280:
            return Place(lambda: apic.esr, esr)
        case _:
            pass
    for base, name in ((0x100, "isr"), (0x180, "tmr"), (0x200, "irr")):
        if base <= offset < base + 0x80:
            return constant(getattr(apic, name) >> 2 * (offset - base) & 0xFFFF_FFFF)
    return None


def _handshake(core: Core, vcpu: Vcpu, offset: int) -> Place | None:
    """INTA and CR8 of soft CPUs (LAPIC-22)."""
    apic = vcpu.apic

    def inta() -> int:
        if vcpu.freeze:
            return apic.svr & 0xFF
        valid, vector = apic.inta()
        core.control.spurious += not valid
        core.settle_vcpu(vcpu)
        return valid << 31 | vector

    def cr8(data: int) -> int:
        apic.tpr = (data & 0xF) << 4
        core.settle_vcpu(vcpu)
        return 0

    if offset == _CR8:
        return Place(lambda: apic.tpr >> 4, cr8)
    return Place(inta) if offset == _INTA and apic.en else None


def resolve_lapic(core: Core, access: Access) -> Place:
    """Place in the pages of vLAPIC v, 0x400000 + 0x2000 v."""
    v, offset = access.address - 0x400000 >> 13, access.address & 0xFFF
    if v >= core.params.vcpus:
        raise unmapped()
    vcpu = core.vcpus[v]
    second = bool(access.address & 0x1000)
    if second and offset == 0xFF0:
        return _apic_base(core, vcpu)
    if place := _handshake(core, vcpu, offset):
        return place
    if second:
        raise BusError(None)
    if not vcpu.apic.en:
        return constant(0xFFFF_FFFF)
    if offset & 0xF or offset in _EXTRA:
        return constant()
    if place := _plain(core, vcpu, offset):
        return place
    if offset not in _RESERVED and offset < 0x400:
        return constant()

    def illegal() -> int:
        vcpu.apic.illegal_register()
        return 0
    return Place(illegal, lambda _: illegal())
