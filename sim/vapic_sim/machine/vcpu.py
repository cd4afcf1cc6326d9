"""The software of one vCPU: takes upcalls by vector, handles its ports, ends interrupts."""

from abc import ABC, abstractmethod
from functools import cache

from vapic import regs

from ..drivers import eoi, inta, upcall_loop
from ..world.world import World
from .bus import BusMaster

__all__ = ["VCpu"]

address = cache(regs.address)


class VCpu(ABC):
    """One vCPU, which runs only while its gate is open.

    It waits for ``irq[v]`` and then does what a paravirtual kernel with an upcall vector does
    (LAPIC-22, EVT-13): INTA, UPCALL_ACK, SEL_RC, for each selected word pending and mask, for
    each of its ports W1C and the handler, in the end EOI. The gate is looked at before every bus
    access, and handlers use up run time; so it may be preempted anywhere and resumes there.

    Parameters
    ----------
    world : World
        Time.
    master : BusMaster
        Its way to the controller, with its own number and domain.
    k : int
        Its number in its domain.
    vector : int
        Vector that UPVEC injects.

    Attributes
    ----------
    running : bool
        The gate; `gate` sets it.
    working : bool
        Between the interrupt and its EOI.
    ports : set of int
        Ports that notify this vCPU; others in a word are left alone (EVT-26).
    """

    def __init__(self, world: World, master: BusMaster, *, k: int, vector: int):
        self.world, self.master, self.k, self.vector = world, master, k, vector
        self.v, self.dom = master.vcpu, master.dom
        self.running = self.working = False
        self.ports: set[int] = set()
        self._ran = self._opened = 0

    @property
    def ran(self) -> int:
        """Cycles that the gate was open so far."""
        return self._ran + (self.world.now - self._opened if self.running else 0)

    def gate(self, running: bool) -> None:
        """Let it run, or stop it before its next instruction."""
        if running != self.running:
            self._ran = self.ran
            self._opened = self.world.now
            self.running = running

    async def main(self) -> None:
        """Software, for ever."""
        while True:
            await self.world.when(lambda: self.running and self.world.irq >> self.v & 1)
            self.working = True
            await self._interrupt()
            self.working = False

    @abstractmethod
    async def handle(self, port: int) -> None:
        """Handle the event of one port; what it is depends on the kind of vCPU."""

    async def read(self, name: str, *index: int) -> int:
        """Read a register, when running."""
        await self._wait_for_gate()
        return await self.master.read(self.world.ctx, address(name, *index))

    async def write(self, name: str, *index: int, value: int = 0) -> None:
        """Write a register, when running."""
        await self._wait_for_gate()
        await self.master.write(self.world.ctx, address(name, *index), value)

    async def spend(self, cycles: int) -> None:
        """Use up run time."""
        end = self.ran + cycles
        while self.ran < end:
            await self._wait_for_gate()
            await self.world.when(lambda: not self.running,
                                  until=self.world.now + end - self.ran)

    async def _wait_for_gate(self) -> None:
        if not self.running:
            await self.world.when(lambda: self.running)

    async def _interrupt(self) -> None:
        taken = await inta(self, self.v)
        if taken is None:
            return
        if taken != self.vector:
            raise RuntimeError(f"vCPU {self.v}: INTA gave vector {taken:#x}, "
                               f"not {self.vector:#x}")
        await upcall_loop(self, self.dom, self.k, self.ports, self.handle)
        await eoi(self, self.v)
