# amaranth: UnusedElaboratable=no
"""Ioapic against the golden model's requests, cycle by cycle, under seeded random load."""

import random
from collections import Counter, deque

import pytest

from vapic.config import Config
from vapic.ioapic.unit import Ioapic
from vapic.layouts import Err, Outcome
from vapic_sim.harness import simulate

from .ioapic_bus_master import BusMaster
from .ioapic_model import StoreModel
from .ioapic_partners import Bank, Devices, Dispatcher, EventChannels, Globals

#: Cycles after its commit until an EOI has cleared RIRR.
EOI_TAKES = 9
#: Cycles that an access waits, with the one that says so and the one before its decision.
HOLDS = 4


class Bench:
    """The store among its partners; what they do in a cycle is done to the model after its edge."""

    def __init__(self, config, seed):
        self.dut, self.config, self.rng = Ioapic(config), config, random.Random(seed)
        self.model, self.seen, self.cycle = StoreModel(config), Counter(), 0
        self.globals, self.devices, self.bank = Globals(self), Devices(self), Bank(self)
        self.bus, self.dispatcher = BusMaster(self), Dispatcher(self)
        self.channels = EventChannels(self)
        #: Whether accesses had to wait in each of the last cycles: none is decided in this one.
        self.holding = deque([False], maxlen=HOLDS)
        #: Whether a grant or outcome was decided in each of the last cycles.
        self.granting = deque([False], maxlen=3)
        #: Entry that is said to be written in this cycle; told a cycle ahead.
        self.spoils = None
        #: Entries whose RIRR an EOI is clearing, and for how many cycles more.
        self.late = {}
        #: The entry asked for.
        self.query, self.looks = 0, None

    async def run(self, ctx, cycles):
        dut = self.dut
        await self.start(ctx)
        for self.cycle in range(cycles):
            self.globals.drive(ctx, dut)
            self.compare(ctx)
            for partner in (self.devices, self.bank, self.channels, self.dispatcher, self.bus):
                partner.drive(ctx, dut)
            holding = self.holds(ctx)
            self.granting.append(ctx.get(dut.granting))
            spoils = ctx.get(dut.registers.n) if ctx.get(dut.registers.spoils) else None
            await ctx.tick()
            self.dispatcher.tell(ctx, dut)
            self.commit(ctx, spoils)
            self.holding.append(holding)
            self.spoils = spoils

    async def start(self, ctx):
        """Wait for the initialisation (GEN-06)."""
        c, cycles = self.config, 0
        while not ctx.get(self.dut.ready):
            assert not ctx.get(self.dut.bus.req.ready)
            await ctx.tick()
            cycles += 1
        assert cycles <= 16 * c.vcpus + 4 * c.domains * c.ports + 4 * c.pirqs + 64
        assert ctx.get(self.dut.quiet)

    def holds(self, ctx):
        """What makes accesses wait in the next cycle."""
        return any((ctx.get(self.dut.granting), self.dispatcher.multi, self.bank.told,
                    self.channels.back, self.channels.note))

    def compare(self, ctx):
        """State against state; in this cycle the store is told of what was decided before it."""
        dut, model, query = self.dut, self.model, self.query
        if not ctx.get(dut.registers.ending):
            self.late = {n: left - 1 for n, left in self.late.items() if left}
        told = {self.dispatcher.about}
        if self.devices.message is not None:
            told.add(self.config.rtes + self.devices.message)
        self.stood = [model.stands(n) for n in model.everyone]
        self.live = [stands and n in model.due for n, stands in enumerate(self.stood)]
        for bits, expected in ((ctx.get(dut.flags.stands) * self.globals.enable, self.stood),
                               (ctx.get(dut.state.live), self.live)):
            for n, bit in enumerate(expected):
                assert bits >> n & 1 == bit or n in told or n in self.late, (self.cycle, n)
        if self.looks is not None:
            entry = ctx.get(dut.query_entry)
            self.check_entry(entry, {name: self.looks[name] for name in entry.shape().members})
        self.query = query = self.rng.randrange(self.config.pirqs)
        ctx.set(dut.query_n, query)

    def entry_row(self, n):
        """What others are told of an entry."""
        r = self.model.requests[n]
        return {"vector": r.vector, "mode": r.mode, "logical": r.logical, "level": r.level,
                "dest": r.dest, "path": r.evt, "ser": r.ser, "force_dyn": r.reqx >> 2 & 1,
                "force_static": r.reqx >> 3 & 1, "policy": r.reqx >> 4 & 15,
                "allow": r.reqx >> 12 & 7, "autoeoi": r.reqx >> 23 & 1, "dom": r.dom,
                "owned": r.owned}

    @staticmethod
    def check_entry(seen, expected):
        seen = {name: int(getattr(seen[name], "value", seen[name])) for name in expected}
        assert seen == expected

    def eoi(self, operation, *args):
        """Do an EOI, which the store may still be at for some cycles."""
        rirr = [r.n for r in self.model.requests if r.rirr]
        result = operation(*args)
        self.late |= {n: EOI_TAKES for n in rirr if not self.model.requests[n].rirr}
        return result

    def commit(self, ctx, spoils):
        """What was decided in the cycle that ends, in the order of GEN-04."""
        dut, model = self.dut, self.model
        written = self.bus.commit(ctx, dut)
        assert self.spoils == written, self.cycle
        self.dispatcher.end(ctx, dut, self.stood)
        # A row that is written as it is read is not looked at.
        self.looks = None if written == self.query else self.entry_row(self.query)
        if self.bank.acts:
            self.eoi(model.ioapic.lapic_eoi, *self.bank.acts)
        back = self.channels.back_acts
        if back:
            model.hand_back(back["n"], back["clear_rirr"])
        self.channels.tell()
        model.grant(self.dispatcher.first, self.dispatcher.last, *self.dispatcher.target)
        handed = back["n"] if back and back["set_pend"] else None
        self.devices.occur(ctx, dut, handed, written)
        self.dispatcher.commit(spoils)


EVERYTHING = (Err.NONE, Err.UNMAPPED, Err.INDEX, Err.PARTIAL, Err.BUSY, Err.FOREIGN,
              *list(Outcome)[1:], "parked", "grant", "multi", "lines", "merges", "end_flight",
              "window", "reqx", "owner", "table", "messages", "message merges", "late",
              "late outcome")


@pytest.mark.parametrize(("sizes", "cycles"), [
    ({"rtes": 4, "irts": 3}, 36000),
    ({"rtes": 3, "irts": 0, "ioa_version": 0x11}, 2500),
    ({"rtes": 24, "irts": 32}, 1500),
])
def test_follows_model(sizes, cycles):
    config = Config(vcpus=4, lanes=4, domains=2, ports=64, commits=True, **sizes)
    bench = Bench(config, seed=cycles)

    async def run(ctx):
        await bench.run(ctx, cycles)

    simulate(bench.dut, run)
    if sizes["rtes"] == 4:
        rare = [what for what in EVERYTHING if bench.seen[what] < 10]
        assert not rare, f"{rare} of {bench.seen}"


def test_what_is_put_off_ends_with_its_request():
    """Of a line that is another for the cycle in which the outcome is told nothing is left."""
    bench = Bench(Config(vcpus=4, lanes=4, domains=2, ports=64, commits=True, rtes=4, irts=3), 5)
    bench.dispatcher.grants, bench.dispatcher.ends = False, [Outcome.PARK, Outcome.WAIT]

    async def run(ctx):
        await bench.run(ctx, 6000)

    simulate(bench.dut, run)
    assert bench.seen["parked"] > 100
