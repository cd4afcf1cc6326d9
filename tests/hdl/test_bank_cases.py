# amaranth: UnusedElaboratable=no
"""Bank: conformance cases of spec chapter 7, and what must meet in one exact cycle."""

import pytest
from amaranth.hdl import Value

from vapic.bank.unit import Bank
from vapic.config import Config
from vapic.layouts import AcceptResult, Err, NoteOp
from vapic_sim.harness import simulate

SCHED, UPVEC, LOAD, GRANTS, WAKES, ABORTS = 4, 0x10, 0x14, 0x28, 0x2C, 0x30
ID, VERSION, TPR, APR, PPR, EOI, SVR, ESR = 0x20, 0x30, 0x80, 0x90, 0xA0, 0xB0, 0xF0, 0x280
CR8, INTA, BASE = 0xFA0, 0xFC0, 0x1FF0
ISR, TMR, IRR = 0x100, 0x180, 0x200


class Driver:
    """Operations on a bank, one after the other, and what they strobed."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut, self.strobes = ctx, dut, []

    async def tick(self):
        ctx, dut = self.ctx, self.dut
        if ctx.get(dut.eoi.valid):
            self.strobes.append(("eoi", ctx.get(dut.eoi.dom), ctx.get(dut.eoi.vector)))
        if ctx.get(dut.spurious):
            self.strobes.append("spurious")
        await ctx.tick()
        if wake := ctx.get(dut.wake):
            self.strobes.append(("wake", wake))

    async def issue(self, port, payload):
        ctx = self.ctx
        ctx.set(port.payload, payload)
        ctx.set(port.valid, 1)
        while not ctx.get(port.ready):
            await self.tick()
        await self.tick()
        ctx.set(port.valid, 0)

    async def access(self, addr, data=None, sel=15):
        await self.issue(self.dut.bus.req, {
            "addr": addr, "we": data is not None, "data": data or 0, "sel": sel})
        while not self.ctx.get(self.dut.bus.rsp.valid):
            await self.tick()
        answer = self.ctx.get(self.dut.bus.rsp.payload)
        return answer.data, answer.berr, answer.err

    async def read(self, v, offset, row=False):
        value, berr, err = await self.access(self.place(v, offset, row))
        assert (berr, err) == (0, Err.NONE)
        return value

    async def write(self, v, offset, value, row=False):
        assert await self.access(self.place(v, offset, row), value) == (0, 0, Err.NONE)

    @staticmethod
    def place(v, offset, row):
        return 0x8000 + 0x40 * v + offset if row else 0x400000 + 0x2000 * v + offset

    async def accept(self, v, vector, level=0, ok=1, **more):
        self.ctx.set(self.dut.accept.ok, ok)
        await self.issue(self.dut.accept.target, {"v": v, "vector": vector, "level": level,
                                           "single": 1} | more)
        while not self.ctx.get(self.dut.accept.done.valid):
            await self.tick()
        result = self.ctx.get(self.dut.accept.done.result)
        await self.tick()
        return AcceptResult(result)

    async def upcall(self, v, pend, line, rise):
        await self.issue(self.dut.note, {"op": NoteOp.UPCALL, "v": v, "pend": pend, "line": line,
                                         "rise": rise})
        await self.settle()

    async def ctl(self, v, data, held=0):
        await self.issue(self.dut.note, {"op": NoteOp.CTL, "v": v, "data": data, "held": held})
        while not self.ctx.get(self.dut.note_done.valid):
            await self.tick()
        applied = self.ctx.get(self.dut.note_done.applied)
        await self.tick()
        return applied

    async def online(self, v, freeze=0):
        assert await self.ctl(v, 1 | freeze << 1 | v << 8 | v << 24)

    async def settle(self):
        while not self.ctx.get(self.dut.quiet):
            await self.tick()
        await self.tick()

    def irq(self, v):
        return self.ctx.get(self.dut.irq) >> v & 1

    async def bits(self, v, base):
        found = set()
        for i in range(8):
            word = await self.read(v, base + 16 * i)
            found |= {32 * i + j for j in range(32) if word >> j & 1}
        return found


async def registers(d):
    """Cases 39, 40, 42, 43, 67; LAPIC-02, 04, 22; ERR-02, 04."""
    assert await d.read(1, VERSION) == 0x01050014                       # 39
    await d.write(1, TPR, 0x77)
    await d.write(1, BASE, 0xFEE00000)                                  # 40
    assert await d.read(1, ID) == await d.read(1, INTA) == await d.read(1, 0x84) == 0xFFFFFFFF
    await d.write(1, SVR, 0x1FF)
    assert (await d.access(d.place(1, 0x1000 + INTA, 0)))[1] == 1
    await d.write(1, CR8, 0xA)
    assert await d.read(1, 0x1000 + CR8) == 0xA
    await d.write(1, BASE, 0xFEE00800)
    assert (await d.read(1, SVR), await d.read(1, TPR)) == (0xFF, 0)
    for bad in (0xFEC00800, 0xFEE00801, 0xFEE00C00, 0xFEE00A00):        # 41, 42
        assert await d.access(d.place(1, BASE, 0), bad) == (0, 1, Err.NONE)
    assert (await d.read(1, BASE), await d.read(0, BASE)) == (0xFEE00800, 0xFEE00900)
    await d.write(1, ID, 0x5A000000)                                    # 43
    assert await d.read(1, ID) == 0x5A000000
    await d.write(1, BASE, 0xFEE00000)
    await d.write(1, BASE, 0xFEE00800)
    assert await d.read(1, ID) == 1 << 24
    for reserved in (0, 0x10, 0x40, 0x70, 0xC0, 0x290, 0x2F0, 0x3A0, 0x3D0, 0x3F0, 0x400, 0xFF0):
        assert await d.read(1, reserved) == 0                           # 67
        await d.write(1, ESR, 0)
        assert await d.read(1, ESR) == 0x80, hex(reserved)
    for quiet in (0x84, 0x300, 0x310, 0x320, 0x370, 0x380, 0x390, 0x3E0, 0xFB0, 0xFD0, 0xFE0):
        await d.write(1, quiet, 0xFFFFFFFF)
        assert await d.read(1, quiet) == 0
    await d.write(1, ESR, 0)
    assert await d.read(1, ESR) == 0
    for offset in (0x1FB0, 0x1080, 0x1FA4, 0x1FF4, 0x1000):
        assert (await d.access(d.place(1, offset, 0)))[1:] == (1, Err.NONE)
    for addr in (0x8034, 0x803C, 0x8000 + 0x40 * 4, 0x400000 + 0x2000 * 4 + ID):
        assert await d.access(addr) == (0, 1, Err.UNMAPPED)
    assert await d.access(d.place(1, TPR, 0), 0x99, sel=1) == (0, 0, Err.PARTIAL)
    assert await d.access(d.place(1, ID, 0), sel=8) == (1 << 24, 0, Err.PARTIAL)
    assert await d.read(1, TPR) == 0


async def priorities(d):
    """Cases 55..63, a vCPU for those that belong together."""
    for v in range(4):
        await d.online(v)
        await d.write(v, SVR, 0x1FF)
        await d.write(v, SCHED, 0, row=True)
    for part in (classes, one_class, nesting, broadcasts, merging, software_enable):
        await part(d)


async def classes(d):
    """Cases 55, 56: a request waits for its class."""
    await d.write(0, TPR, 0x45)
    assert (await d.read(0, PPR), await d.read(0, APR)) == (0x45, 0x45)
    assert await d.accept(0, 0x45) == AcceptResult.SET
    assert not d.irq(0)
    await d.accept(0, 0x52)
    assert d.irq(0) and await d.read(0, INTA) == 0x80000052
    assert await d.read(0, PPR) == 0x50 and not d.irq(0)
    await d.write(0, EOI, 0)
    await d.write(0, TPR, 0x30)
    assert d.irq(0) and await d.read(0, INTA) == 0x80000045
    await d.write(0, EOI, 0)


async def one_class(d):
    """Case 57; LAPIC-15: none of the class in service is given out."""
    await d.accept(1, 0x61)
    await d.read(1, INTA)
    await d.accept(1, 0x6F)
    assert not d.irq(1) and await d.read(1, INTA) == 0xFF and "spurious" in d.strobes
    await d.write(1, EOI, 0)
    assert await d.read(1, INTA) == 0x8000006F
    await d.write(1, EOI, 0)


async def nesting(d):
    """Case 58; LAPIC-17: the highest in service ends first."""
    for vector in (0x31, 0x52, 0x93):
        await d.accept(2, vector)
        assert await d.read(2, INTA) == 1 << 31 | vector
    left = {0x31, 0x52, 0x93}
    for vector in (0x93, 0x52, 0x31):
        assert await d.bits(2, ISR) == left
        await d.write(2, EOI, 0)
        left -= {vector}
    assert await d.bits(2, ISR) == set()


async def broadcasts(d):
    """Case 60; IOA-11, LAPIC-17: an EOI is told for level vectors, unless suppressed."""
    d.strobes.clear()
    await d.accept(2, 0xFF, level=1)
    await d.read(2, INTA)
    await d.write(2, EOI, 0)
    await d.write(2, EOI, 0)
    assert d.strobes == [("eoi", 0, 0xFF)] and 0xFF in await d.bits(2, TMR)
    await d.write(2, SVR, 0x11FF)
    await d.accept(2, 0xFF, level=1)
    await d.read(2, INTA)
    await d.write(2, EOI, 0)
    assert d.strobes == [("eoi", 0, 0xFF)] and await d.bits(2, ISR) == set()
    await d.write(2, SVR, 0x1FF)


async def merging(d):
    """Cases 61, 62; IOA-20, LAPIC-13: a vector that is requested or in service comes again."""
    await d.accept(2, 0x80, level=1)
    await d.read(2, INTA)
    assert await d.accept(2, 0x80) == AcceptResult.SET
    assert await d.accept(2, 0x80, level=1) == AcceptResult.MERGED
    assert await d.read(2, LOAD, row=True) == 2
    d.ctx.set(d.dut.globals.retry_on_irr, 1)
    assert await d.accept(2, 0x80) == AcceptResult.RETRY
    assert await d.accept(2, 0x80, single=0) == AcceptResult.MERGED
    assert 0x80 not in await d.bits(2, TMR)
    assert await d.accept(2, 0x81, ok=0) == AcceptResult.ABORT
    assert await d.bits(2, IRR) == {0x80}
    d.ctx.set(d.dut.globals.retry_on_irr, 0)
    await d.accept(2, 0x50)
    await d.write(2, TPR, 0x20)
    assert await d.read(2, APR) == 0x80
    await d.write(2, TPR, 0x95)
    assert await d.read(2, APR) == 0x95


async def software_enable(d):
    """Case 63; IOA-18: a request waits for SVR[8]; an illegal vector is an error."""
    await d.accept(3, 0x40)
    await d.write(3, SVR, 0xFF)
    assert not d.irq(3)
    await d.write(3, SVR, 0x1FF)
    assert d.irq(3)
    assert await d.accept(3, 5, illegal=1) == AcceptResult.RECVILL
    await d.write(3, ESR, 0)
    assert await d.read(3, ESR) == 0x40 and await d.bits(3, IRR) == {0x40}


async def freezing(d):
    """Case 73 without raw access; LAPIC-60, 62, 63."""
    d.strobes.clear()
    await d.write(3, SCHED, 2, row=True)
    assert d.strobes == [("wake", 8)]
    await d.online(3, freeze=1)
    assert d.ctx.get(d.dut.frozen) == 8 and not d.irq(3)
    assert await d.read(3, INTA) == 0xFF and "spurious" not in d.strobes
    assert await d.read(3, 0, row=True) == 0x03010303
    await d.online(3)
    assert d.irq(3) and d.strobes == [("wake", 8)] * 2
    assert await d.read(3, WAKES, row=True) == 2
    await d.write(3, INTA, 0)
    assert await d.read(3, INTA) == 0x80000040
    await d.write(3, EOI, 0)


async def upcalls(d):
    """Cases 64, 108; EVT-05 and the readings of it."""
    await d.upcall(3, 1, 1, 1)
    assert d.ctx.get(d.dut.upcall) == 8
    await d.write(3, UPVEC, 0x1F0, row=True)            # became valid while pending
    assert d.ctx.get(d.dut.upcall) == 0 and await d.read(3, INTA) == 0x800000F0
    await d.write(3, EOI, 0)
    await d.write(3, UPVEC, 0x1F0, row=True)            # the same again: nothing
    assert not d.irq(3)
    await d.write(3, UPVEC, 0x1E0, row=True)            # another vector
    assert await d.read(3, INTA) == 0x800000E0
    await d.write(3, EOI, 0)
    await d.write(3, SVR, 0xFF)                         # 64
    await d.write(3, SVR, 0x1FF)
    assert await d.bits(3, IRR) == {0xE0}
    await d.read(3, INTA)
    await d.write(3, EOI, 0)
    await d.online(3, freeze=1)                         # owed while frozen, due at thaw
    await d.upcall(3, 0, 0, 0)
    await d.upcall(3, 1, 0, 1)
    assert await d.bits(3, IRR) == set()
    await d.online(3)
    assert await d.bits(3, IRR) == {0xE0}
    await d.write(3, UPVEC, 0x10F, row=True)
    assert await d.read(3, UPVEC, row=True) == 0x0F


async def ctl_rules(d):
    """LAPIC-60: what is ignored as a whole; the out count is that of the lane left."""
    assert not await d.ctl(2, 1 | 3 << 24)              # moves while online
    assert not await d.ctl(2, 1 | 2 << 24 | 1 << 4)
    d.ctx.set(d.dut.out_value, 7)
    assert await d.read(2, LOAD, row=True) == 10
    assert not await d.ctl(2, 2 << 24)
    d.ctx.set(d.dut.out_value, 0)
    assert await d.ctl(2, 2 << 24)
    for bad in (4 << 24, 1 << 24 | 2 << 4):
        assert not await d.ctl(2, 1 | bad)
    assert not await d.ctl(2, 1 | 2 << 24, held=1)
    assert await d.ctl(2, 1 | 2 << 24 | 0xAB << 8)
    assert await d.read(2, 0, row=True) == 1 | 2 << 24 | 0xAB << 8
    assert await d.read(2, ID) == 2 << 24


async def one_port_for_out(d):
    """A CTL write behind a LOAD read, at every distance, asks for the out count of its own lane."""
    ctx, dut = d.ctx, d.dut
    for distance in range(8):
        await d.settle()
        ctx.set(dut.bus.req.payload, {"addr": 0x8000 + 0x40 + LOAD, "sel": 15})
        ctx.set(dut.bus.req.valid, 1)
        applied = load = None
        for cycle in range(24):
            if cycle == distance:
                ctx.set(dut.note.payload, {"op": NoteOp.CTL, "v": 3, "data": 3 << 24})
                ctx.set(dut.note.valid, 1)
            ctx.set(dut.out_value, 5 if ctx.get(dut.out_k) == 1 else 0)
            ready = ctx.get(dut.bus.req.ready), ctx.get(dut.note.ready)
            if ctx.get(dut.note_done.valid):
                applied = ctx.get(dut.note_done.applied)
            if ctx.get(dut.bus.rsp.valid):
                load = ctx.get(dut.bus.rsp.payload.data)
            await ctx.tick()
            ctx.set(dut.bus.req.valid, ctx.get(dut.bus.req.valid) and not ready[0])
            ctx.set(dut.note.valid, ctx.get(dut.note.valid) and not ready[1])
        assert applied == 1 and load == 5, distance
        ctx.set(dut.out_value, 0)
        await d.online(3)


def test_conformance():
    dut = Bank(Config(rtes=4, irts=4, vcpus=4, lanes=4, domains=2, ports=64))

    async def bench(ctx):
        d = Driver(ctx, dut)
        while not ctx.get(dut.ready):
            await ctx.tick()
        for part in (registers, priorities, freezing, upcalls, ctl_rules, one_port_for_out):
            await part(d)

    simulate(dut, bench)


@pytest.mark.parametrize("vcpus", [40, 256])
def test_every_vcpu_has_its_own_row(vcpus):
    config = Config.for_vcpus(vcpus)
    dut = Bank(config)

    async def bench(ctx):
        d, cycles = Driver(ctx, dut), 0
        while not ctx.get(dut.ready):
            await ctx.tick()
            cycles += 1
        assert cycles <= max(config.vcpus, config.domains) + 2 <= 16 * vcpus
        some = sorted({0, 1, 31, 32, vcpus // 2, vcpus - 1})
        for v in some:
            dom, k = divmod(v, config.lanes)
            ctl = dom << 4 | (v & 255) << 8 | k << 24
            assert await d.read(v, 0, row=True) == ctl
            assert await d.ctl(v, ctl | 1)
            await d.write(v, SVR, 0x1FF)
            assert await d.accept(v, 0x40 + v % 64) == AcceptResult.SET
        assert ctx.get(dut.irq) == sum(1 << v for v in some)
        for v in some:
            assert await d.read(v, INTA) == 1 << 31 | 0x40 + v % 64
        assert ctx.get(dut.irq) == 0

    simulate(dut, bench)


def test_reset_in_mid_run_starts_anew():
    from amaranth import ResetInserter, Signal

    reset = Signal()
    dut = Bank(Config(rtes=4, irts=4, vcpus=4, lanes=4, domains=2, ports=64))

    async def bench(ctx):
        for _ in range(2):
            d = Driver(ctx, dut)
            assert not ctx.get(dut.ready)
            while not ctx.get(dut.ready):
                await ctx.tick()
            assert await d.read(3, 0, row=True) == 0x03000300
            assert await d.read(3, SVR) == 0xFF and await d.read(3, TPR) == 0
            assert await d.read(3, GRANTS, row=True) == 0
            assert await d.bits(3, IRR) == set()
            await d.online(3)
            await d.write(3, SVR, 0x1FF)
            await d.write(3, TPR, 0x20)
            await d.accept(3, 0x99)
            ctx.set(dut.granted, {"valid": 1, "v": 3})
            await ctx.tick()
            ctx.set(dut.granted, {"valid": 0, "v": 3})
            assert d.irq(3) and await d.read(3, GRANTS, row=True) == 1
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            assert ctx.get(dut.irq) == 0

    simulate(ResetInserter(reset)(dut), bench)


@pytest.mark.parametrize("cycles", [1, 2, 3])
def test_reset_sets_rows_whatever_they_hold(cycles):
    """GEN-06, and nothing of what is read meanwhile gets into a row (`RowMemory.quiet`)."""
    from amaranth import ResetInserter, Signal

    reset = Signal()
    dut = Bank(Config(rtes=4, irts=4, vcpus=14, lanes=4, domains=4, ports=64))
    rows = range(dut.config.vcpus)

    def held(ctx):
        return [ctx.get(Value.cast(dut.heads.data[v])) for v in rows]

    async def bench(ctx):
        await ctx.tick().until(dut.ready)
        cold = held(ctx)
        assert len(set(cold)) > 4
        for v in rows:
            row = Value.cast(dut.heads.data[v])
            ctx.set(row, (1 << len(row)) - 1)
        await ctx.tick().repeat(5)
        ctx.set(reset, 1)
        await ctx.tick().repeat(cycles)
        ctx.set(reset, 0)
        await ctx.tick().until(dut.ready)
        assert held(ctx) == cold

    simulate(ResetInserter(reset)(dut), bench)
