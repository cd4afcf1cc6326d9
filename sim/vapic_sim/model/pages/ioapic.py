"""I/O APIC page, REQX, REQSTAT, PIRQ_OWNER and the MSI table."""

from ..core import Core
from ..records import Err
from .place import Access, Place, constant, register, unmapped

__all__ = ["resolve_io", "resolve_table"]

_FOREIGN_LOW = 0x10000


def _write_low(core: Core, n: int, data: int) -> None:
    core.wrote_entry(n)
    if core.requests[n].write_low(data):
        core.events.land_all(n)


def _write_dest(core: Core, n: int, data: int) -> None:
    core.wrote_entry(n)
    core.requests[n].dest = data >> 24


def _window(core: Core, access: Access, index: int) -> Place:
    """Register behind IOWIN (spec 2.1)."""
    io, params = core.ioapic, core.params

    def undefined() -> int:
        core.log(Err.INDEX, access.address, access.dom)
        return 0

    if index == 0:
        return register(lambda: io.id << 24, lambda data: setattr(io, "id", data >> 24 & 0xF))
    if index == 1:
        return constant(params.rtes - 1 << 16 | params.ioa_version)
    if index == 2:
        return constant(io.id << 24)
    n = index - 0x10 >> 1
    if not 0 <= n < params.rtes:
        return Place(undefined, lambda _: undefined())
    request = core.requests[n]
    if not access.vmm and not (request.owned and request.dom == access.dom):
        def refuse(_: int) -> int:
            core.log(Err.FOREIGN, access.address, access.dom)
            return 0
        return Place(lambda: 0 if index & 1 else _FOREIGN_LOW, refuse)
    if index & 1:
        return register(lambda: request.dest << 24, lambda data: _write_dest(core, n, data))
    return register(lambda: request.low, lambda data: _write_low(core, n, data))


def resolve_io(core: Core, access: Access) -> Place:
    """Place in the I/O APIC page."""
    io, bank = core.ioapic, int(access.vmm)
    offset = access.address & 0xFFF
    if offset == 0:
        def select(data: int) -> int:
            io.select[bank] = data & 0xFF
            return 0
        return Place(lambda: io.select[bank], select, (1,))
    if offset == 0x10:
        return _window(core, access, io.select[bank])
    if offset == 0x40 and core.params.ioa_version != 0x11:
        def eoi(data: int) -> None:
            if core.selection:
                core.selection.eoi_written = True
            for n in io.eoi(data & 0xFF, None if access.vmm else access.dom):
                core.events.land_all(n)
        return register(lambda: 0, eoi)

    def nothing() -> int:
        core.log(Err.INDEX, access.address, access.dom)
        return 0
    return Place(nothing, lambda _: nothing())


def _reqstat(core: Core, n: int) -> int:
    r = core.requests[n]
    serviceable = not core.request_fault(n) and not core.blocked(n) \
        and not r.parked and not r.waiting
    return (r.pend | (r.rirr and r.level) << 1 | bool(core.events.infl[n]) << 2 | r.err << 3
            | r.parked << 4 | serviceable << 5 | r.waiting << 6
            | (r.last[-1] if r.last else 0) << 8 | (r.last_port or 0) << 16)


def resolve_table(core: Core, access: Access) -> Place:
    """Place in REQX, REQSTAT, PIRQ_OWNER or the MSI table (0x2000..0x7FFF)."""
    address, params = access.address, core.params
    if 0x4000 <= address < 0x5000:
        if address - 0x4000 >> 3 >= params.irts:
            raise unmapped()
        n = params.rtes + (address - 0x4000 >> 3)
        request = core.requests[n]
        if address & 4:
            return register(lambda: request.dest << 24, lambda data: _write_dest(core, n, data))
        return register(lambda: request.low, lambda data: _write_low(core, n, data))
    n = (address & 0x7FF if address < 0x3000 else address & 0xFFF) >> 2
    if address >= 0x4000 or n >= params.pirqs:
        raise unmapped()
    request, flight = core.requests[n], core.events.infl

    def busy() -> None:
        core.log(Err.BUSY, address, access.dom)

    def reqx(data: int) -> None:
        if request.write_reqx(data, bool(flight[n])):
            core.wrote_entry(n)
        else:
            busy()

    def owner(data: int) -> None:
        if request.write_owner(data, params.domains, bool(flight[n] or core.events.group[n])):
            core.wrote_entry(n)
        else:
            busy()

    if address < 0x2800:
        return register(lambda: request.reqx, reqx)
    if address < 0x3000:
        return Place(lambda: _reqstat(core, n))
    return register(lambda: request.owner, owner)
