"""Random operations of every kind, each for itself."""

from collections.abc import Awaitable, Callable
from itertools import accumulate

from vapic.regs import SELF, Command, mask, pack

from ..model.registers import CTRL, ERRSTAT, GLOBAL, IOA_OWNER, LAPIC, PULL, VCPU, Kind
from ..model.selection import choose
from .accesses import Accesses, address

__all__ = ["DEPTHS", "Acts"]

_ON = pack("LAPIC_SVR", vector=0xFF, enable=1)
_ENABLE = mask("LAPIC_BASE", "enable")
_COMMANDS = (
    Command.ALLOC_UNBOUND, Command.BIND_INTERDOMAIN, Command.CLOSE, Command.SEND, Command.STATUS,
    Command.BIND_IPI, Command.UNMASK, Command.BIND_PIRQ_VCPU)
_OWNED = pack("PIRQ_OWNER", dom=0, valid=1)
#: Values of PULL; the first is that of reset.
DEPTHS = [pack("PULL", depth=depth, wake=wake)
          for depth, wake in ((1, 0), (2, 0), (3, 0), (1, 1), (4, 1), (8, 0), (20, 0))]
#: Global registers that are written, CTRL more often than others.
_SETTINGS = [CTRL, CTRL, ERRSTAT, *(row for row in GLOBAL if row.kind == Kind.PLAIN)]
_LAPIC_READS = [*(row.name for row in LAPIC), "CR8", "INTA", "INTA"]


class Acts(Accesses):
    """Whatever a VMM and its guests may do, sensible or not."""

    async def act(self) -> None:
        """One of them, some more often than others."""
        await self.rng.choices(self._ACTS, cum_weights=self._WEIGHTS)[0][0](self)

    async def _move(self) -> None:
        rng, v = self.rng, self.v()
        ctl = await self.access(address("VCPU_CTL", v))
        await self.access(address("VCPU_CTL", v), pack("VCPU_CTL", ctl, online=0))
        dom, k = self.dom(), rng.randrange(min(64, self.config.lanes + 1))
        await self.access(address("VCPU_CTL", v), pack(
            "VCPU_CTL", online=1, dom=dom, apicid=rng.randrange(8), k=k))

    async def _control(self) -> None:
        rng = self.rng
        row = rng.choice(_SETTINGS)
        any_value = rng.getrandbits(row.mask.bit_length())
        if row is CTRL:
            value = rng.choice((1, any_value, 1 | any_value & rng.getrandbits(7)))
        elif row is PULL:
            value = rng.choice(DEPTHS)
        elif row is IOA_OWNER:
            value = self.dom()
        elif row is ERRSTAT:
            value = any_value
        else:
            value = rng.choice((row.reset, any_value))
        await self.access(address(row.name), value)
        if row is CTRL:
            await self.access(address("CTRL"), value | 1)

    async def _rotation(self) -> None:
        await self.access(address("RRPTR", self.dom()), self.rng.randrange(self.config.lanes))

    async def _owner(self) -> None:
        await self.access(address("PIRQ_OWNER", self.n()),
                          self.rng.choice((_OWNED, _OWNED, _OWNED, self.rng.randrange(2 * _OWNED))))

    async def _entry(self) -> None:
        await self.entry(self.n())

    async def _ioapic(self) -> None:
        rng = self.rng
        await self.access(address("IOA_REGSEL"), rng.randrange(0x12 + 2 * self.config.rtes))
        await self.access(address("IOA_WIN"))
        if rng.random() < 0.3:
            await self.access(address("IOA_EOI"), self.vector())

    async def _status(self) -> None:
        await self.access(address(self.rng.choice(("REQSTAT", "REQX", "PIRQ_OWNER")), self.n()))

    async def _global(self) -> None:
        await self.access(address(self.rng.choice(GLOBAL).name))

    async def _vcpu(self) -> None:
        await self.access(address(f"VCPU_{self.rng.choice(VCPU).name}", self.v()))

    async def _upvec(self) -> None:
        await self.access(address("VCPU_UPVEC", self.v()),
                          pack("VCPU_UPVEC", valid=self.rng.random() < 0.8, vector=self.vector()))

    async def _lapic_write(self) -> None:
        rng, v = self.rng, self.v()
        name, value = rng.choice((
            ("TPR", rng.getrandbits(8) & 0x7F), ("TPR", 0), ("CR8", rng.getrandbits(3)),
            ("SVR", _ON), ("SVR", _ON), ("SVR", rng.getrandbits(13)),
            ("LDR", self.word()), ("DFR", rng.choice((0xFFFFFFFF, 0xFFFFFFF, self.word()))),
            ("ID", pack("LAPIC_ID", id=rng.randrange(4))),
            ("ESR", 0), ("EOI", 0), ("EOI", 0), ("EOI", 0)))
        await self.access(address(f"LAPIC_{name}", v), value, v=v)

    async def _base(self) -> None:
        v = self.v()
        value = await self.access(address("LAPIC_BASE", v), v=v)
        for change in (self.rng.choice((
                _ENABLE, _ENABLE, mask("LAPIC_BASE", "x2apic"), 1 << 13)), 0):
            await self.access(address("LAPIC_BASE", v), value ^ change, v=v)
        await self.access(address("LAPIC_SVR", v), _ON, v=v)

    async def _lapic_read(self) -> None:
        rng, v = self.rng, self.v()
        if rng.random() < 0.4:
            place = address(rng.choice(("LAPIC_ISR", "LAPIC_IRR", "LAPIC_TMR")), v,
                            rng.randrange(8))
        elif rng.random() < 0.8:
            place = address(f"LAPIC_{rng.choice(_LAPIC_READS)}", v)
        else:
            place = 0x400000 + 0x2000 * v + rng.randrange(0, 0x1000, 4)
        await self.access(place, v=v)

    async def _event(self) -> None:
        rng, v = self.rng, self.rng.choice((None, self.v()))
        dom = self.dom() if v is None else self.rig.master(v).dom
        dom = min(dom, self.config.domains - 1)
        kind = rng.randrange(9)
        if kind < 3:
            name = rng.choice(("EVT_SEND", "EVT_UNMASK", "EVT_CLAIM", "EVT_PIRQ_EOI"))
            value = self.n() if name == "EVT_PIRQ_EOI" else self.port()
            await self.access(address(name, dom), value, v=v)
            await self.access(address("EVT_FASTRES", dom), v=v)
        elif kind == 3:
            command = rng.choice((*_COMMANDS, rng.randrange(40)))
            arguments = [rng.choice((SELF, self.dom(), self.port(), self.n()))
                         for _ in range(3)]
            await self.command(dom, command, *arguments, v=v)
            await self.access(address("EVT_RESULT", dom), v=v)
            await self.access(address("EVT_OUT", dom, rng.randrange(2)), v=v)
        elif kind < 6:
            name = rng.choice(("EVT_PENDING", "EVT_MASK"))
            await self.access(address(name, dom, rng.randrange(32)), v=v)
        elif kind == 6:
            name = rng.choice(("EVT_MASK", "EVT_MASK_W1S", "EVT_MASK_W1C", "EVT_MASK_W1C",
                               "EVT_PENDING_W1C", "EVT_PENDING_W1C", "EVT_PENDING",
                               "EVT_PENDING_W1S"))
            await self.access(address(name, dom, rng.randrange(2)),
                              self.word() & self.word() & self.word(), v=v)
        else:
            k = rng.randrange(self.config.lanes)
            name = rng.choice(("EVT_UPCALL", "EVT_SEL", "EVT_SEL_RC", "EVT_UPCALL_ACK"))
            data = None
            if name == "EVT_UPCALL_ACK" or (name == "EVT_UPCALL" and rng.random() < 0.6):
                data = rng.choice((0, 0, 0x100, 0x101, self.word()))
            await self.access(address(name, dom, k), data, v=v,
                              sel=rng.choice((0xF, 0xF, 1, 2, 3)) if data is not None else 0xF)

    async def _foreign(self) -> None:
        place = self.rng.choice((self.rng.randrange(0, 0x10000, 4),
                                 self.rng.randrange(0, 0x800000, 4), self.word() & ~3))
        sel = self.rng.choice((0xF, 0xF, 0xF, 0x1, 0x3))
        # A stray write may do anything that its master may do, so it is a guest's.
        await self.access(place, self.word() if self.rng.random() < 0.5 else None,
                          v=self.config.vcpus - 1, sel=sel)

    async def _heal(self) -> None:
        """Bring one vCPU and one entry, if any one that rests, back to work.

        Else the machine clogs: what nobody may have is looked at over and over.
        """
        core, rng = self.rig.model.core, self.rng
        v = rng.choice((self.v(), rng.randrange(self.config.vcpus)))
        n = rng.choice((self.n(), *sorted(core.resting)))
        vcpu = core.vcpus[v]
        if vcpu.freeze or not vcpu.online:
            dom, k = (vcpu.dom, vcpu.k) if vcpu.online else (0, v % self.config.lanes)
            await self.access(address("VCPU_CTL", v), pack(
                "VCPU_CTL", online=1, dom=dom, apicid=v % 256, k=k))
        await self.access(address("VCPU_SCHED", v), rng.choice((0, 0, 2)))
        if not self.rig.model.core.vcpus[v].apic.en:
            await self.access(address("LAPIC_BASE", v),
                              await self.access(address("LAPIC_BASE", v)) | _ENABLE)
        for name, value in (("SVR", _ON), ("DFR", 0xFFFFFFFF), ("TPR", 0)):
            await self.access(address(f"LAPIC_{name}", v), value, v=v)
        if not self.rig.model.core.requests[n].owned:
            await self.access(address("PIRQ_OWNER", n), _OWNED)
        await self.access(address("EVT_MASK", 0, 0), 0)
        dom = self.rig.model.core.requests[n].dom
        await self.access(address("EVT_PIRQ_EOI", dom), n, v=v)
        if vcpu.dom == dom and vcpu.k not in self.rig.model.core.events.group[n]:
            await self.command(dom, Command.BIND_PIRQ_VCPU, n, vcpu.k)
        await self.entry(n, pack("RTE_HIGH", dest=0xFF))

    async def _retire(self) -> None:
        """End what is in service."""
        for v in range(min(self.config.vcpus, 4)):
            await self.access(address("LAPIC_EOI", v), 0, v=v)
        for n in range(self.config.pirqs):
            if self.rng.random() < 0.3:
                await self.access(address("EVT_PIRQ_EOI", 0), n, v=self.v())

    async def _room(self) -> None:
        """Make room for a request that waits for it, if there is one.

        PULL is written, or a vCPU that might have the request ends all that it has.
        """
        core, rng = self.rig.model.core, self.rng
        if rng.random() < 0.4:
            await self.access(address("PULL"), rng.choice(DEPTHS))
            return
        waiting = [n for n in sorted(core.resting) if core.requests[n].waiting]
        n = rng.choice(waiting or [self.n()])
        might = choose(core.entry_view(n), core.lane_views(n), core.terms(n)).eligible
        v = rng.choice([lane.v for lane in might] or [self.v()])
        apic, k = core.vcpus[v].apic, core.vcpus[v].k
        dom = core.vcpus[v].dom
        for n, flight in enumerate(core.events.infl):
            if flight >> k & 1 and core.requests[n].dom == dom:
                await self.access(address("EVT_PIRQ_EOI", dom), n, v=v)
        await self.access(address("LAPIC_SVR", v), _ON, v=v)
        await self.access(address("LAPIC_TPR", v), 0, v=v)
        for _ in range(apic.isr.bit_count()):
            await self.access(address("LAPIC_EOI", v), 0, v=v)
        for _ in range(apic.irr.bit_count()):
            await self.access(address("LAPIC_INTA", v), v=v)
            await self.access(address("LAPIC_EOI", v), 0, v=v)
        await self.access(address("VCPU_SCHED", v), rng.choice((0, 0, 2)))

    _ACTS: tuple[tuple[Callable[..., Awaitable[None]], int], ...] = (
        (_event, 20), (_lapic_write, 12), (_lapic_read, 10), (_entry, 5), (_ioapic, 4),
        (_status, 4), (_vcpu, 4), (_global, 3), (_upvec, 2), (_control, 2), (_rotation, 1),
        (_owner, 2), (_move, 1), (_base, 1), (_foreign, 3), (_heal, 6), (_retire, 5), (_room, 9),
    )
    _WEIGHTS = tuple(accumulate(weight for _, weight in _ACTS))
