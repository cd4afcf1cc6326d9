"""The machine of the main job: a controller, devices, vCPUs and a VMM, run once with one policy."""

import math
import random
from collections.abc import Callable

from vapic.layouts import SchedState

from ..machine.bus import SharedBus
from ..machine.driver import DriverVCpu
from ..machine.guest import GuestVCpu
from ..machine.vcpu import VCpu
from ..machine.vmm import Entry, Vmm
from ..world.link import Link
from ..world.world import World
from .devices import Devices
from .job import POLICIES, Job, plan
from .ledger import Ledger
from .outcome import Outcome, jain
from .phases import rotations

__all__ = ["Machine"]

#: Vector of upcalls; Linux has its own hypervisor callback here.
_UPVEC = 0xF3
#: Microseconds that a guest takes for one event.
_GUEST_US = 1.0
#: Rotations that are waited for the last interrupts.
_DRAIN = 4


class Machine:
    """One run of a job on a controller.

    Parameters
    ----------
    job : Job
        What to run.
    link : vapic_sim.world.link.Link
        The controller, of the size that `plan` says, just reset.
    progress : callable, optional
        Called with the number of arrivals so far, now and then.
    """

    def __init__(self, job: Job, link: Link, progress: Callable[[int], None] | None = None):
        self._job, config = job, plan(job)
        self.world = world = World(link, skip=job.skip)
        bus = SharedBus(link.bus)
        self.ledger = Ledger(world, job.trace.arrivals, clock_hz=job.clock_hz, vcpus=job.vcpus,
                             policy=POLICIES[job.policy])
        self._vmm = Vmm(world, bus, rtes=config.rtes)
        self._devices = Devices(world, bus, self.ledger, rtes=config.rtes, progress=progress)
        self._drivers = [DriverVCpu(world, bus.master(vmm=False, dom=0, vcpu=k), k=k,
                                    vector=_UPVEC, books=self.ledger)
                         for k in range(job.vcpus)]
        self._guests = {
            g: GuestVCpu(world, bus.master(vmm=False, dom=g, vcpu=job.vcpus + g - 1), k=0,
                         vector=_UPVEC, service=self._cycles(_GUEST_US))
            for g in range(1, job.guests + 1)}
        self._vcpus: list[VCpu] = [*self._drivers, *self._guests.values()]
        self.ledger.attach(lambda v: self._drivers[v].working)
        self._vmm.watch_sched = self.ledger.sched_written
        world.watchers += [self.ledger.watch, self._vmm.watch]

    def _cycles(self, us: float) -> int:
        return round(us * self._job.clock_hz / 1e6)

    async def run(self) -> Outcome:
        """Set up, let the trace happen, wait for the rest, read the controller's counters."""
        try:
            return await self.world.run(self._main())
        finally:
            self.world.close()

    async def _main(self) -> Outcome:
        world, vmm = self.world, self._vmm
        await world.when(lambda: world.events.ready, until=1 << 20)
        await self._set_up()
        for vcpu in self._vcpus:
            world.add(vcpu.main())
        period = self._schedule()
        await world.after(100)
        ran = [vcpu.ran for vcpu in self._drivers]
        before = await vmm.read("COALESCED")
        last = self._devices.start(self._job.trace, self._cycles)
        await world.until(last)
        await world.when(lambda: self.ledger.settled, until=last + _DRAIN * period)
        ran = [vcpu.ran - r for vcpu, r in zip(self._drivers, ran, strict=True)]
        # Stop everybody between two instructions; let what is on the bus end.
        vmm.halt()
        for vcpu in self._vcpus:
            vcpu.gate(False)
        await world.after(_DRAIN * 100)
        merged = await vmm.read("COALESCED") - before & 0xFFFFFFFF
        latched = await self._latched()
        outcome = self._outcome(ran, merged, latched + await self._unseen())
        # The trace records count merges too: what came, and neither was granted nor still waits.
        counted = outcome.arrivals - len(self.ledger.grants) - latched
        if not outcome.lost and counted != merged:
            raise RuntimeError(f"by its trace records {counted} interrupts merged, COALESCED of "
                               f"the controller says {merged}")
        return outcome

    async def _set_up(self) -> None:
        job, vmm, trace = self._job, self._vmm, self._job.trace
        for vcpu in self._vcpus:
            await vmm.online(vcpu)
        for n, source in enumerate(trace.sources):
            home = trace.home(source) % job.vcpus
            entry = Entry(POLICIES[job.policy], home, 1 + n % job.guests)
            await vmm.source(n, entry, self._drivers, self._guests)
        for vcpu in self._vcpus:
            await vmm.upcalls(vcpu)

    def _schedule(self) -> int:
        """Start the scheduler; the longest time in cycles until every vCPU has run."""
        job, world, vmm = self._job, self.world, self._vmm
        if job.phase == "recorded":
            start, cpus = world.now, sorted(job.trace.busy)
            for vcpu in self._drivers:
                cpu = cpus[vcpu.k % len(cpus)]
                if cpu in job.trace.never_idle:
                    world.add(vmm.sched(vcpu, SchedState.RUNNING))
                    continue
                spans = job.trace.busy[cpu]
                busy = [(start + self._cycles(a), start + self._cycles(b)) for a, b in spans]
                world.add(vmm.follow(vcpu, [span for span in busy if span[1] > span[0]]))
            for guest in self._guests.values():
                world.add(vmm.sched(guest, SchedState.RUNNING))
            return self._cycles(job.slice_us)
        slice_ = self._cycles(job.slice_us)
        longest = 1
        for rotation in rotations(
                job.phase, drivers=range(job.vcpus),
                guests=[guest.v for guest in self._guests.values()], pcpus=job.pcpus,
                rng=random.Random(job.seed)):
            queue = [self._vcpus[v] for v in rotation.queue]
            world.add(vmm.rotate(queue, slice_, math.floor(rotation.offset * slice_)))
            longest = max(longest, len(queue))
        return slice_ * longest

    # The end.

    async def _latched(self) -> int:
        """Occurrences that wait in the latch of their request."""
        return sum([await self._vmm.read("REQSTAT", n) & 1
                    for n in range(len(self._job.trace.sources))])

    async def _unseen(self) -> int:
        """Occurrences granted to a port that nobody has looked at."""
        vmm, count = self._vmm, 0
        ports = {port for vcpu in self._drivers for port in vcpu.sources}
        for word in sorted({port // 32 for port in ports}):
            pending = await vmm.read("EVT_PENDING", 0, word)
            count += sum(pending >> port % 32 & 1 for port in ports if port // 32 == word)
        return count

    def _outcome(self, ran: list[int], merged: int, pending: int) -> Outcome:
        ledger, job = self.ledger, self._job
        started, per_us = ledger.started, job.clock_hz / 1e6
        counts = ledger.handled_by()
        work = [0.0] * job.vcpus
        for grant in started:
            work[grant.record["target"]] += job.trace.arrivals[grant.edges[0].index].service_us
        return Outcome(
            policy=job.policy, arrivals=len(ledger.edges), delivered=len(started), merged=merged,
            pending=pending,
            latency=sorted((g.start - e.cycle) / per_us for g in started for e in g.edges),
            controller=sorted(g.cycle - g.edges[0].cycle for g in ledger.grants
                              if g.edges[0].free),
            share=[count / max(1, len(started)) for count in counts],
            jain=jain([w / r for w, r in zip(work, ran, strict=True) if r]),
            raised=ledger.raised, wakes=ledger.wakes,
            guest_events=sum(guest.events for guest in self._guests.values()),
            ticks=self.world.ticks, skipped=self.world.skipped, ledger=ledger)
