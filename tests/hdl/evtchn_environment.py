"""The event channels among their partners, followed by the golden model in each cycle."""

import random
from types import SimpleNamespace

from vapic.record import Op

from .evtchn_model import MASK, WINDOW, EventModel
from .evtchn_partners import Bank, BusMaster, Dispatch, RequestStore, Rows
from .model_bus import AUTO_RERAISE, AUTO_UNMASK, CTRL, DYN_OFF, ENABLE, write

#: Bits of CTRL that the unit knows.
FLAGS = {"dyn_off": DYN_OFF, "auto_reraise": AUTO_RERAISE, "auto_unmask": AUTO_UNMASK}
#: Cycles of an access at most: behind each bit of a mask change a grant to all lanes may go.
LIMIT = 32 * 32


class Environment:
    """All partners of the unit, a cycle a `step`."""

    def __init__(self, dut, seed, *, grants=0.3, bank=0.6):
        self.dut, self.c, self.rng = dut, dut.config, random.Random(seed)
        self.model = EventModel(self.c)
        self.bus, self.dispatch = BusMaster(self), Dispatch(self, grants)
        self.bank, self.store, self.rows = Bank(self, bank), RequestStore(self), Rows(self)
        self.cycle, self.answer = 0, None

    def switch(self, ctx, *flags):
        """Set these flags of CTRL and no others."""
        write(self.model.core, CTRL, ENABLE | sum(map(FLAGS.get, flags)))
        for name in FLAGS:
            ctx.set(self.dut.globals[name], name in flags)

    async def step(self, ctx):
        """Drive one cycle, look at it, and end it."""
        dut = self.dut
        for partner in (self.dispatch, self.bank, self.bus, self.store, self.rows):
            partner.drive(ctx, dut)
        self.follow(ctx)
        self.rows.look(ctx, dut)
        self.answer = self.dispatch.look(ctx, dut)
        for partner in (self.store, self.bank, self.bus):
            partner.look(ctx, dut)
        await ctx.tick()
        self.cycle += 1

    def follow(self, ctx):
        """Apply this cycle's commit record to the model."""
        model = self.model
        hands = len(model.hands)
        if not ctx.get(self.dut.commits.valid):
            assert self.answer is None
            return
        record = ctx.get(self.dut.commits.record)
        assert (record.op == Op.GRANT) == (self.answer is not None)
        if record.op == Op.BUS:
            self.bus.commit(record)
        elif record.op == Op.MASK_BIT:
            d, p = divmod(record.row, self.c.ports)
            assert model.events.domains[d].mask >> p & 1 != record.data
            model.apply("MASK_BIT", record)
        else:
            self.dispatch.commit(record, self.answer)
        # The request is told in the cycle of the record.
        assert (len(model.hands) > hands) == ctx.get(self.dut.hand_back.valid)

    async def access(self, ctx, addr, data=None, *, sel=15, vmm=1, vcpu=0):
        """One access; returns the data read."""
        bus, start = self.bus, self.cycle
        bus.request = SimpleNamespace(
            addr=addr, we=int(data is not None), data=data or 0, sel=sel, vmm=vmm,
            dom=0 if vmm else addr - WINDOW >> 14, vcpu=vcpu)
        bus.response = None
        while bus.response is None:
            await self.step(ctx)
            assert self.cycle - start < LIMIT
        return bus.response

    async def grant(self, ctx, n, dynamic, places):
        """Grant PIRQ n to (lane, vCPU) one after the other; returns answers by how often."""
        results = self.dispatch.results
        results.clear()
        self.dispatch.start(n, dynamic, places)
        while not self.dispatch.idle():
            await self.step(ctx)
        await self.step(ctx)
        return results

    async def settle(self, ctx):
        """Let all finish, then compare all state."""
        rate, self.dispatch.rate = self.dispatch.rate, 0
        while not self.dispatch.idle() or not ctx.get(self.dut.quiet):
            await self.step(ctx)
        await self.step(ctx)
        self.dispatch.rate = rate
        self.compare(ctx)

    def compare(self, ctx):
        c, model = self.c, self.model
        model.check_quiet()
        assert self.bank.notes == model.notes and self.store.hands == model.hands
        assert self.rows.outs == [(d, k, min(255, x)) for d, k, x in model.outs]
        for d in range(c.domains):
            self._compare_ports(ctx, d, model.events.domains[d])
            self._compare_lanes(ctx, d, model.events.domains[d])
        for n in range(c.pirqs):
            row = ctx.get(self.dut.store.pirqs.data[n])
            assert (row.open, row.infl, row.pend, row.bound) == model.row(n)

    def _compare_ports(self, ctx, d, window):
        c, store = self.c, self.dut.store
        states = [port.state for port in window.ports]
        for p, port in enumerate(window.ports):
            row = ctx.get(store.ports.data[d << c.port_bits | p])
            assert row.state.name == port.state.upper().replace("RESERVED", "FREE"), (d, p)
            assert row.notify == port.notify, (d, p)
            if port.state in ("unbound", "interdomain"):
                assert (row.tie.peer.dom, row.tie.peer.port) == (
                    port.remote_dom, port.remote_port)
            if port.state == "pirq":
                assert row.tie.n == port.n
        for w in range(c.port_words):
            pending, mask, used, pirq = ctx.get(store.words.data[d << (c.port_bits - 5) | w])
            here = states[32 * w:32 * w + 32]
            assert pending == window.pending >> 32 * w & MASK
            assert mask == window.mask >> 32 * w & MASK
            assert used == sum((state != "free") << i for i, state in enumerate(here))
            assert pirq == sum((state == "pirq") << i for i, state in enumerate(here))

    def _compare_lanes(self, ctx, d, window):
        c, store, core = self.c, self.dut.store, self.model.core
        for k in range(c.lanes):
            row, holder = ctx.get(store.lanes.data[d << c.lane_bits | k]), core.holder.get((d, k))
            assert (row.sel, row.pending, row.mask) == (
                window.sel[k], window.upcall[k], window.upcall_mask[k])
            assert row.names == sum((vcpu.dom, vcpu.k) == (d, k) for vcpu in core.vcpus)
            assert row.online == (holder is not None)
            assert holder is None or row.v == holder.v
            count = ctx.get(store.inflight_count.data[d << c.lane_bits | k])
            assert count == core.events.out[d][k]
