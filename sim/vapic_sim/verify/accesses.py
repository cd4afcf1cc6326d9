"""Bus accesses and line changes of random traffic, counted and written down."""

from functools import cache

from vapic import regs

from ..drivers import entry_write, issue
from ..machine.bus import BusError
from .rig import Rig
from .stimuli import Stimuli

__all__ = ["Accesses", "address"]

address = cache(regs.address)


class Accesses(Stimuli):
    """Operations on the bus and the lines of a rig.

    Parameters
    ----------
    rig : Rig
        The bench; call from within a scenario.
    seed : int
        Of all choices.

    Attributes
    ----------
    issued : list of (int, int, tuple)
        Bus accesses: cycles of issue and acknowledge, and (vmm, dom, vcpu, address, write, data,
        sel).
    """

    def __init__(self, rig: Rig, seed: int):
        super().__init__(rig.config, seed)
        self.rig = rig
        self._idle, self._shaker = rig.dut.idle, rig.bench.shaker
        self.issued: list[tuple[int, int, tuple]] = []
        self._operations = self._overlapped = self._last = 0
        rig.ctx.set(self._shaker.seed, self.rng.randrange(1, 1 << 32))

    # Lines.

    def shake(self, on: bool) -> None:
        """Let lines change by themselves while the bus is busy, or not."""
        self.rig.ctx.set(self._shaker.run, int(on))

    @property
    def operations(self) -> int:
        """Bus accesses and line changes so far."""
        return self._operations + self.rig.ctx.get(self._shaker.changes)

    @property
    def overlapped(self) -> int:
        """Those issued while another operation or a selection was under way."""
        return self._overlapped + self.rig.ctx.get(self._shaker.overlapped)

    # Issuing.

    def due(self, every: int = 250) -> bool:
        """Whether so many operations have passed since this was last true."""
        operations = self.operations
        if operations - self._last < every:
            return False
        self._last = operations
        return True

    def _count(self) -> None:
        self._operations += 1
        self._overlapped += not self.rig.ctx.get(self._idle)

    async def access(self, place: int, data: int | None = None, *, v: int | None = None,
                     sel: int = 0xF) -> int:
        """One bus access as the VMM or as vCPU v; a bus error counts as 0."""
        rig = self.rig
        self._count()
        master = rig.vmm if v is None else rig.master(v)
        begin, value = rig.cycle, 0
        key = (master.vmm, master.dom, master.vcpu, place, data is not None, data or 0, sel)
        try:
            if data is None:
                value = await master.read(rig.ctx, place, sel=sel)
            else:
                await master.write(rig.ctx, place, data, sel=sel)
        except BusError:
            pass
        self.issued.append((begin, rig.cycle, key))
        return value

    def _drive(self, n: int, level: int) -> None:
        self._count()
        self.rig.line(n, level)

    # What belongs together.

    def role(self, v: int | None = None) -> "_Role":
        """Registers as the VMM or as vCPU v, for drivers."""
        return _Role(self, v)

    async def entry(self, n: int, high: int | None = None) -> None:
        """Write an entry anew, extension first."""
        high = self.high() if high is None else high
        if self.rng.random() < 0.6:
            await self.access(address("REQX", n), self.reqx())
        await entry_write(self.role(), n, rtes=self.config.rtes, high=high, low=self.low())

    async def command(self, dom: int, command: int, *arguments: int, v: int | None = None) -> None:
        """An event-channel command, its arguments first."""
        await issue(self.role(v), dom, command, *arguments)


class _Role:
    """Registers by name, each access counted."""

    def __init__(self, accesses: Accesses, v: int | None):
        self._accesses, self._v = accesses, v

    async def read(self, name: str, *index: int) -> int:
        return await self._accesses.access(address(name, *index), v=self._v)

    async def write(self, name: str, *index: int, value: int = 0) -> None:
        await self._accesses.access(address(name, *index), value, v=self._v)
