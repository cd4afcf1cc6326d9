"""Devices that interrupt by writing a message."""

from ..world.port import Testbench
from .bus import BusMaster

__all__ = ["MsiDevice"]


class MsiDevice:
    """A device with messages in remappable format (MSI-04).

    Parameters
    ----------
    master : BusMaster
        Its way to memory: the VMM's on ``bus``, or any on ``msi_bus``.
    handle : int
        Handle of its first MSI table entry, 0..0xFFFF.

    Raises
    ------
    ValueError
        If the handle does not fit.
    """

    def __init__(self, master: BusMaster, handle: int):
        if not 0 <= handle <= 0xFFFF:
            raise ValueError(f"handle must be 0..0xffff, not {handle!r}")
        self._master = master
        self.handle = handle

    def message(self, subhandle: int | None = None) -> tuple[int, int]:
        """Address and data of a message for table entry ``handle + subhandle``.

        Without a subhandle the message says so (SHV=0), and its data do not count.
        """
        if subhandle is not None and not 0 <= subhandle <= 0xFFFF:
            raise ValueError(f"subhandle must be 0..0xffff, not {subhandle!r}")
        address = (0xFEE << 20 | (self.handle & 0x7FFF) << 5 | 1 << 4
                   | (subhandle is not None) << 3 | self.handle >> 15 << 2)
        return address, subhandle or 0

    async def send(self, ctx: Testbench, subhandle: int | None = None) -> None:
        """Write a message; returns when it is acknowledged."""
        address, data = self.message(subhandle)
        await self._master.write(ctx, address, data)
