"""A guest's vCPU: consumes the events that the driver domain sends on."""

from ..world.world import World
from .bus import BusMaster
from .vcpu import VCpu

__all__ = ["GuestVCpu"]


class GuestVCpu(VCpu):
    """Handler: counts the event and takes a fixed time.

    Parameters
    ----------
    world, master, k, vector
        As `VCpu`.
    service : int
        Cycles for one event.

    Attributes
    ----------
    events : int
        Events consumed; a port that is sent on again before it was consumed counts once.
    """

    def __init__(self, world: World, master: BusMaster, *, k: int, vector: int, service: int):
        super().__init__(world, master, k=k, vector=vector)
        self._service = service
        self.events = 0

    async def handle(self, port: int) -> None:
        """Consume one event."""
        self.events += 1
        await self.spend(self._service)
