"""The pages of a vLAPIC (spec 3.1)."""

from ..core import Core
from ..registers import APR, EOI, ESR, LAPIC, PPR, SPURIOUS, SVR, TPR, VERSION
from ..vcpu import Vcpu
from .place import Access, BusError, Place, constant, tabled, unmapped

__all__ = ["resolve_lapic"]

_BY_OFFSET = {row.offset: row for row in LAPIC}
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
    """Registers of the table, and bitmaps."""
    apic, row = vcpu.apic, _BY_OFFSET.get(offset)

    def svr(data: int) -> int:
        rose = data & 0x100 and not apic.svr_enabled
        apic.kept[SVR] = data & SVR.mask
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

    if row is VERSION:
        return constant(_VERSION)
    if row is APR:
        return Place(lambda: apic.apr)
    if row is PPR:
        return Place(lambda: apic.ppr)
    if row is EOI:
        return Place(lambda: 0, eoi)
    if row is SVR:
        return Place(lambda: apic.svr, svr)
    if row is ESR:
        return Place(lambda: apic.esr, esr)
    if row is not None:
        return tabled(row, apic.kept, lambda: core.settle_vcpu(vcpu))
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
        core.control.kept[SPURIOUS] += not valid
        core.settle_vcpu(vcpu)
        return valid << 31 | vector

    def cr8(data: int) -> int:
        apic.kept[TPR] = (data & 0xF) << 4
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
