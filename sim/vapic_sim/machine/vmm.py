"""The VMM: sets up a machine for the main job and schedules its vCPUs on physical CPUs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vapic.layouts import Policy, SchedState
from vapic.regs import SELF, Command, address, pack, regsel

from ..world.world import World
from .bus import SharedBus
from .driver import DriverVCpu
from .vcpu import VCpu

__all__ = ["Entry", "Vmm"]

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
        v = vcpu.v
        await self.write("VCPU_CTL", v, value=pack(
            "VCPU_CTL", online=1, dom=vcpu.dom, apicid=v & 0xFF, k=vcpu.k))
        await self.write("LAPIC_BASE", v, value=pack(
            "LAPIC_BASE", await self.read("LAPIC_BASE", v), enable=1))
        await self.write("LAPIC_SVR", v, value=pack("LAPIC_SVR", vector=0xFF, enable=1))

    async def upcalls(self, vcpu: VCpu) -> None:
        """Clear what set-up left of events, then have upcalls injected by vector."""
        await self.write("EVT_UPCALL", vcpu.dom, vcpu.k)
        await self.read("EVT_SEL_RC", vcpu.dom, vcpu.k)
        await self.write("VCPU_UPVEC", vcpu.v, value=pack(
            "VCPU_UPVEC", vector=vcpu.vector, valid=1))

    async def source(self, n: int, entry: Entry, vcpus: Sequence[DriverVCpu],
                     guests: Mapping[int, VCpu]) -> None:
        """Set up interrupt n: owner, a port for every driver vCPU, the way to the guest, entry.

        One occurrence is in flight at a time (REQX.ser), as the handlers of one device are not
        written to run on two CPUs at once.
        """
        dynamic = entry.policy != Policy.STATIC
        await self.write("PIRQ_OWNER", n, value=pack("PIRQ_OWNER", dom=_DRIVER, valid=1))
        policy = int(entry.policy) if dynamic else 0
        await self.write("REQX", n, value=pack(
            "REQX", path=1, ser=1, policy=policy, allow=7))
        for vcpu in vcpus:
            port = await self._command(_DRIVER, Command.BIND_PIRQ_VCPU, n, vcpu.k)
            vcpu.ports.add(port)
            vcpu.sources[port] = n
        remote = await self._command(entry.guest, Command.ALLOC_UNBOUND, SELF, _DRIVER)
        guests[entry.guest].ports.add(remote)
        local = await self._command(_DRIVER, Command.BIND_INTERDOMAIN, entry.guest, remote)
        for vcpu in vcpus:
            vcpu.forward[n] = local
        # A new interdomain port is pending at its own end (EVT-20); nobody wants this event.
        await self.write("EVT_PENDING_W1C", _DRIVER, local // 32, value=1 << local % 32)
        high = pack("RTE_HIGH", dest=0xFF if dynamic else entry.target)
        low = pack("RTE_LOW", vector=0x30 + n % 0xC0, mode=dynamic)
        if n < self._rtes:
            for name, value in (("RTE_HIGH", high), ("RTE_LOW", low)):
                await self.write("IOA_REGSEL", value=regsel(name, n))
                await self.write("IOA_WIN", value=value)
        else:
            await self.write("IRT_HIGH", n - self._rtes, value=high)
            await self.write("IRT_LOW", n - self._rtes, value=low)

    async def _command(self, dom: int, command: int, *arguments: int) -> int:
        for i, argument in enumerate(arguments):
            await self.write("EVT_ARG", dom, i, value=argument)
        await self.write("EVT_CMD", dom, value=command)
        result = await self.read("EVT_RESULT", dom)
        if result:
            raise RuntimeError(f"event-channel command {command:#x}{arguments} of domain {dom} "
                               f"gave {result - (1 << 32)}")
        return await self.read("EVT_OUT", dom, 0)

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
