"""VCPU[v]: placement, scheduling state, upcall vector and counters (0x8000)."""

from ..core import Core
from ..records import Err
from ..registers import CTL, LOAD, UPVEC, VCPU, VCPU_PAGE, VCPU_STRIDE
from .place import Access, Place, constant, register, tabled, unmapped

__all__ = ["resolve_vcpu"]

_BY_OFFSET = {row.offset: row for row in VCPU}


def resolve_vcpu(core: Core, access: Access) -> Place:
    """Place in 0x8000..0xFFFF."""
    v, offset = divmod(access.address - VCPU_PAGE, VCPU_STRIDE)
    row = _BY_OFFSET.get(offset)
    if v >= core.params.vcpus or row is None:
        raise unmapped()
    vcpu = core.vcpus[v]

    def ctl(data: int) -> None:
        if not core.recorded and not core.write_ctl(vcpu, data):
            core.log(Err.BUSY, access.address, access.dom)

    if not row.exists(core.params.policies):
        return constant()
    if row is CTL:
        return register(lambda: vcpu.ctl, ctl)
    if row is UPVEC:
        return register(lambda: vcpu.upvec | vcpu.upvec_valid << 8,
                        lambda data: core.write_upvec(vcpu, data))
    if row is LOAD:
        return constant(core.load(vcpu))
    return tabled(row, vcpu.kept, lambda: core.settle_vcpu(vcpu))
