"""Random operations that are aimed at a selection: what it is about to choose is touched."""

from vapic.regs import Command, pack

from ..model.registers import VCPU
from .accesses import Accesses, address

__all__ = ["Aims"]

_MSI = 0xFEE00018
#: Registers that a vCPU has for a policy: name and bits.
_OF_POLICIES = [(f"VCPU_{register.name}", register.mask) for register in VCPU if register.policy]


class Aims(Accesses):
    """Raise a request, and touch its port, entry or target at the worst time."""

    async def _raise(self, n: int) -> None:
        if n >= self.config.rtes:
            await self.access(_MSI | (n - self.config.rtes) << 5, 0)
            return
        active = 0 if self.rig.model.core.requests[n].polarity else 1
        if self.rig.level(n) == active:
            self._drive(n, 1 - active)
            await self.rig.ticks(3)
        self._drive(n, active)

    def _wanted(self) -> int:
        """A request that a selection would follow, if one is found."""
        core = self.rig.model.core
        for _ in range(4):
            n = self.n()
            request = core.requests[n]
            if not (request.mask or request.rirr or request.err):
                break
        return n

    async def aim(self) -> None:
        """Raise a request, wait for its selection and touch what it is about to choose."""
        rng, core = self.rng, self.rig.model.core
        n, v, k, port = self._wanted(), self.v(), rng.randrange(self.config.lanes), self.port()
        aims = range(11)
        group, dom = core.events.group[n], core.requests[n].dom
        closing = bool(group) and core.requests[n].evt and rng.random() < 0.2
        if closing:
            # A command is in time only if its argument is there before.
            k = rng.choice(sorted(group))
            port = group[k]
            await self.access(address("EVT_ARG", dom, 0), port)
        await self._raise(n)
        selection = await self.rig.selection(16)
        if selection is not None:
            if closing:
                aims = (4,)
            elif selection.choice.targets:
                lane = rng.choice(selection.choice.targets)
                n, v, k, port = selection.n, lane.v, lane.k, lane.port or port
                aims = (2, 2, 2, 2, 3, 4, 5, 6, 7, 8, 10) if selection.choice.entry.evt else (
                    0, 0, 1, 1, 5, 6, 9, 10)
        dom = core.requests[n].dom
        aim = rng.choice(aims)
        # An access commits three to six cycles after it is issued, a grant ten or more.
        await self.rig.ticks(rng.randrange(9))
        bit, word = 1 << port % 32, port // 32
        if aim == 0:
            await self.access(address("LAPIC_INTA", v), v=v)
        elif aim == 1:
            await self.access(address("LAPIC_EOI", v), 0, v=v)
        elif aim == 2:
            await self.access(address("EVT_SEL_RC", dom, k))
        elif aim == 3:
            await self.access(address("EVT_MASK_W1S", dom, word), bit * 7 & 0xFFFFFFFF)
            await self.access(address("EVT_MASK_W1C", dom, word), bit * 7 & 0xFFFFFFFF)
        elif aim == 4:
            if closing:
                await self.access(address("EVT_CMD", dom), Command.CLOSE)
            else:
                await self.command(dom, Command.CLOSE, port)
            await self.command(dom, Command.BIND_PIRQ_VCPU, n, k)
        elif aim == 5:
            await self._freeze(v)
        elif aim == 6:
            await self.access(address("VCPU_SCHED", v), rng.choice((0, 0, 0, 1, 2, 3)))
            for name, mask in _OF_POLICIES:
                await self.access(address(name, v), rng.choice((
                    0, 1, 2, rng.getrandbits(mask.bit_length()))))
        elif aim == 7:
            await self.access(address("EVT_PIRQ_EOI", dom), n, v=v)
        elif aim == 8:
            await self.access(address("EVT_PENDING_W1C", dom, word), bit * 3 & 0xFFFFFFFF)
        elif aim == 9:
            await self.access(address("LAPIC_EOI", v), 0, v=v)
            await self.access(address("EVT_PIRQ_EOI", dom), n, v=v)
        else:
            await self.entry(n)
        if n < self.config.rtes and rng.random() < 0.7:
            self._drive(n, 0)

    async def _freeze(self, v: int) -> None:
        ctl = pack("VCPU_CTL", self.rig.model.core.vcpus[v].ctl, frozen=0)
        await self.access(address("VCPU_CTL", v),
                          pack("VCPU_CTL", ctl, freeze=self.rng.random() >= 0.6))
