"""The machine of the main job: a controller, devices, vCPUs and a VMM, run once with one policy."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vapic.cli import CommandError
from vapic.config import Config
from vapic.layouts import Policy, SchedState

from ..machine.bus import SharedBus
from ..machine.driver import DriverVCpu
from ..machine.guest import GuestVCpu
from ..machine.lines import Lines
from ..machine.msi import MsiDevice
from ..machine.vmm import Entry, Vmm
from ..traces.trace import Trace
from ..world.world import Link, World
from .ledger import Ledger
from .phases import rotations

__all__ = ["POLICIES", "Job", "Machine", "Outcome", "plan"]

POLICIES = {"static": Policy.STATIC, "lowpri": Policy.LOWPRI, "rr": Policy.RR,
            "least": Policy.LEAST, "pull": Policy.PULL}
#: Vector of upcalls; Linux has its own hypervisor callback here.
_UPVEC = 0xF3
#: Pins at most; further sources are entries of the MSI table.
_PINS = 24
#: High time of a pulse, and low time after it, in cycles.
_PULSE = 4
#: Microseconds that a guest takes for one event.
_GUEST_US = 1.0
#: Rotations that are waited for the last interrupts.
_DRAIN = 4


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that one run depends on.

    Parameters
    ----------
    trace : Trace
        Its arrivals, already cut and compressed.
    policy : str
        A key of `POLICIES`.
    vcpus, pcpus, guests : int
        vCPUs of the driver domain, physical CPUs, guest domains of one vCPU each.
    clock_hz : float
        Of the controller.
    slice_us : float
        Time slice.
    phase : str
        A key of `vapic_sim.run.phases.PHASES`.
    seed : int
        Of random phases.
    skip : bool
        Whether idle time is skipped.
    """

    trace: Trace
    policy: str
    vcpus: int = 4
    pcpus: int = 2
    guests: int = 2
    clock_hz: float = 100e6
    slice_us: float = 1000.0
    phase: str = "random"
    seed: int = 1
    skip: bool = True


@dataclass
class Outcome:
    """What came of one run.

    Parameters
    ----------
    policy : str
        Of the run.
    arrivals, delivered, merged, pending : int
        Interrupts that came; handlers started; merged into one still waiting, by the
        controller's own count; still waiting at the end, by its status registers.
    latency : list of float
        Line to handler in microseconds, ascending, of each delivered or merged and served.
    controller : list of int
        Line to pending port in cycles, ascending, of those that a vCPU could take at once.
    share : list of float
        Of the delivered, for each driver vCPU.
    jain : float
        Of handler time in proportion to run time.
    raised, wakes : int
        Driver vCPUs called up; of those, blocked ones woken.
    guest_events : int
        Events the guests consumed.
    ticks, skipped : int
        Cycles clocked and skipped.
    ledger : Ledger
        The details, as long as the process lives.
    """

    policy: str
    arrivals: int
    delivered: int
    merged: int
    pending: int
    latency: list[float]
    controller: list[int]
    share: list[float]
    jain: float
    raised: int
    wakes: int
    guest_events: int
    ticks: int
    skipped: int
    ledger: Ledger = field(repr=False)

    @property
    def lost(self) -> int:
        """Interrupts that nobody knows of any more; negative: delivered twice."""
        return self.arrivals - self.delivered - self.merged - self.pending


def plan(job: Job) -> Config:
    """Size of the controller for a job.

    Raises
    ------
    CommandError
        If there is no such controller; the message says which number is too big.
    """
    sources = len(job.trace.sources)
    ports = 1 + sources * (job.vcpus + 1)
    if ports > 1024:
        raise CommandError(f"{sources} sources for {job.vcpus} vCPUs need {ports} event-channel "
                           "ports, a domain has 1024; use fewer --vcpus")
    try:
        return Config(
            rtes=min(sources, _PINS), irts=max(0, sources - _PINS), vcpus=job.vcpus + job.guests,
            lanes=job.vcpus, domains=max(2, 1 + job.guests), ports=-(-ports // 32) * 32)
    except ValueError as error:
        raise CommandError(f"no controller of this size: {error}") from None


class Machine:
    """One run of a job on a controller.

    Parameters
    ----------
    job : Job
        What to run.
    link : vapic_sim.world.world.Link
        The controller, of the size that `plan` says, just reset.
    progress : callable, optional
        Called with the number of arrivals so far, now and then.
    """

    def __init__(self, job: Job, link: Link, progress: Callable[[int], None] | None = None):
        self._job, self._progress = job, progress
        config = plan(job)
        self._config = config
        self.world = world = World(link, skip=job.skip)
        self._bus = bus = SharedBus(link.bus)
        self.ledger = Ledger(world, job.trace.arrivals, clock_hz=job.clock_hz, vcpus=job.vcpus,
                             policy=POLICIES[job.policy])
        self._vmm = Vmm(world, bus, rtes=config.rtes)
        self._drivers = [DriverVCpu(world, bus.master(vmm=False, dom=0, vcpu=k), k=k,
                                    vector=_UPVEC, ledger=self.ledger)
                         for k in range(job.vcpus)]
        self._guests = {
            g: GuestVCpu(world, bus.master(vmm=False, dom=g, vcpu=job.vcpus + g - 1), k=0,
                         vector=_UPVEC, service=self._cycles(_GUEST_US))
            for g in range(1, job.guests + 1)}
        self._vcpus: list[Any] = [*self._drivers, *self._guests.values()]
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
        dut = world.link.dut
        world.set(dut.trace.ready, 1)
        await world.when(lambda: world.link.get(dut.ready), until=1 << 20)
        await self._set_up()
        for vcpu in self._vcpus:
            world.add(vcpu.main())
        period = self._schedule()
        await world.after(100)
        ran = [vcpu.ran for vcpu in self._drivers]
        before = await vmm.read("COALESCED")
        last = self._send_all()
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

    # Devices.

    def _send_all(self) -> int:
        """Start the devices; cycle of the last arrival."""
        world, numbers = self.world, {s: n for n, s in enumerate(self._job.trace.sources)}
        start, due = world.now + 10, {}
        pins: list[tuple[int, int, int, int]] = []
        messages: dict[int, list[tuple[int, int]]] = {}
        last = start
        for index, arrival in enumerate(self._job.trace.arrivals):
            n = numbers[arrival.source]
            cycle = max(start + self._cycles(arrival.time_us), due.get(n, 0))
            due[n] = cycle + 2 * _PULSE
            last = max(last, cycle)
            if n < self._config.rtes:
                pins += [(cycle, n, 1, index), (cycle + _PULSE, n, 0, index)]
            else:
                messages.setdefault(n, []).append((cycle, index))
        world.add(self._drive_pins(sorted(pins)))
        for n, times in messages.items():
            world.add(self._write_messages(n, times))
        return last + 2 * _PULSE

    async def _drive_pins(self, changes: list[tuple[int, int, int, int]]) -> None:
        lines = Lines(self.world.link.dut.pin)
        for cycle, n, level, index in changes:
            await self.world.until(cycle)
            lines.set(self.world.ctx, n, level)
            if level:
                self.ledger.edge(index, n)
                self._tell()

    async def _write_messages(self, n: int, times: list[tuple[int, int]]) -> None:
        device = MsiDevice(self._bus.master(), handle=n - self._config.rtes)
        for cycle, index in times:
            await self.world.until(cycle)
            edge = self.ledger.message(index, n)
            self._tell()
            await device.send(self.world.ctx)
            self.ledger.acknowledged(edge)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(len(self.ledger.edges))

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


def jain(values: list[float]) -> float:
    """Jain's fairness index: 1 if all are equal, 1/n if one has everything."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0
