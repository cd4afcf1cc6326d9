"""Bus master, dispatch, bank and entry table around the event channels, checking each cycle."""

import random
from types import SimpleNamespace

from vapic.layouts import Err, NoteOp
from vapic.record import Op

from .evtchn_reference import (
    ABORT,
    FREE,
    INTERDOMAIN,
    MASK,
    PIRQ,
    UNBOUND,
    WINDOW,
    Reference,
)


class Environment:
    """Bus master, dispatch, bank and table around the unit, a cycle a `step`."""

    def __init__(self, dut, seed, *, grants=0.3, bank=0.6):
        self.dut, self.c, self.rng = dut, dut.config, random.Random(seed)
        self.grants, self.bank = grants, bank
        blank = dict(mode=0, force_dyn=0, force_static=0, autoeoi=0, level=0, dom=0, owned=1)
        self.entries = [SimpleNamespace(**blank) for _ in range(self.c.pirqs)]
        self.flags = SimpleNamespace(auto_reraise=0, auto_unmask=0, dyn_off=0)
        self.ref = Reference(self.c, self.entries, self.flags)
        self.cycle = self.longest = 0
        self.request = self.response = None
        self.targets, self.running, self.decided = [], None, None
        self.query = self.snapshot = None
        self.ctl_due, self.bits, self.expected = None, [], None
        self.notes, self.hands, self.outs, self.results = [], [], [], {}
        self.before = {}

    def table(self, ctx):
        for name, value in vars(self.flags).items():
            ctx.set(self.dut.globals[name], value)

    def choose_grant(self):
        ref, rng = self.ref, self.rng
        lanes = range(self.c.lanes)
        opened = {n: [k for k in lanes if ref.row(n)[0] >> k & 1] for n in range(self.c.pirqs)}
        n = rng.choice([n for n in opened if opened[n] and rng.random() < 0.9] or list(opened))
        d = next((d for d, _ in ref.bound[n].values()), 0)
        dynamic = rng.random() < 0.6
        fit = opened[n] if rng.random() < 0.9 and opened[n] else lanes
        if dynamic:
            chosen = [rng.choice([k for k in fit if k not in ref.infl[n]] or fit)]
        else:
            chosen = rng.sample(fit, rng.randint(1, len(fit)))
            chosen += [k for k in lanes if k not in chosen and rng.random() < 0.1]
        self.targets = [
            {"n": n, "dom": d, "k": k, "v": (d * self.c.lanes + k) % self.c.vcpus,
             "dynamic": int(dynamic), "first": int(i == 0), "last": int(k == chosen[-1])}
            for i, k in enumerate(chosen)]

    async def step(self, ctx):
        """Drive one cycle, look at it, and end it."""
        dut, rng, ref = self.dut, self.rng, self.ref
        ready = rng.random() < self.bank
        ok = rng.random() < 0.9
        if not self.targets and self.running is None and rng.random() < self.grants:
            self.choose_grant()
        offered = bool(self.targets) and self.running is None
        ctx.set(dut.grant.target.valid, offered)
        if offered:
            ctx.set(dut.grant.target.payload, self.targets[0])
        ctx.set(dut.grant.ok, ok)
        ctx.set(dut.note.ready, ready)
        ctx.set(dut.bus.req.valid, self.request is not None)
        if self.request is not None:
            ctx.set(dut.bus.req.payload, vars(self.request))
        if self.query is not None:
            ctx.set(dut.query_entry, vars(self.entries[self.query])
                    if self.query < self.c.pirqs else {})
        answer = {"valid": 0}
        if self.ctl_due is not None:
            v, data, due = self.ctl_due
            if self.cycle >= due:
                applied, old = ref.write_ctl(v, data)
                new = ref.ctl[v]
                answer = dict(valid=1, applied=int(applied), old_dom=old[0], old_k=old[1],
                              old_online=old[2], new_dom=new[0], new_k=new[1], new_online=new[2])
                self.expected = (0, 0, Err.NONE if applied else Err.BUSY, 0)
                self.ctl_due = None
        ctx.set(dut.note_done, answer)
        n, d, k = (rng.randrange(x) for x in (self.c.pirqs, self.c.domains, self.c.lanes))
        ctx.set(dut.pirq_n, n)
        ctx.set(dut.out_dom, d)
        ctx.set(dut.out_k, k)

        self.follow(ctx)
        if self.snapshot is not None:
            row = ctx.get(dut.pirq_row)
            assert (row.open, row.infl, row.pend) == self.snapshot, self.request
        if ctx.get(dut.lag):
            self.snapshot = None
        else:
            self.snapshot = ref.row(n)[:3]
            assert ctx.get(dut.out_value) == ref.out[d][k]
        self.look(ctx, offered, ok, ready)
        await ctx.tick()
        self.cycle += 1

    def follow(self, ctx):
        """Apply this cycle's commit record to the reference."""
        dut, ref = self.dut, self.ref
        seen, self.before = self.before, {}
        if not ctx.get(dut.commits.valid):
            assert "result" not in seen
            return
        record = ctx.get(dut.commits.record)
        hands = len(ref.hands)
        if record.op == Op.BUS:
            assert not self.bits
            request = SimpleNamespace(addr=record.addr, we=record.we, data=record.data,
                                      sel=record.sel, vmm=record.vmm, vcpu=record.vcpu)
            self.expected = ref.access(request)
            ref.met.add(("err", self.expected[2]))
            assert record.result == self.expected[1] << 32 | self.expected[3], request
        elif record.op == Op.MASK_BIT:
            d, p = divmod(record.row, self.c.ports)
            assert self.bits.pop(0) == (d, p, record.data)
            ref.set_mask(d, p, record.data, self.flags.auto_reraise)
        else:
            target, ok = self.decided
            result, port = ref.grant(target, ok)
            assert (record.addr, record.row) == (target["n"], target["v"])
            assert record.data == target["first"] << 10 | target["last"] << 9
            assert record.result & 7 == result == seen["result"][0]
            assert port in (None, record.result >> 3) and record.result >> 3 == seen["result"][1]
            self.results[result] = self.results.get(result, 0) + 1
        # The request is told in the cycle of the record.
        assert (len(ref.hands) > hands) == ctx.get(dut.hand_back.valid)

    def look(self, ctx, offered, ok, ready):
        """Outputs of this cycle."""
        dut = self.dut
        self.query = ctx.get(dut.query_n)
        if ctx.get(dut.grant.done.valid):
            self.before["result"] = (int(ctx.get(dut.grant.done.result)),
                                     ctx.get(dut.grant.done.port))
            self.decided, self.running = (self.running, ok), None
            if self.before["result"][0] == ABORT:
                self.targets.clear()
        if offered and ctx.get(dut.grant.target.ready):
            self.running = self.targets.pop(0)
        if ctx.get(dut.hand_back.valid):
            hand = ctx.get(dut.hand_back)
            self.hands.append((hand.n, hand.clear_rirr, hand.set_pend))
        if ctx.get(dut.out_write.en):
            out = ctx.get(dut.out_write)
            k = out.lanes.bit_length() - 1
            assert out.lanes == 1 << k
            if ctx.get(dut.store.inflight_count.data[out.dom << self.c.lane_bits | k]) != out.out:
                self.outs.append((out.dom, k, out.out))
        if ready and ctx.get(dut.note.valid):
            note = ctx.get(dut.note.payload)
            if note.op == NoteOp.CTL:
                new = (note.data >> 4 & 15, note.data >> 24 & 63)
                assert note.held == self.ref.held(note.v, new)
                self.ctl_due = (note.v, note.data, self.cycle + self.rng.randint(2, 6))
            else:
                self.notes.append((note.op, note.v, note.pend, note.line, note.rise))
        if self.request is not None and ctx.get(dut.bus.req.ready):
            self.request = None
        if ctx.get(dut.bus.rsp.valid):
            rsp = ctx.get(dut.bus.rsp.payload)
            assert (rsp.data, rsp.berr, rsp.err) == self.expected[:3]
            self.response = rsp.data

    async def access(self, ctx, addr, data=None, *, sel=15, vmm=1, vcpu=0, limit=64):
        """One access; returns the data read."""
        d = addr - WINDOW >> 14
        self.request = SimpleNamespace(addr=addr, we=int(data is not None), data=data or 0,
                                       sel=sel, vmm=vmm, dom=0 if vmm else d, vcpu=vcpu)
        self.response, start = None, self.cycle
        self.bits = self.mask_bits(self.request) if addr >= WINDOW else []
        while self.response is None:
            await self.step(ctx)
            assert self.cycle - start < 400
        self.longest = max(self.longest, self.cycle - start)
        return self.response

    def mask_bits(self, r):
        """The bits that a store changes, in ascending order."""
        d, off = r.addr - WINDOW >> 14, r.addr & 0x3FFC
        w = off >> 2 & 31
        if not r.we or off >> 7 not in (0x21, 0x23, 0x24) or w >= self.c.port_words:
            return []
        if off >> 7 != 0x21 and r.sel != 15:
            return []
        lanes = sum(0xFF << 8 * i for i in range(4) if r.sel >> i & 1)
        old = self.ref.mask[d] >> 32 * w & MASK
        new = {0x21: old & ~lanes | r.data & lanes, 0x23: old | r.data,
               0x24: old & ~r.data}[off >> 7]
        return [(d, 32 * w + i, new >> i & 1) for i in range(32) if (old ^ new) >> i & 1]

    async def settle(self, ctx):
        """Let all finish, then compare all state."""
        grants, self.grants = self.grants, 0
        while self.targets or self.running or not ctx.get(self.dut.quiet):
            await self.step(ctx)
        await self.step(ctx)
        self.grants = grants
        self.compare(ctx)

    def compare(self, ctx):
        c, ref, store = self.c, self.ref, self.dut.store
        assert self.notes == ref.notes and self.hands == ref.hands
        assert self.outs == [(d, k, min(255, x)) for d, k, x in ref.outs]
        for d in range(c.domains):
            for p in range(c.ports):
                row = ctx.get(store.ports.data[d << c.port_bits | p])
                state, notify, tie = ref.port[d][p]
                assert (row.state.value, row.notify) == (state, notify), (d, p)
                if state in (UNBOUND, INTERDOMAIN):
                    far = (tie, 0) if state == UNBOUND else tie
                    assert (row.tie.peer.dom, row.tie.peer.port) == far
                if state == PIRQ:
                    assert row.tie.n == tie
            for w in range(c.port_words):
                pend, mask, used, pirq = ctx.get(store.words.data[d << (c.port_bits - 5) | w])
                states = [ref.port[d][32 * w + i][0] for i in range(32)]
                assert pend == ref.pending[d] >> 32 * w & MASK
                assert mask == ref.mask[d] >> 32 * w & MASK
                assert used == sum((s != FREE) << i for i, s in enumerate(states)) | (w == 0)
                assert pirq == sum((s == PIRQ) << i for i, s in enumerate(states))
            for k in range(c.lanes):
                row = ctx.get(store.lanes.data[d << c.lane_bits | k])
                assert (row.sel, row.pending, row.mask) == (
                    ref.sel[d][k], ref.up[d][k], ref.upmask[d][k])
                assert row.names == sum(place[:2] == (d, k) for place in ref.ctl)
                assert row.online == (ref.holder(d, k) is not None)
                assert not row.online or row.v == ref.holder(d, k)
                assert ctx.get(store.inflight_count.data[d << c.lane_bits | k]) == ref.out[d][k]
        for n in range(c.pirqs):
            row = ctx.get(store.pirqs.data[n])
            assert (row.open, row.infl, row.pend, row.bound) == ref.row(n)
