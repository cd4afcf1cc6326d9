# amaranth: UnusedElaboratable=no
"""One more source of requests in a controller: it is served, and takes no more than its share."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from vapic import Config
from vapic.controller import Controller
from vapic.layouts import Layouts, Mode, Outcome, SourceKind
from vapic.regs import address
from vapic_sim.harness import simulate
from vapic_sim.machine.bus import BusMaster

SMALL = Config(rtes=3, irts=1, vcpus=4, lanes=4, domains=2, ports=32)


class Flood(wiring.Component):
    """A vCPU that sends fixed messages as long as it is told to: a third source after two tables.

    Members
    -------
    requests : ``Out(Layouts.source)``
        To dispatch; the tag is the sender.
    send : ``In(1)``
        Send.
    sender, dest, vector : ``In``
        From which vCPU to which APIC ID, and what.
    accepted, unclaimed : ``Out(16)``
        Messages that arrived; outcomes without a target.
    ready, quiet : ``Out(1)``
        Always ready; nothing is to be sent or under way.
    """

    def __init__(self, config):
        layouts = Layouts(config)
        super().__init__({
            "requests": Out(layouts.source), "send": In(1), "sender": In(2), "dest": In(8),
            "vector": In(8), "accepted": Out(16), "unclaimed": Out(16),
            "ready": Out(1), "quiet": Out(1)})

    def elaborate(self, platform):
        m = Module()
        requests, busy = self.requests, Signal()
        ends = requests.last | (requests.outcome != Outcome.NONE)
        m.d.comb += [
            requests.offer.eq(self.send & ~busy), requests.tag.eq(self.sender),
            requests.ok.eq(busy), self.ready.eq(1), self.quiet.eq(~self.send & ~busy),
        ]
        with m.If(requests.take):
            m.d.sync += [
                busy.eq(1), requests.request.kind.eq(SourceKind.IPI),
                requests.request.dest.eq(self.dest), requests.request.vector.eq(self.vector),
                requests.request.mode.eq(Mode.FIXED), requests.request.allow.eq(7),
                requests.request.policy.eq(15), requests.request.owned.eq(1),
            ]
        with m.If(ends):
            m.d.sync += busy.eq(0)
        m.d.sync += [self.accepted.eq(self.accepted + requests.last),
                     self.unclaimed.eq(self.unclaimed + (requests.outcome == Outcome.PARK))]
        return m


def system():
    """A controller with a `Flood`, and the bus of its VMM."""
    dut = Controller(SMALL)
    flood = dut.sources["flood"] = Flood(SMALL)
    return dut, flood, BusMaster(dut.bus, vmm=True)


async def bring_up(ctx, bus):
    """Four vCPUs of domain 0, and pins 0 and 1 as edges to vCPU 1 by vectors 0x40 and 0x41."""
    for v in range(4):
        await bus.write(ctx, address("VCPU_CTL", v), 1 | v << 8 | v << 24)
        await bus.write(ctx, address("LAPIC_SVR", v), 0x1FF)
    for pin in range(2):
        for index, word in ((0x11 + 2 * pin, 1 << 24), (0x10 + 2 * pin, 0x40 + pin)):
            await bus.write(ctx, address("IOA_REGSEL"), index)
            await bus.write(ctx, address("IOA_WIN"), word)


def test_a_request_of_another_source_is_granted_and_explained():
    dut, flood, bus = system()

    async def bench(ctx):
        await bring_up(ctx, bus)
        ctx.set(flood.sender, 3)
        ctx.set(flood.dest, 2)
        ctx.set(flood.vector, 0x6A)
        ctx.set(flood.send, 1)
        await ctx.tick().until(flood.requests.take)
        ctx.set(flood.send, 0)
        start = ctx.get(dut.now)
        assert not ctx.get(dut.idle)
        for _ in range(30):
            await ctx.tick()
        assert ctx.get(dut.idle) and ctx.get(dut.irq) == 1 << 2
        assert ctx.get(flood.accepted) == 1
        record = ctx.get(dut.trace.payload)
        assert ctx.get(dut.trace.valid)
        assert (record.kind, record.n, record.target, record.candidates, record.eligible) == (
            SourceKind.IPI, 3, 2, 1 << 2, 1 << 2)
        assert start == ctx.get(dut.now)
        assert await bus.read(ctx, address("LAPIC_IRR", 2, 3)) == 1 << 0x6A % 32
        # Nobody of that ID: the source is told, and it is nobody's parked entry.
        ctx.set(flood.dest, 9)
        ctx.set(flood.send, 1)
        await ctx.tick().until(flood.requests.take)
        ctx.set(flood.send, 0)
        for _ in range(30):
            await ctx.tick()
        assert ctx.get(dut.idle) and ctx.get(flood.unclaimed) == 1
        assert await bus.read(ctx, address("PARKED")) == 0

    simulate(dut, bench)


def test_a_flood_takes_every_other_slot_and_no_more():
    """INV-05 in a whole controller: pins that never rest against a source that never rests."""
    dut, flood, bus = system()
    kinds = []

    async def trace(ctx):
        ctx.set(dut.trace.ready, 1)
        async for _, _, valid, record in ctx.tick().sample(dut.trace.valid, dut.trace.payload):
            if valid:
                kinds.append((SourceKind(record.kind), record.n))

    async def bench(ctx):
        await bring_up(ctx, bus)
        ctx.set(flood.sender, 3)
        ctx.set(flood.dest, 2)
        ctx.set(flood.vector, 0x6A)
        ctx.set(flood.send, 1)
        for cycle in range(1200):
            ctx.set(dut.pin, 0b11 if cycle % 8 < 4 else 0)
            await ctx.tick()
        # The first slot is the flood's; from then on the pins have every other one, in turn.
        assert len(kinds) > 60
        tables = kinds[kinds.index((SourceKind.PIN, 0)):]
        assert tables[:40] == [(SourceKind.PIN, 0), (SourceKind.IPI, 3),
                               (SourceKind.PIN, 1), (SourceKind.IPI, 3)] * 10
        assert await bus.read(ctx, address("LAPIC_IRR", 1, 2)) == 0b11
        # Alone again, the flood has all slots.
        ctx.set(dut.pin, 0)
        await ctx.tick().repeat(80)
        kinds.clear()
        await ctx.tick().repeat(200)
        assert len(kinds) > 10 and set(kinds) == {(SourceKind.IPI, 3)}

    simulate(dut, bench, background=[trace])
