"""The main job's machine, on a stand-in that behaves like a controller at transaction level."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from vapic.layouts import SchedState
from vapic.regs import REGISTERS, address
from vapic_sim.run.job import POLICIES, Job, plan
from vapic_sim.run.ledger import Ledger
from vapic_sim.run.machine import Machine
from vapic_sim.run.outcome import jain
from vapic_sim.traces.trace import Arrival, Trace
from vapic_sim.world import port
from vapic_sim.world.link import Events

BUS = ("cyc", "stb", "we", "adr", "dat_w", "sel", "vmm", "dom", "vcpu", "dat_r", "ack", "err")


class Named(str):
    """Name of a signal that has a width."""

    def __new__(cls, name, width):
        self = super().__new__(cls, name)
        self.width = width
        return self

    def __len__(self):
        return self.width


class StandIn:
    """Registers, dispatch and event channels of one driver domain, straight from the spec.

    A pin takes 5 cycles to its latch, a bus access 5, a grant 4 and another 6 until the next;
    nothing is pipelined. `lose` drops every so many-th latch set, to see that the books notice.
    """

    def __init__(self, config, lose=0):
        self.config, self.lose, self.seen = config, lose, 0
        self.bus = port.BusPort([
            (Named(f"bus.{name}", port._WIDTHS[name]), port.PLACES[name])
            for name in sorted(port._WIDTHS, key=lambda name: name not in ("cyc", "stb"))
        ], 2, "bus.answer")
        self.at = dict.fromkeys((f"bus.{n}" for n in BUS), 0)
        self.irq = self.wake = self.pin = 0
        self.grant, self.idle = None, True
        self.regs, self.now, self.busy, self.delay = {}, 0, 0, 0
        self.coalesced, self.pins, self.messages = 0, [0] * 6, []
        self.pend, self.infl, self.records = {}, {}, []
        self.ports = {d: {} for d in range(config.domains)}
        self.pending = dict.fromkeys(self.ports, 0)
        self.sel, self.upcall = {}, set()
        self.irr, self.isr, self.woken = set(), set(), 0
        self.rr, self.home = 0, {}
        self.indirect = 0
        self.lane = {}
        self.places = {
            address(name, *index): (name, *index) for name, register in REGISTERS.items()
            for index in itertools.product(*(
                range(config.domains if name.startswith("EVT") and not i else 32)
                for i in range(len(register.strides))))}

    # The link.

    def set(self, signal, value):
        self.at[str(signal)] = value

    def set_pin(self, n, level):
        self.pin = self.pin & ~(1 << n) | level << n

    def events(self):
        return Events(self.irq, self.wake, idle=self.idle, grant=self.grant)

    def get(self, signal):
        if signal == "bus.answer":
            return (self.at["bus.dat_r"] or 0) | self.at["bus.ack"] << 32
        return self.at[str(signal)]

    def skip(self, now, cycles):
        assert self.idle
        self.now = now

    async def run(self, limit, idle):
        """One edge: more are allowed, not asked for."""
        assert limit >= 1
        self.now, at = self.now + 1, self.at
        self.grant, at["bus.ack"] = None, 0
        while self.messages:
            self.latch(self.messages.pop())
        if at["bus.cyc"] and not self.busy:
            self.busy = 5
        if self.busy:
            self.busy -= 1
            if self.busy == 1:
                at["bus.dat_r"] = self.access(at["bus.adr"], at["bus.we"], at["bus.dat_w"])
                at["bus.ack"] = 1
        for n in [n for n in range(self.config.rtes) if self.pins[4] & ~self.pins[5] & 1 << n]:
            self.latch(n)
        self.pins = [self.pin, *self.pins[:5]]
        self.select()
        self.outputs()
        return 1

    def outputs(self):
        irq = sum(1 << v for v in self.irr if v not in self.isr)
        blocked = sum(1 << v for v in range(self.config.vcpus) if self.sched(v) == 2)
        now_wake = irq & blocked
        self.irq, self.wake = irq, now_wake & ~self.woken
        self.woken = now_wake
        self.idle = not (self.busy or self.at["bus.cyc"] or self.grant
                         or self.wake or self.delay or len(set(self.pins)) > 1)

    # Sources and selection.

    def latch(self, n):
        self.seen += 1
        if self.lose and self.seen % self.lose == 0:
            return
        self.coalesced += n in self.pend
        self.pend.setdefault(n, self.now)

    def sched(self, v):
        return self.regs.get(("VCPU_SCHED", v), 3)

    def load(self, v):
        return sum(v in s for s in self.infl.values()) + (v in self.irr) + (v in self.isr)

    def winner(self, n, lanes):
        policy = self.regs["REQX", n] >> 4 & 15
        order = sorted(lanes, key=lambda v: (v - self.rr) % self.config.lanes)
        if policy == 6:
            order = ([v for v in order if self.sched(v) == 0 and not self.load(v)]
                     or [v for v in order if self.sched(v) == 2 and not self.load(v)
                         and not any(self.sched(u) == 0 for u in order)])
        key = {0: lambda v: (v in self.isr) * 0xF0, 1: lambda v: 0, 2: self.load,
               3: lambda v: (self.sched(v), self.load(v)), 4: lambda v: v != self.home.get(n),
               6: self.load}[policy]
        return min(order, key=key, default=None)

    def select(self):
        self.delay = max(0, self.delay - 1)
        if self.delay:
            return
        for n in sorted(self.pend):
            low, high = self.entry(n)
            if low >> 16 & 1 or self.infl.get(n):
                continue
            drivers = [v for (d, _), v in self.lane.items() if d == 0]
            dynamic = low >> 8 & 7
            if self.pend[n] + 3 > self.now:
                self.delay = 1
                continue
            v = self.winner(n, drivers) if dynamic else high >> 24
            if v is None:
                continue
            del self.pend[n]
            self.infl.setdefault(n, set()).add(v)
            if dynamic:
                self.rr, self.home[n] = v + 1, v
            port = next(p for p, row in self.ports[0].items() if row == ("pirq", n, v))
            self.raise_(0, port, v)
            mask = sum(1 << u for u in drivers)
            self.grant = dict(
                now=self.now - 6, n=n, kind=0, candidates=mask, eligible=mask, key=0, target=v,
                port=port, policy=self.regs["REQX", n] >> 4 & 15 if dynamic else 16)
            self.delay = 6
            return

    def entry(self, n):
        if n < self.config.rtes:
            return self.regs.get(("RTE", 0x10 + 2 * n), 1 << 16), self.regs["RTE", 0x11 + 2 * n]
        i = n - self.config.rtes
        return self.regs.get(("IRT_LOW", i), 1 << 16), self.regs.get(("IRT_HIGH", i), 0)

    # Event channels.

    def raise_(self, dom, port, k):
        if self.pending[dom] >> port & 1:
            return
        self.pending[dom] |= 1 << port
        self.sel[dom, k] = self.sel.get((dom, k), 0) | 1 << port // 32
        if (dom, k) not in self.upcall:
            self.upcall.add((dom, k))
            self.inject(dom, k)

    def inject(self, dom, k):
        v = self.lane[dom, k]
        if self.regs.get(("VCPU_UPVEC", v), 0) >> 8 & 1:
            self.irr.add(v)

    def command(self, dom, number):
        arg = [self.regs.get(("EVT_ARG", dom, i), 0) for i in range(3)]
        port, peer = max(self.ports[dom], default=0) + 1, self.ports.get(arg[0])
        if number == 0x20:
            self.ports[dom][port] = ("pirq", arg[0], arg[1])
        elif number == 6:
            self.ports[dom][port] = ("unbound", arg[1], 0)
        else:
            assert number == 0 and peer[arg[1]] == ("unbound", dom, 0)
            self.ports[dom][port] = ("inter", arg[0], arg[1])
            peer[arg[1]] = ("inter", dom, port)
            self.raise_(dom, port, 0)
        self.regs["EVT_OUT", dom, 0] = port

    # The bus.

    def access(self, place, write, data):
        if place >> 20 == 0xFEE:
            self.messages.append(self.config.rtes + (place >> 5 & 0x7FFF))
            return 0
        key = name, *index = self.places[place]
        handler = getattr(self, f"{'write' if write else 'read'}_{name.lower()}", None)
        if handler is not None:
            return handler(*index, data) if write else handler(*index)
        if write:
            self.regs[key] = data
            return 0
        return self.regs.get(key, 0)

    def write_ioa_regsel(self, data):
        self.indirect = data

    def write_ioa_win(self, data):
        self.regs["RTE", self.indirect] = data

    def write_vcpu_ctl(self, v, data):
        self.lane[data >> 4 & 15, data >> 24 & 63] = v

    def write_vcpu_upvec(self, v, data):
        self.regs["VCPU_UPVEC", v] = data

    def read_coalesced(self):
        return self.coalesced

    def read_reqstat(self, n):
        return int(n in self.pend)

    def write_evt_cmd(self, dom, data):
        self.command(dom, data)

    def write_evt_upcall(self, dom, k, data):
        self.upcall.discard((dom, k))

    write_evt_upcall_ack = write_evt_upcall

    def read_evt_sel_rc(self, dom, k):
        return self.sel.pop((dom, k), 0)

    def read_evt_pending(self, dom, word):
        return self.pending[dom] >> 32 * word & 0xFFFFFFFF

    def write_evt_pending_w1c(self, dom, word, data):
        self.pending[dom] &= ~(data << 32 * word)

    def write_evt_send(self, dom, port):
        _, peer, remote = self.ports[dom][port]
        self.raise_(peer, remote, 0)

    def write_evt_pirq_eoi(self, dom, n):
        self.infl[n].discard(self.at["bus.vcpu"])

    def read_lapic_inta(self, v):
        self.irr.discard(v)
        self.isr.add(v)
        return 1 << 31 | self.regs["VCPU_UPVEC", v] & 0xFF

    def write_lapic_eoi(self, v, data):
        self.isr.discard(v)


def trace_of(*rows, busy=None):
    return Trace("test", tuple(Arrival(*row) for row in rows), busy or {})


def many(count=40, gap=37.0, sources=3):
    return trace_of(*((gap * i, f"{i % sources} dev", 2.0, i % 2) for i in range(count)))


def run(job, lose=0):
    stand_in = StandIn(plan(job), lose)
    machine = Machine(job, stand_in)

    async def main():
        return await machine.run()

    return asyncio.run(main())


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("phase", ["random", "staggered", "gang"])
def test_every_interrupt_is_accounted_for(policy, phase):
    outcome = run(Job(trace=many(), policy=policy, phase=phase, slice_us=100.0))
    assert outcome.arrivals == 40
    assert outcome.lost == 0
    assert outcome.delivered > 10
    assert outcome.delivered + outcome.merged == len(outcome.latency)
    assert 0 < outcome.guest_events <= outcome.delivered
    assert sum(outcome.share) == pytest.approx(1)
    assert outcome.skipped > 10 * outcome.ticks


@pytest.mark.parametrize("policy", ["static", "pull"])
def test_skipping_changes_nothing(policy):
    job = {"trace": many(6, gap=3.0), "policy": policy, "slice_us": 5.0, "vcpus": 2, "guests": 1}
    fast, slow = (run(Job(**job, skip=skip)) for skip in (True, False))
    assert slow.skipped == 0 < fast.skipped
    assert fast.ticks + fast.skipped == slow.ticks
    fast.ledger = slow.ledger = None
    fast.ticks = slow.ticks = fast.skipped = slow.skipped = 0
    assert fast == slow


def test_static_uses_the_recorded_cpu_and_pull_does_not_wait_for_it():
    trace = trace_of(*((200.0 * i, "5 disk", 2.0, 1) for i in range(60)))
    static, pull = (run(Job(trace=trace, policy=p, phase="staggered", slice_us=300.0))
                    for p in ("static", "pull"))
    assert static.share == [0, 1, 0, 0]
    assert max(pull.latency) < 10 < max(static.latency)
    assert pull.merged == 0


def test_merges_are_the_controllers_count():
    # Three at once while the only vCPU is off: one in flight, one latched, one merged.
    trace = trace_of(*((t, "5 disk", 2.0, 0) for t in (0.0, 1.0, 2.0, 3.0)))
    outcome = run(Job(trace=trace, policy="static", vcpus=1, pcpus=1, guests=1, phase="gang",
                      slice_us=50.0, clock_hz=100e6))
    assert outcome.delivered + outcome.merged == 4
    assert outcome.merged >= 1


def test_lost_interrupts_are_noticed():
    outcome = run(Job(trace=many(), policy="lowpri", slice_us=100.0), lose=10)
    assert outcome.lost == 4


def test_an_interrupt_counted_as_merged_after_its_grant_is_noticed(monkeypatch):
    started = Ledger.started.fget
    reads = itertools.count()
    monkeypatch.setattr(Ledger, "started", property(lambda ledger: started(ledger)[:-1]))
    monkeypatch.setattr(StandIn, "read_coalesced", lambda self: self.coalesced + next(reads))
    job = Job(trace=trace_of(*((50.0 * i, "5 disk", 2.0, 0) for i in range(4))), policy="pull")
    with pytest.raises(RuntimeError, match="by its trace records 0 interrupts merged, COALESCED "
                                           "of the controller says 1"):
        run(job)


def test_recorded_phase_blocks_and_wakes():
    busy = {0: ((0.0, 100.0), (900.0, 1000.0)), 1: ((0.0, 100.0),)}
    trace = trace_of(*((t, "5 disk", 2.0, 0) for t in (10.0, 300.0, 500.0, 950.0)), busy=busy)
    outcome = run(Job(trace=trace, policy="pull", phase="recorded", vcpus=2))
    assert outcome.delivered == 4
    assert outcome.wakes == 2


def test_a_cpu_that_was_never_idle_runs_its_vcpus_always():
    busy = {0: ((0.0, 100.0),), 1: ((0.0, 100.0),)}
    trace = trace_of(*((t, "5 disk", 2.0, 0) for t in (10.0, 300.0, 950.0)), busy=busy)
    trace = replace(trace, never_idle=(0, 1))
    outcome = run(Job(trace=trace, policy="pull", phase="recorded", vcpus=2))
    assert outcome.delivered == 3
    assert outcome.wakes == 0
    assert all(lane.sched == SchedState.RUNNING
               for grant in outcome.ledger.grants for lane in grant.lanes)


def test_sources_beyond_the_pins_are_messages():
    trace = trace_of(*((50.0 * i, f"{i % 30} dev", 2.0, 0) for i in range(60)))
    job = Job(trace=trace, policy="pull", slice_us=100.0)
    assert (plan(job).rtes, plan(job).irts) == (24, 6)
    outcome = run(job)
    assert outcome.lost == 0
    assert outcome.delivered + outcome.merged == 60


def test_preempted_handlers_resume():
    # 250 us of work in slices of 100 us, every other one of them: the end is after 450 us.
    trace = trace_of((0.0, "5 disk", 250.0, 0), (700.0, "5 disk", 1.0, 0))
    outcome = run(Job(trace=trace, policy="static", vcpus=1, pcpus=1, guests=1, phase="gang",
                      slice_us=100.0))
    first = outcome.ledger.grants[0]
    assert 445 < (first.end - first.edges[0].cycle) / 100 < 460


def test_jain():
    assert jain([1, 1, 1, 1]) == 1
    assert jain([1, 0, 0, 0]) == 0.25
    assert jain([]) == jain([0, 0]) == 1
