"""Seeded random traffic over a whole controller, aimed at what meets what."""

from vapic.regs import SELF, Command, pack

from ..drivers import lapic_init, vmm_init
from .accesses import address
from .acts import DEPTHS, Acts
from .aims import Aims

__all__ = ["Traffic"]


class Traffic(Acts, Aims):
    """Random operations of all roles, with lines that change while the bus is busy.

    Half of the bus operations are aimed: a request is raised, some cycles pass, and then something
    it meets is touched: its port, its entry, its target's scheduling state, enable or freeze.
    Parameters and attributes are those of `Accesses`.
    """

    async def prepare(self) -> None:
        """Bring vCPUs online, mostly in domain 0, bind ports and open entries; nothing counts."""
        c, rng = self.config, self.rng
        held: dict[int, int] = {}
        for v in range(c.vcpus):
            dom = 0 if rng.random() < 0.75 and held.get(0, 0) < c.lanes else 1
            if held.get(dom, 0) >= c.lanes:
                continue
            k = held[dom] = held.get(dom, 0)
            held[dom] += 1
            await vmm_init(self.role(), v, dom=dom, k=k, sched=rng.choice((0, 0, 1, 2)))
            await lapic_init(self.role(v), v, ldr=1 << v % 8)
            if rng.random() < 0.5:
                await self.access(address("VCPU_UPVEC", v),
                                  pack("VCPU_UPVEC", vector=self.vector(), valid=1))
        await self.access(address("PULL"), rng.choice((DEPTHS[0], *DEPTHS)))
        for n in range(c.pirqs):
            await self.entry(n)
            for k in range(c.lanes):
                if rng.random() < 0.7:
                    await self.command(0, Command.BIND_PIRQ_VCPU, n, k)
        await self.command(1, Command.ALLOC_UNBOUND, SELF, 0)
        await self.command(0, Command.BIND_INTERDOMAIN, 1, 1)
        await self.command(0, Command.BIND_IPI, 0)
        self._operations = self._overlapped = 0

    async def step(self) -> None:
        """One operation, aimed or not."""
        if self.rng.random() < 0.5:
            await self.aim()
        else:
            await self.act()
