"""Seeded random traffic over a whole controller, aimed at what meets what."""

from collections.abc import Awaitable, Callable
from functools import cache
from itertools import accumulate
from typing import Any

from vapic import regs

from ..machine.bus import BusError
from .stimuli import Stimuli

__all__ = ["Traffic"]

address = cache(regs.address)
_MSI = 0xFEE00018
_ALLOC, _INTERDOMAIN, _CLOSE, _SEND, _STATUS, _IPI, _UNMASK, _PIRQ = 6, 0, 3, 4, 5, 7, 9, 0x20


class Traffic(Stimuli):
    """Random operations of all roles, with lines that change while the bus is busy.

    Half of the bus operations are aimed: a request is raised, some cycles pass, and then something
    it meets is touched: its port, its entry, its target's scheduling state, enable or freeze.

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

    def __init__(self, rig: Any, seed: int):
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

    # Set-up.

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
            await self.access(address("VCPU_CTL", v), 1 | dom << 4 | v % 256 << 8 | k << 24)
            await self.access(address("VCPU_SCHED", v), rng.choice((0, 0, 1, 2)))
            await self.access(address("LAPIC_SVR", v), 0x1FF, v=v)
            await self.access(address("LAPIC_LDR", v), (1 << v % 8) << 24, v=v)
            if rng.random() < 0.5:
                await self.access(address("VCPU_UPVEC", v), 0x100 | self.vector())
        await self.access(address("PULL"), rng.choice((1, 1, 2, 0x101)))
        for n in range(c.pirqs):
            await self.entry(n)
            for k in range(c.lanes):
                if rng.random() < 0.7:
                    await self.command(0, _PIRQ, n, k)
        await self.command(1, _ALLOC, 0x7FF0, 0)
        await self.command(0, _INTERDOMAIN, 1, 1)
        await self.command(0, _IPI, 0)
        self._operations = self._overlapped = 0

    async def entry(self, n: int, high: int | None = None) -> None:
        """Write an entry anew, extension first."""
        c = self.config
        high = self.high() if high is None else high
        if self.rng.random() < 0.6:
            await self.access(address("REQX", n), self.reqx())
        if n < c.rtes:
            for index, value in ((0x11 + 2 * n, high), (0x10 + 2 * n, self.low())):
                await self.access(address("IOA_REGSEL"), index)
                await self.access(address("IOA_WIN"), value)
        else:
            await self.access(address("IRT_HIGH", n - c.rtes), high)
            await self.access(address("IRT_LOW", n - c.rtes), self.low())

    async def command(self, dom: int, command: int, *arguments: int, v: int | None = None) -> None:
        """An event-channel command, its arguments first."""
        for i, argument in enumerate(arguments):
            await self.access(address("EVT_ARG", dom, i), argument, v=v)
        await self.access(address("EVT_CMD", dom), command, v=v)

    # Operations.

    async def step(self) -> None:
        """One operation, aimed or not."""
        if self.rng.random() < 0.5:
            await self._aimed()
        else:
            await self.rng.choices(self._ACTS, cum_weights=self._WEIGHTS)[0][0](self)

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

    async def _aimed(self) -> None:
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
                aims = (2, 2, 3, 4, 5, 6, 7, 8, 10) if selection.choice.entry.evt else (
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
                await self.access(address("EVT_CMD", dom), _CLOSE)
            else:
                await self.command(dom, _CLOSE, port)
            await self.command(dom, _PIRQ, n, k)
        elif aim == 5:
            await self._freeze(v)
        elif aim == 6:
            await self.access(address("VCPU_SCHED", v), rng.choice((0, 0, 0, 1, 2, 3)))
            await self.access(address("VCPU_RQPOS", v), rng.choice((0, 1, 2, rng.getrandbits(8))))
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
        ctl = self.rig.model.core.vcpus[v].ctl & 0xFFFEFFFF
        await self.access(address("VCPU_CTL", v), ctl & ~2 if self.rng.random() < 0.6 else ctl | 2)

    async def _move(self) -> None:
        rng, v = self.rng, self.v()
        ctl = await self.access(address("VCPU_CTL", v))
        await self.access(address("VCPU_CTL", v), ctl & ~1)
        dom, k = self.dom(), rng.randrange(self.config.lanes + 1)
        await self.access(address("VCPU_CTL", v),
                          1 | dom << 4 | rng.randrange(8) << 8 | k << 24)

    async def _control(self) -> None:
        rng = self.rng
        name, value = rng.choice((
            ("CTRL", 1 | rng.getrandbits(7) & rng.getrandbits(7)), ("CTRL", rng.getrandbits(7)),
            ("CTRL", 1), ("POLICY", rng.getrandbits(8)), ("LPCFG", rng.getrandbits(4)),
            ("PULL", rng.choice((1, 2, 3, 0x101))),
            ("SCHEDRANK", rng.choice((0xD8, rng.getrandbits(8)))), ("ERRSTAT", self.word()),
            ("IOA_OWNER", self.dom())))
        await self.access(address(name), value)
        if name == "CTRL":
            await self.access(address("CTRL"), value | 1)

    async def _rotation(self) -> None:
        await self.access(address("RRPTR", self.dom()), self.rng.randrange(self.config.lanes))

    async def _owner(self) -> None:
        await self.access(address("PIRQ_OWNER", self.n()),
                          self.rng.choice((0x100, 0x100, 0x100, self.rng.randrange(0x200))))

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
        await self.access(address(self.rng.choice((
            "ID", "CAP0", "CAP1", "CTRL", "ERRSTAT", "ERRINFO", "COALESCED", "PARKED", "SPURIOUS",
            "ABORTS", "TRACE_DROP", "POLICY", "LPCFG", "PULL", "SCHEDRANK"))))

    async def _vcpu(self) -> None:
        name = self.rng.choice(("VCPU_CTL", "VCPU_SCHED", "VCPU_RQPOS", "VCPU_UPVEC", "VCPU_LOAD",
                                "VCPU_GRANTS", "VCPU_WAKES", "VCPU_ABORTS"))
        await self.access(address(name, self.v()))

    async def _upvec(self) -> None:
        await self.access(address("VCPU_UPVEC", self.v()),
                          (self.rng.random() < 0.8) << 8 | self.vector())

    async def _lapic_write(self) -> None:
        rng, v = self.rng, self.v()
        name, value = rng.choice((
            ("TPR", rng.getrandbits(8) & 0x7F), ("TPR", 0), ("CR8", rng.getrandbits(3)),
            ("SVR", 0x1FF), ("SVR", 0x1FF), ("SVR", rng.getrandbits(13)),
            ("LDR", self.word()), ("DFR", rng.choice((0xFFFFFFFF, 0xFFFFFFF, self.word()))),
            ("ID", rng.randrange(4) << 24), ("ESR", 0), ("EOI", 0), ("EOI", 0), ("EOI", 0)))
        await self.access(address(f"LAPIC_{name}", v), value, v=v)

    async def _base(self) -> None:
        v = self.v()
        value = await self.access(address("LAPIC_BASE", v), v=v)
        for change in (self.rng.choice((1 << 11, 1 << 11, 1 << 10, 1 << 13)), 0):
            await self.access(address("LAPIC_BASE", v), value ^ change, v=v)
        await self.access(address("LAPIC_SVR", v), 0x1FF, v=v)

    async def _lapic_read(self) -> None:
        rng, v = self.rng, self.v()
        if rng.random() < 0.4:
            place = address(rng.choice(("LAPIC_ISR", "LAPIC_IRR", "LAPIC_TMR")), v,
                            rng.randrange(8))
        elif rng.random() < 0.8:
            place = address("LAPIC_" + rng.choice((
                "ID", "VERSION", "TPR", "APR", "PPR", "LDR", "DFR", "SVR", "ESR", "CR8", "EOI",
                "INTA", "INTA")), v)
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
            command = rng.choice((_ALLOC, _INTERDOMAIN, _CLOSE, _SEND, _STATUS, _IPI, _UNMASK,
                                  _PIRQ, rng.randrange(40)))
            arguments = [rng.choice((0x7FF0, self.dom(), self.port(), self.n()))
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
            await self.access(address("VCPU_CTL", v), 1 | dom << 4 | v << 8 | k << 24)
        await self.access(address("VCPU_SCHED", v), rng.choice((0, 0, 2)))
        if not self.rig.model.core.vcpus[v].apic.en:
            await self.access(address("LAPIC_BASE", v),
                              await self.access(address("LAPIC_BASE", v)) | 1 << 11)
        for name, value in (("SVR", 0x1FF), ("DFR", 0xFFFFFFFF), ("TPR", 0)):
            await self.access(address(f"LAPIC_{name}", v), value, v=v)
        if not self.rig.model.core.requests[n].owned:
            await self.access(address("PIRQ_OWNER", n), 0x100)
        await self.access(address("EVT_MASK", 0, 0), 0)
        dom = self.rig.model.core.requests[n].dom
        await self.access(address("EVT_PIRQ_EOI", dom), n, v=v)
        if vcpu.dom == dom and vcpu.k not in self.rig.model.core.events.group[n]:
            await self.command(dom, _PIRQ, n, vcpu.k)
        await self.entry(n, 0xFF << 24)

    async def _retire(self) -> None:
        """End what is in service."""
        for v in range(min(self.config.vcpus, 4)):
            await self.access(address("LAPIC_EOI", v), 0, v=v)
        for n in range(self.config.pirqs):
            if self.rng.random() < 0.3:
                await self.access(address("EVT_PIRQ_EOI", 0), n, v=self.v())

    _ACTS: tuple[tuple[Callable[..., Awaitable[None]], int], ...] = (
        (_event, 20), (_lapic_write, 12), (_lapic_read, 10), (_entry, 5), (_ioapic, 4),
        (_status, 4), (_vcpu, 4), (_global, 3), (_upvec, 2), (_control, 2), (_rotation, 1),
        (_owner, 2), (_move, 1), (_base, 1), (_foreign, 3), (_heal, 6), (_retire, 5),
    )
    _WEIGHTS = tuple(accumulate(weight for _, weight in _ACTS))
