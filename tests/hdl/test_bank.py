# amaranth: UnusedElaboratable=no
"""Bank against the golden model's vCPUs: seeded traffic from all partners at once."""

import random
from collections import Counter
from types import SimpleNamespace

import pytest
from amaranth import Cat, Module, Signal
from amaranth.lib import wiring

from vapic.bank.unit import Bank
from vapic.config import Config
from vapic.layouts import AcceptResult
from vapic.record import Op
from vapic_sim.harness import simulate

from .bank_model import BankModel, lane_row
from .bank_partners import BusMaster, Dispatcher, EventChannels, Holder, OutCounts, Strobes
from .bank_traffic import Traffic

LATENCY = 7     # from issue to the cycle after the decision


class Outs(wiring.Component):
    """The bank with a table of out counts beside it."""

    def __init__(self, config):
        super().__init__({})
        self.bank = Bank(config)
        self.table = Signal(8 << config.lane_bits << config.domain_bits)

    def elaborate(self, platform):
        m = Module()
        m.submodules.bank = bank = self.bank
        m.d.comb += bank.out_value.eq(self.table.word_select(Cat(bank.out_k, bank.out_dom), 8))
        return m


class Bench:
    """A bank among its partners; each commit is followed in the model and judged."""

    def __init__(self, top, config, rng):
        self.dut, self.config, self.rng = top.bank, config, rng
        self.model, self.traffic = BankModel(config), Traffic(config, rng)
        self.seen, self.cycle, self.then, self.note = Counter(), 0, None, None
        self.bus = BusMaster(self, self.dut.bus.req)
        self.dispatcher = Dispatcher(self, self.dut.accept.target)
        self.channels = EventChannels(self, self.dut.note)
        self.holder, self.strobes = Holder(self), Strobes(self)
        self.outs = OutCounts(self, top.table)
        self.partners = {Op.BUS: self.bus, Op.ACCEPT: self.dispatcher,
                         Op.UPCALL: self.channels, Op.CTL: self.channels}

    async def run(self, ctx, cycles):
        self.ctx = ctx
        for self.cycle in range(cycles):
            self.follow()
            self.outputs()
            for partner in (self.bus, self.dispatcher, self.channels, self.holder, self.strobes,
                            self.outs):
                partner.drive()
            self.dispatcher.judge()
            self.remember()
            self.holder.check()
            self.issue()
            await ctx.tick()

    def follow(self):
        """The record of this cycle: what was decided in the one before."""
        ctx, dut, then = self.ctx, self.dut, self.then
        if not ctx.get(dut.commits.valid):
            assert not ctx.get(dut.wake) and not ctx.get(dut.bus.rsp.valid)
            assert then is None or not (
                then.accept_done.valid or then.note_done.valid or then.lane_write.en
                or then.lane_note.valid or then.eoi.valid or then.merged or then.spurious)
            return
        record = ctx.get(dut.commits.record)
        partner = self.partners[record.op]
        issued, item = partner.flying.popleft()
        assert self.cycle == issued + LATENCY
        assert ctx.get(dut.bus.rsp.valid) == (record.op == Op.BUS)
        assert then.accept_done.valid == (record.op == Op.ACCEPT)
        assert then.note_done.valid == (record.op == Op.CTL)
        commit = partner.commit(item, record, then)
        vcpu = commit.vcpu
        assert then.merged == (record.op == Op.ACCEPT and record.result == AcceptResult.MERGED)
        assert then.spurious == commit.spurious
        assert [(then.eoi.dom, then.eoi.vector)] * then.eoi.valid == commit.eois
        assert ctx.get(dut.wake) == commit.wake << vcpu.v
        self.check_head(vcpu)
        self.check_lane(commit)
        injected = commit.grew or (commit.owed and not vcpu.owed and vcpu.accepts)
        self.seen.update(name for name, happened in (
            ("spurious", commit.spurious), ("EOI", commit.eois), ("wake", commit.wake),
            (f"injected by {Op(record.op).name}", injected), ("owed", vcpu.owed),
            ("frozen", vcpu.freeze), ("offline", not vcpu.online),
            ("disabled", not vcpu.apic.en), ("cluster", vcpu.apic.dfr == 0)) if happened)
        self.seen["records"] += 1

    def check_head(self, vcpu):
        """The memory rows of one vCPU hold the model's state."""
        apic, get, dut = vcpu.apic, self.ctx.get, self.dut
        head = get(dut.heads.data[vcpu.v])
        for part, names in ((vcpu, ("online", "freeze", "dom", "k", "apicid", "sched", "upvec",
                                    "upvec_valid", "owed")),
                            (apic, ("en", "id", "ldr", "dfr", "tpr", "irrv", "isrv"))):
            for name in names:
                assert getattr(head, name) == getattr(part, name), (vcpu.v, name)
        assert (head.up_pend, head.up_line) == (vcpu.pend, vcpu.line)
        assert (head.recvill << 6 | head.illrega << 7) == apic.esr_pending
        assert (head.irr_count, head.isr_count) == (apic.irr.bit_count(), apic.isr.bit_count())
        words = self.config.words
        for name in ("irr", "isr", "tmr"):
            value = sum(get(getattr(dut, name).data[vcpu.v * words + i]) << 32 * i
                        for i in range(words) if getattr(head, f"{name}_words") >> i & 1)
            assert value == getattr(apic, name), (vcpu.v, name)

    def check_lane(self, commit):
        """What dispatch was told in the decision cycle: all that changed, of an online vCPU."""
        vcpu, old = commit.vcpu, commit.row
        write, note, new = self.then.lane_write, self.then.lane_note, lane_row(commit.vcpu)
        in_lane = old["online"] or new["online"]
        assert write.en <= in_lane and write.en >= (in_lane and new != old)
        if write.en:
            assert (write.dom, write.lanes) == (vcpu.dom, 1 << vcpu.k)
            assert {name: int(getattr(write.row[name], "value", write.row[name]))
                    for name in new} == new
        assert note.valid == (commit.changed or commit.grew)
        if note.valid:
            assert (note.config, note.grew) == (commit.changed, commit.grew)
            assert (note.dom, note.k) == (vcpu.dom, vcpu.k)

    def outputs(self):
        vcpus = self.model.vcpus
        for name, bits in (("irq", [u.irq for u in vcpus]),
                           ("upcall", [u.upcall and not u.freeze for u in vcpus]),
                           ("frozen", [u.freeze for u in vcpus])):
            assert self.ctx.get(getattr(self.dut, name)) == sum(
                bit << v for v, bit in enumerate(bits)), f"{self.cycle}: {name}"

    def remember(self):
        """What is decided in this cycle; its record comes in the next."""
        ctx, dut = self.ctx, self.dut
        names = ("merged", "spurious", "note_done", "eoi", "lane_write")
        self.then = None if self.note is None else SimpleNamespace(
            ok=self.dispatcher.ok, retry=self.dispatcher.retry, out=self.outs.now(),
            accept_done=ctx.get(dut.accept.done), lane_note=self.note,
            **{name: ctx.get(getattr(dut, name)) for name in names})
        self.note = ctx.get(dut.lane_note)      # of what is decided in the next cycle

    def issue(self):
        """At most one operation is issued in a cycle, and none that is held."""
        ctx, dut, bus = self.ctx, self.dut, self.bus
        busy = any(partner.under_way() for partner in self.partners.values())
        waiting = bus.decoded
        idle = not busy and waiting is None
        assert ctx.get(dut.quiet) == (idle and not ctx.get(dut.bus.rsp.valid))
        issued = [(partner, item) for partner, item in (
            (bus, bus.issue()), (self.dispatcher, self.dispatcher.take()),
            (self.channels, self.channels.take())) if item is not None]
        assert len(issued) <= 1
        for partner, item in issued:
            assert not self.holder.holds(item)
            partner.flying.append((self.cycle, item))
        assert waiting is None or busy or issued or self.holder.holds(waiting), (
            f"{self.cycle}: {waiting} is not issued")


EVERYTHING = ("SET", "MERGED", "RETRY", "ABORT", "RECVILL", "INTA", "spurious", "EOI", "owed",
              "frozen", "injected by BUS", "injected by UPCALL", "injected by CTL", "applied",
              "refused", "offline", "disabled", "cluster", "wake")


@pytest.mark.parametrize(("vcpus", "lanes", "domains", "vectors", "cycles"), [
    (4, 4, 2, 256, 8000), (5, 2, 3, 64, 4000), (1, 1, 2, 32, 2000)])
def test_follows_model(vcpus, lanes, domains, vectors, cycles):
    config = Config(rtes=4, irts=4, vcpus=vcpus, lanes=lanes, domains=domains, ports=64,
                    vectors=vectors, commits=True)
    top = Outs(config)
    bench = Bench(top, config, random.Random(20 + vcpus))

    async def run(ctx):
        filled = 0
        for _ in range(max(vcpus, domains) + 3):
            write = ctx.get(top.bank.lane_write)
            if write.en:
                assert not write.row.online and write.lanes == (1 << lanes) - 1
                filled |= 1 << write.dom
            await ctx.tick()
        assert ctx.get(top.bank.ready) and filled == (1 << domains) - 1
        await bench.run(ctx, cycles)

    simulate(top, run)
    seen = bench.seen
    assert seen["records"] > cycles // 10
    rare = [name for name in EVERYTHING if seen[name] < cycles // 4000]
    assert not rare, f"{rare} of {seen}"
