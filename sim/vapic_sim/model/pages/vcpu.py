"""VCPU[v]: placement, scheduling state, upcall vector and counters (0x8000)."""

from ..core import Core
from ..records import Err
from .place import Access, Place, constant, register, unmapped

__all__ = ["resolve_vcpu"]

_UNBUILT = (0x08, 0x0C, 0x18, 0x1C, 0x20, 0x24)


def resolve_vcpu(core: Core, access: Access) -> Place:
    """Place in 0x8000..0xFFFF."""
    v, offset = access.address - 0x8000 >> 6, access.address & 0x3F
    if v >= core.params.vcpus or offset > 0x30:
        raise unmapped()
    vcpu = core.vcpus[v]

    def ctl(data: int) -> None:
        if not core.recorded and not core.write_ctl(vcpu, data):
            core.log(Err.BUSY, access.address, access.dom)

    def sched(data: int) -> None:
        vcpu.sched = data & 3
        core.settle_vcpu(vcpu)

    if offset == 0x00:
        return register(lambda: vcpu.ctl, ctl)
    if offset == 0x04:
        return register(lambda: vcpu.sched, sched)
    def rqpos(data: int) -> None:
        vcpu.rqpos = data & 0xFF

    if offset == 0x0C and "runfirst" in core.params.policies:
        return register(lambda: vcpu.rqpos, rqpos)
    if offset == 0x10:
        return register(lambda: vcpu.upvec | vcpu.upvec_valid << 8,
                        lambda data: core.write_upvec(vcpu, data))
    if offset in _UNBUILT:
        return constant()
    return constant({0x14: core.load(vcpu), 0x28: vcpu.grants, 0x2C: vcpu.wakes,
                     0x30: vcpu.aborts}[offset])
