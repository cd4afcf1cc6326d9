"""The event window of a domain (EVT-01)."""

from ..commands import Issuer, command, fast
from ..core import Core
from ..records import Err, Mismatch
from .place import Access, BusError, Place, constant, register, unmapped

__all__ = ["resolve_window"]

_FAST = {0x1320: "send", 0x1324: "unmask", 0x1328: "pirq_eoi", 0x1330: "claim"}


def _refused(core: Core, access: Access) -> int:
    core.log(Err.EVENT_STORE, access.address, access.dom)
    return 0


def _vcpu_info(core: Core, access: Access, d: int, offset: int) -> Place:
    k, field = offset >> 6, offset & 0x3F
    if k >= core.params.lanes or field > 0xC:
        raise unmapped()
    dom, events = core.events.domains[d], core.events

    def upcall(data: int) -> int:
        events.set_upcall(
            d, k, pending=False if access.sel & 1 and not data & 0xFF else None,
            mask=bool(data & 0xFF00) if access.sel & 2 else None)
        return 0

    def take() -> int:
        word, dom.sel[k] = dom.sel[k], 0
        return word

    if field == 0:
        return Place(lambda: dom.upcall[k] | dom.upcall_mask[k] << 8, upcall, None)
    if field == 4:
        return Place(lambda: dom.sel[k], lambda _: _refused(core, access))
    if field == 8:
        return Place(take)
    return register(lambda: 0, lambda _: events.set_upcall(d, k, pending=False))


def _store_mask(core: Core, d: int, word: int, ones: int, zeros: int) -> None:
    """Set and clear mask bits in ascending order (EVT-15); recorded ones must have come."""
    dom = core.events.domains[d]
    for bit in range(32):
        p = 32 * word + bit
        if (ones | zeros) >> bit & 1:
            new = bool(ones >> bit & 1)
            if not core.recorded:
                core.events.set_mask(d, p, new)
            elif dom.mask >> p & 1 != new:
                raise Mismatch(f"the store to mask word {word} of domain {d} ended, but no "
                               f"MASK_BIT record made bit {bit} {int(new)}")


def _words(core: Core, access: Access, d: int, offset: int) -> Place:
    group, word = offset & ~0x7F, (offset & 0x7F) >> 2
    if group == 0x1280 and not access.vmm:
        raise BusError(Err.ACCESS)
    if word >= core.params.port_words:
        return Place(lambda: 0, selects=None if group == 0x1080 else ())
    dom = core.events.domains[d]
    lanes = sum(0xFF << 8 * i for i in range(4) if access.sel >> i & 1)

    def restore(data: int) -> None:
        dom.pending |= data << 32 * word

    def mask(data: int) -> int:
        _store_mask(core, d, word, data & lanes, ~data & lanes)
        return 0

    if group == 0x1000:
        return Place(lambda: dom.pending >> 32 * word & 0xFFFF_FFFF,
                     lambda _: _refused(core, access))
    if group == 0x1080:
        return Place(lambda: dom.mask >> 32 * word & 0xFFFF_FFFF, mask, None)
    if group == 0x1100:
        return register(lambda: 0, lambda data: core.events.clear_pending(d, data << 32 * word))
    if group == 0x1180:
        return register(lambda: 0, lambda data: _store_mask(core, d, word, data, 0))
    if group == 0x1200:
        return register(lambda: 0, lambda data: _store_mask(core, d, word, 0, data))
    return register(lambda: 0, restore)


def _command(core: Core, access: Access, d: int, offset: int) -> Place:
    k = None
    if not access.vmm:
        k = core.vcpus[access.vcpu].k if access.vcpu < core.params.vcpus else 0
    bank = core.events.domains[d].banks[-1 if k is None else k]
    who = Issuer(core.events, d, k, bank, core.present)
    if offset in (0x1300, 0x1304, 0x1308):
        i = offset - 0x1300 >> 2
        return register(lambda: bank.arg[i], lambda data: bank.arg.__setitem__(i, data))
    if offset == 0x130C:
        return Place(lambda: 0, lambda data: command(who, data))
    if offset in _FAST:
        return Place(lambda: 0, lambda data: fast(who, _FAST[offset], data))
    values = {0x1310: bank.result, 0x1314: bank.out[0], 0x1318: bank.out[1], 0x131C: 0,
              0x132C: bank.fastres}
    if offset in values:
        return constant(values[offset])
    if offset != 0x1340:
        raise unmapped()
    if not access.vmm:
        raise BusError(Err.ACCESS)
    return constant()


def resolve_window(core: Core, access: Access) -> Place:
    """Place in the window of domain d, 0x100000 + 0x4000 d."""
    d, offset = access.address - 0x100000 >> 14, access.address & 0x3FFF
    if d >= core.params.domains:
        raise unmapped()
    if offset < 0x1000:
        return _vcpu_info(core, access, d, offset)
    if offset < 0x1300:
        return _words(core, access, d, offset)
    if offset < 0x1400:
        return _command(core, access, d, offset)
    raise unmapped()
