"""A vCPU of the driver domain: handles physical interrupts and sends each on to a guest."""

from collections.abc import Mapping
from typing import Any

from .bus import BusMaster
from .vcpu import VCpu

__all__ = ["DriverVCpu"]


class DriverVCpu(VCpu):
    """Handler: the recorded service time, SEND to the guest, PIRQ EOI (EVT-40, EVT-52).

    Parameters
    ----------
    world, master, k, vector
        As `VCpu`.
    ledger : vapic_sim.run.ledger.Ledger
        Told when a handler starts, and which service time it has.

    Attributes
    ----------
    sources : mapping of int to int
        Interrupt number n of each of its ports.
    forward : mapping of int to int
        Interdomain port for each n.
    """

    def __init__(self, world: Any, master: BusMaster, *, k: int, vector: int, ledger: Any):
        super().__init__(world, master, k=k, vector=vector)
        self._ledger = ledger
        self.sources: Mapping[int, int] = {}
        self.forward: Mapping[int, int] = {}

    async def handle(self, port: int) -> None:
        """Handle one interrupt."""
        n = self.sources[port]
        await self.spend(self._ledger.start(n, self.v))
        await self.write("EVT_SEND", self.dom, value=self.forward[n])
        await self.write("EVT_PIRQ_EOI", self.dom, value=n)
        self._ledger.finish(n, self.v)
