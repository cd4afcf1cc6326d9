"""The VMM: sets up a machine for the main job and schedules its vCPUs on physical CPUs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from vapic import regs
from vapic.layouts import Policy, SchedState
from vapic.regs import pack

from ..drivers import (
    alloc_unbound,
    bind,
    bind_interdomain,
    entry_init,
    entry_write,
    lapic_init,
    upcall_init,
    vmm_init,
)
from ..world.world import World
from .bus import SharedBus
from .driver import DriverVCpu
from .vcpu import VCpu

__all__ = ["Entry", "Vmm"]

address = cache(regs.address)
_DRIVER = 0


@dataclass(frozen=True)
class Entry:
    """How the VMM sets up one interrupt source.

    Parameters
    ----------
    policy : Policy
        ``STATIC``: mode 000, physical destination `target`; else mode 001, to all.
    target : int
        APIC ID of a static entry.
    guest : int
        Domain to which it is sent on.
    """

    policy: Policy
    target: int
    guest: int


class Vmm:
    """Set-up and scheduler, as bus accesses of the VMM role.

    Parameters
    ----------
    world : World
        Time.
    bus : SharedBus
        Way to the controller; each access has a turn of its own, as several CPUs run the VMM.
    rtes : int
        Pins; sources beyond them are MSI table entries.

    Attributes
    ----------
    watch_sched : callable or None
        Called with v and its state after each write of SCHED.
    """

    def __init__(self, world: World, bus: SharedBus, *, rtes: int):
        self._world, self._bus, self._rtes = world, bus, rtes
        self._woken = 0
        self._halted = False
        self.watch_sched: Callable[[int, SchedState], None] | None = None

    async def read(self, name: str, *index: int) -> int:
        """Read a register."""
        return await self._bus.master().read(self._world.ctx, address(name, *index))

    async def write(self, name: str, *index: int, value: int = 0) -> None:
        """Write a register."""
        await self._bus.master().write(self._world.ctx, address(name, *index), value)

    # Set-up.

    async def online(self, vcpu: VCpu) -> None:
        """Bring a vCPU online in its domain, with APIC ID = v and its APIC on."""
        await vmm_init(self, vcpu.v, dom=vcpu.dom, k=vcpu.k)
        await lapic_init(self, vcpu.v, base=True)

    async def upcalls(self, vcpu: VCpu) -> None:
        """Clear what set-up left of events, then have upcalls injected by vector."""
        await upcall_init(self, vcpu.v, dom=vcpu.dom, k=vcpu.k, vector=vcpu.vector)

    async def source(self, n: int, entry: Entry, vcpus: Sequence[DriverVCpu],
                     guests: Mapping[int, VCpu]) -> None:
        """Set up interrupt n: owner, a port for every driver vCPU, the way to the guest, entry.

        One occurrence is in flight at a time (REQX.ser), as the handlers of one device are not
        written to run on two CPUs at once.
        """
        dynamic = entry.policy != Policy.STATIC
        await entry_init(self, n, dom=_DRIVER, policy=int(entry.policy) if dynamic else 0,
                         learn=entry.policy == Policy.STICKY)
        for vcpu in vcpus:
            port = await bind(self, _DRIVER, n, vcpu.k)
            vcpu.ports.add(port)
            vcpu.sources[port] = n
        remote = await alloc_unbound(self, entry.guest, _DRIVER)
        guests[entry.guest].ports.add(remote)
        local = await bind_interdomain(self, _DRIVER, entry.guest, remote)
        for vcpu in vcpus:
            vcpu.forward[n] = local
        await entry_write(
            self, n, rtes=self._rtes,
            high=pack("RTE_HIGH", dest=0xFF if dynamic else entry.target),
            low=pack("RTE_LOW", vector=0x30 + n % 0xC0, mode=dynamic))

    # Scheduling.

    async def sched(self, vcpu: VCpu, state: SchedState) -> None:
        """Write a scheduling state; the gate closes before, or opens after the write."""
        running = state == SchedState.RUNNING
        if not running:
            vcpu.gate(False)
        await self.write("VCPU_SCHED", vcpu.v, value=state.value)
        if self.watch_sched is not None:
            self.watch_sched(vcpu.v, state)
        if running and not self._halted:
            vcpu.gate(True)

    def halt(self) -> None:
        """Open no gate any more."""
        self._halted = True

    async def rotate(self, queue: Sequence[VCpu], slice_: int, offset: int) -> None:
        """Schedule one physical CPU for ever: each vCPU of its queue in turn for one slice.

        Parameters
        ----------
        queue : sequence of VCpu
            Who shares the CPU; all of them always have other work as well.
        slice_ : int
            Cycles of a slice.
        offset : int
            Where in the rotation it begins, in cycles.
        """
        if not queue:
            return
        place, into = divmod(offset % (slice_ * len(queue)), slice_)
        boundary = self._world.now + slice_ - into
        for vcpu in (*queue[:place], *queue[place + 1:]):
            await self.sched(vcpu, SchedState.RUNNABLE)
        await self.sched(queue[place], SchedState.RUNNING)
        while len(queue) > 1:
            await self._world.until(boundary)
            boundary += slice_
            await self.sched(queue[place], SchedState.RUNNABLE)
            place = (place + 1) % len(queue)
            await self.sched(queue[place], SchedState.RUNNING)

    async def follow(self, vcpu: VCpu, busy: Sequence[tuple[int, int]]) -> None:
        """Schedule one vCPU for ever: running when it was busy or has an interrupt, else blocked.

        Parameters
        ----------
        vcpu : VCpu
            Whom.
        busy : sequence of (int, int)
            First cycle and cycle after the last, ascending.
        """
        world, bit = self._world, 1 << vcpu.v
        edges = [cycle for span in busy for cycle in span]
        while True:
            while edges and edges[0] <= world.now:
                edges.pop(0)
            until = edges[0] if edges else math.inf
            if len(edges) % 2:
                await self.sched(vcpu, SchedState.RUNNING)
                await world.until(until)
            elif vcpu.working or world.irq & bit:
                await self.sched(vcpu, SchedState.RUNNING)
                await world.when(lambda: not (vcpu.working or world.irq & bit), until=until)
            else:
                self._woken &= ~bit
                await self.sched(vcpu, SchedState.BLOCKED)
                await world.when(lambda: self._woken & bit, until=until)

    def watch(self) -> None:
        """Note the wake pulses of this cycle; to be called every clock edge."""
        self._woken |= self._world.wake
