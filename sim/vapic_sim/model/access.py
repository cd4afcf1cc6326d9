"""One bus access: rights, place, byte selects, errors."""

from .core import Core
from .pages.control import resolve_global
from .pages.ioapic import resolve_io, resolve_table
from .pages.lapic import resolve_lapic
from .pages.place import Access, BusError, Place, unmapped
from .pages.vcpu import resolve_vcpu
from .pages.window import resolve_window
from .records import BusResult, Err

__all__ = ["perform"]


def _permitted(core: Core, access: Access) -> bool:
    """Access class of the address (spec 1.1, EVT-50)."""
    address = access.address
    if access.vmm:
        return True
    if address < 0x1000:
        return core.control.ioa_deleg and access.dom == core.control.ioa_owner
    if 0x100000 <= address < 0x140000:
        return address - 0x100000 >> 14 == access.dom
    return 0x400000 <= address < 0x800000 and address - 0x400000 >> 13 == access.vcpu


def _message(core: Core, access: Access) -> Place:
    """A write to 0xFEExxxxx is a message; its own record carries its effect."""
    if not access.write:
        raise unmapped()

    def send(data: int) -> int:
        if not core.recorded and not core.ioapic.msi(access.address, data):
            core.log(Err.MSI, access.address, access.dom)
        return 0
    return Place(lambda: 0, send)


def _resolve(core: Core, access: Access) -> Place:
    address = access.address
    if not _permitted(core, access):
        raise BusError(Err.ACCESS)
    if address < 0x1000:
        return resolve_io(core, access)
    if address < 0x2000:
        return resolve_global(core, access)
    if address < 0x8000:
        return resolve_table(core, access)
    if address < 0x10000:
        return resolve_vcpu(core, access)
    if 0x100000 <= address < 0x140000:
        return resolve_window(core, access)
    if 0x400000 <= address < 0x800000:
        return resolve_lapic(core, access)
    if address >> 20 == 0xFEE:
        return _message(core, access)
    raise unmapped()


def perform(core: Core, access: Access) -> BusResult:
    """Do an access; rights come before the map, the map before the byte selects."""
    try:
        place = _resolve(core, access)
        allowed = place.selects is None or access.sel in (0xF, *place.selects)
        if not allowed:
            core.log(Err.PARTIAL, access.address, access.dom)
        if not access.write:
            data = place.read()
        else:
            data = place.write(access.data) if allowed else 0
    except BusError as error:
        if error.err is not None:
            core.log(error.err, access.address, access.dom)
        return BusResult(0, True)
    if not core.recorded:
        core.refresh()
    return BusResult(data & 0xFFFF_FFFF)
