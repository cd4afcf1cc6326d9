"""Global registers and those of selection (0x1000, 0x1100)."""

from ..core import Core
from ..registers import CAP0, CAP1, ERRSTAT, GLOBAL, GLOBAL_PAGE, ID
from .place import Access, Place, constant, register, tabled, unmapped

__all__ = ["resolve_global"]

_BY_OFFSET = {row.offset: row for row in GLOBAL}
_RRPTR, _SVC = 0x140, 0x180


def resolve_global(core: Core, access: Access) -> Place:
    """Place in 0x1000..0x1FFF."""
    c, p, offset = core.control, core.params, access.address - GLOBAL_PAGE
    if _RRPTR <= offset < _RRPTR + 4 * p.domains:
        d = offset - _RRPTR >> 2
        mask = (1 << max(1, (p.lanes - 1).bit_length())) - 1
        return register(lambda: c.rrptr[d], lambda data: c.rrptr.__setitem__(d, data & mask))
    if _SVC <= offset < _SVC + 4 * p.domains:
        return constant()
    row = _BY_OFFSET.get(offset)
    if row is None:
        raise unmapped()
    if not row.exists(p.policies):
        return constant()
    if row is ERRSTAT:
        return register(lambda: c.kept[ERRSTAT], c.clear_errors)
    sizes = {ID: 0x44445631, CAP0: p.vcpus | p.domains << 12 | p.rtes << 20,
             CAP1: p.ports | p.irts << 16}
    return constant(sizes[row] & 0xFFFF_FFFF) if row in sizes else tabled(row, c.kept)
