"""Global registers and those of selection (0x1000, 0x1100)."""

from ..core import Core
from .place import Access, Place, constant, register, unmapped

__all__ = ["resolve_global"]

#: Registers of features that are not built: STORM, PIRQ_TMO, IPI_UNCLAIMED, SCHEDRANK (unless
#: RUNFIRST is), and TRACE_DROP, whose FIFO the model has not.
_ZERO = (0x1020, 0x102C, 0x1030, 0x1034, 0x1108)


def resolve_global(core: Core, access: Access) -> Place:
    """Place in 0x1000..0x1FFF."""
    c, p, address = core.control, core.params, access.address

    def field(name: str, mask: int) -> Place:
        return register(lambda: getattr(c, name), lambda data: setattr(c, name, data & mask))

    if 0x1140 <= address < 0x1140 + 4 * p.domains:
        d = address - 0x1140 >> 2
        mask = (1 << max(1, (p.lanes - 1).bit_length())) - 1
        return register(lambda: c.rrptr[d], lambda data: c.rrptr.__setitem__(d, data & mask))
    if address == 0x1108 and "runfirst" in p.policies:
        return field("schedrank", 0xFF)
    if 0x1180 <= address < 0x1180 + 4 * p.domains or address in _ZERO:
        return constant()
    fields = {0x100C: ("ctrl", 0x7F), 0x1028: ("ioa_owner", 0xF), 0x1100: ("policy", 0xFF),
              0x1104: ("lpcfg", 0xB), 0x110C: ("pull", 0x1FF)}
    if address in fields:
        return field(*fields[address])
    counters = {0x1018: c.coalesced, 0x101C: c.parked, 0x1024: c.spurious, 0x1038: c.aborts}
    values = {0x1000: 0x44445631, 0x1004: p.vcpus | p.domains << 12 | p.rtes << 20,
              0x1008: p.ports | p.irts << 16, 0x1014: c.errinfo, 0x1110: 0} | counters
    if address in values:
        return constant(values[address] & 0xFFFF_FFFF)
    if address == 0x1010:
        return register(lambda: c.errstat, c.clear_errors)
    raise unmapped()
