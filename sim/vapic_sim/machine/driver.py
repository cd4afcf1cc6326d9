"""A vCPU of the driver domain: handles physical interrupts and sends each on to a guest."""

from collections.abc import Mapping
from typing import Protocol

from ..drivers import pirq_eoi, send
from ..world.world import World
from .bus import BusMaster
from .vcpu import VCpu

__all__ = ["Books", "DriverVCpu"]


class Books(Protocol):
    """Who is told of handlers, and knows how long each takes."""

    def start(self, n: int, v: int) -> int:
        """The handler of interrupt n starts on vCPU v; its service time in cycles."""
        ...

    def finish(self, n: int, v: int) -> None:
        """The handler of n on vCPU v has written PIRQ EOI."""
        ...


class DriverVCpu(VCpu):
    """Handler: the recorded service time, SEND to the guest, PIRQ EOI (EVT-40, EVT-52).

    Parameters
    ----------
    world, master, k, vector
        As `VCpu`.
    books : Books
        Told when a handler starts, and which service time it has.

    Attributes
    ----------
    sources : mapping of int to int
        Interrupt number n of each of its ports.
    forward : mapping of int to int
        Interdomain port for each n.
    """

    def __init__(self, world: World, master: BusMaster, *, k: int, vector: int, books: Books):
        super().__init__(world, master, k=k, vector=vector)
        self._books = books
        self.sources: Mapping[int, int] = {}
        self.forward: Mapping[int, int] = {}

    async def handle(self, port: int) -> None:
        """Handle one interrupt."""
        n = self.sources[port]
        await self.spend(self._books.start(n, self.v))
        await send(self, self.dom, self.forward[n])
        await pirq_eoi(self, self.dom, n)
        self._books.finish(n, self.v)
