# amaranth: UnusedElaboratable=no
"""Memories of the event channels: rows after reset, and reads in the cycle of a write."""

import pytest

from vapic import Config
from vapic.evtchn.store import Store
from vapic.layouts import Layouts
from vapic_sim.harness import simulate

CONFIG = Config(rtes=3, irts=1, vcpus=5, lanes=3, domains=3, ports=64)
PIRQS = ({"open": 1, "infl": 2, "pend": 3, "bound": 4}, {"open": 5, "infl": 6, "pend": 0,
                                                         "bound": 7})


class Engine:
    """A store, and who moves its cursor and writes."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut

    def go(self, **places):
        """Where rows are read from this cycle on."""
        for name, place in places.items():
            self.ctx.set(self.dut.cursor_next[name], place)

    async def stand(self, **places):
        """Go there, and wait until the rows are in registers and written there."""
        self.go(**places)
        await self.ctx.tick().repeat(2)

    async def write(self, name, value, *, strobes=1, **places):
        """Write the row of `at` in this cycle, and go somewhere else in it."""
        dut, ctx = self.dut, self.ctx
        self.go(**places)
        ctx.set(getattr(dut, f"{name}_data"), value)
        ctx.set(getattr(dut, f"write_{name}"), strobes)
        await ctx.tick()
        ctx.set(getattr(dut, f"write_{name}"), 0)

    def row(self, name):
        """A row in its register, as a dict."""
        row = self.ctx.get(getattr(self.dut, name))
        return {field: row[field] for field, _ in row.shape()}


def check(bench):
    dut = Store(CONFIG, Layouts(CONFIG))

    async def whole(ctx):
        await ctx.tick().until(dut.ready)
        await bench(Engine(ctx, dut), ctx, dut)

    simulate(dut, whole)


def test_rows_after_reset():
    """Port 0 of every domain is in use, upcalls are masked, and v counts the lanes that exist."""
    async def bench(engine, ctx, dut):
        c = CONFIG
        for d in range(c.domains):
            for w in range(c.port_words):
                assert tuple(ctx.get(dut.words.data[d * c.port_words + w])) == (
                    0, 0, int(w == 0), 0)
            for k in range(c.lanes):
                lane = ctx.get(dut.lanes.data[d << c.lane_bits | k])
                v = d * c.lanes + k
                assert (lane.sel, lane.pending, lane.mask, lane.names, lane.online) == (
                    0, 0, 1, int(v < c.vcpus), 0)
                if v < c.vcpus:
                    assert ctx.get(dut.lane_of_rows.data[v]) == k

    check(bench)


def test_words_are_not_read_in_the_cycle_of_a_write():
    async def bench(engine, ctx, dut):
        for w in (0, 1):
            await engine.stand(port=32 * w)
            await engine.write("word", {"pending": 0x50 + w}, strobes=1)
        await engine.stand(port=0)
        await engine.write("word", {"pending": 0x60}, strobes=1, port=32)
        assert ctx.get(dut.word_early).pending == 0x50      # as it was, and of the old place
        await ctx.tick()
        assert ctx.get(dut.word_early).pending == 0x51
        await engine.stand(port=0)
        assert ctx.get(dut.word).pending == 0x60

    check(bench)


@pytest.mark.parametrize("hold", [0, 1])
def test_pirqs_are_read_in_the_cycle_of_a_write_unless_told_otherwise(hold):
    async def bench(engine, ctx, dut):
        for n, row in enumerate(PIRQS):
            await engine.stand(n=n)
            await engine.write("pirq", row)
        await engine.stand(n=0)
        assert engine.row("pirq") == PIRQS[0]
        ctx.set(dut.hold_pirq, hold)
        await engine.write("pirq", PIRQS[0], n=1)
        await ctx.tick()
        assert engine.row("pirq") == PIRQS[not hold]

    check(bench)


def test_a_pirq_that_is_gone_on_with_shows_what_is_written():
    """But for `bound`, which no walk changes."""
    async def bench(engine, ctx, dut):
        await engine.stand(n=0)
        await engine.write("pirq", PIRQS[0])
        await engine.stand(n=0)
        await engine.write("pirq", PIRQS[1])
        assert engine.row("pirq") == PIRQS[1] | {"bound": PIRQS[0]["bound"]}
        await engine.stand(n=0)
        assert engine.row("pirq") == PIRQS[1]

    check(bench)


def test_counts_show_a_write_of_this_cycle():
    """To the bank in the cycle itself, at this lane alone; to the engine in its register."""
    async def bench(engine, ctx, dut):
        here = {"dom": 2, "k": 1}
        await engine.stand(**here)
        for count in (7, 3):
            ctx.set(dut.inflight_data, count)
            ctx.set(dut.write_inflight, 1)
            for dom, k in ((2, 1), (1, 1), (2, 0)):
                ctx.set(dut.out_dom, dom)
                ctx.set(dut.out_k, k)
                assert ctx.get(dut.out_value) == (count if (dom, k) == (2, 1) else 0)
            await ctx.tick()
            assert ctx.get(dut.inflight) == count
        ctx.set(dut.write_inflight, 0)
        await engine.stand(dom=1)
        assert ctx.get(dut.inflight) == 0
        await engine.stand(**here)
        assert ctx.get(dut.inflight) == 3

    check(bench)


@pytest.mark.parametrize("strobe, kept", [("stall", {"port", "k"}), ("hold_port", {"port"})])
def test_what_a_walk_looks_at_stays_while_it_stands_still(strobe, kept):
    """Places, and the rows of them."""
    async def bench(engine, ctx, dut):
        for port, k in ((3, 0), (4, 1)):
            await engine.stand(port=port, k=k)
            await engine.write("port", {"notify": k + 1})
            await engine.write("lane", {"sel": k + 1})
        await engine.stand(port=3, k=0)
        engine.go(port=4, k=1)
        await ctx.tick()
        ctx.set(getattr(dut, strobe), 1)
        await ctx.tick()
        at = ctx.get(dut.at)
        assert {"port": at.port - 3, "k": at.k} == {
            name: int(name not in kept) for name in ("port", "k")}
        assert ctx.get(dut.port).notify == 1
        assert ctx.get(dut.lane).sel == (1 if "k" in kept else 2)
        ctx.set(getattr(dut, strobe), 0)
        await ctx.tick()
        assert (ctx.get(dut.at).port, ctx.get(dut.port).notify) == (4, 2)
        assert (ctx.get(dut.at).k, ctx.get(dut.lane).sel) == (1, 2)

    check(bench)
