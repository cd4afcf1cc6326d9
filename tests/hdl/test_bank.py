# amaranth: UnusedElaboratable=no
"""Bank against a plain model of the vLAPICs: seeded traffic from all sources at once."""

import random
from collections import Counter, deque
from types import SimpleNamespace

import pytest
from amaranth import Cat, Module, Signal
from amaranth.lib import wiring

from vapic.bank.unit import Bank
from vapic.config import Config
from vapic.layouts import AcceptResult
from vapic_sim.harness import simulate

from .bank_model import (
    ACCEPT,
    BUS,
    CTL,
    MERGED,
    UPCALL,
    Traffic,
    Vcpu,
    accept,
    bus_access,
    write_ctl,
)

LATENCY = 7     # from issue to commit


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


async def follow(ctx, top, config, rng, cycles):
    """Drive everything at random for so many cycles, and check every commit."""
    dut, traffic = top.bank, Traffic(config, rng)
    model = [Vcpu(config, v) for v in range(config.vcpus)]
    out = {(d, k): 0 for d in range(1 << config.domain_bits) for k in range(1 << config.lane_bits)}
    pending = {BUS: deque(), ACCEPT: deque(), CTL: deque()}
    strobes = {"granted": [], "aborted": []}
    last_strobe, seen, decided, noted = {}, Counter(), None, SimpleNamespace(valid=0)
    ports = {"bus": dut.bus.req, "accept": dut.accept.target, "note": dut.note}
    offered, bus_free, ctl_free, records = {}, True, True, 0
    waiting = None      # the bus access that is decoded and not issued
    hold_left = {"hold": 0, "hold_notes": 0}

    def lane_of(u):
        return u.dom & (1 << config.domain_bits) - 1, u.k & (1 << config.lane_bits) - 1

    class Out(dict):
        def __missing__(self, key):
            return out[key[0] & (1 << config.domain_bits) - 1, key[1] & (1 << config.lane_bits) - 1]

    for cycle in range(cycles):
        # The record of this cycle, with what was seen in the decision cycle before.
        if ctx.get(dut.commits.valid):
            record = ctx.get(dut.commits.record)
            records += 1
            kind = record.op
            issued, item = pending[CTL if kind == UPCALL else kind].popleft()
            assert cycle == issued + LATENCY
            r = SimpleNamespace(**item)
            effect = SimpleNamespace(nothing=False, injected=0, grew=False, spurious=False,
                                     taken=False, eoi=None)
            d, response = decided, ctx.get(dut.bus.rsp.payload)
            assert ctx.get(dut.bus.rsp.valid) == (kind == BUS)
            assert d.accept_done.valid == (kind == ACCEPT)
            assert d.note_done.valid == (kind == CTL)
            if kind == BUS:
                v = min(len(model) - 1, r.addr >> (13 if r.addr >> 22 & 1 else 6) & 511)
            else:
                v = r.v
                assert record.row == v
            u = model[v]
            before = (u.online, u.terms, (u.dom, u.k))
            dull = False
            if kind == BUS:
                def stats(name, number, upto=cycle - 2):
                    return sum(1 for t, w in strobes[name] if w == number and t <= upto)
                data, berr, err = bus_access(model, r, d.out, stats, effect)
                dull = not r.we and not effect.taken
                assert (response.data, response.berr, response.err) == (data, berr, err), (
                    f"{cycle}: {r} gave {response}, not {data:#x} {berr} {err}")
                assert record.result == berr << 32 | data
                assert (record.addr, record.data, record.sel, record.we, record.vmm, record.dom,
                        record.vcpu) == (r.addr, r.data, r.sel, r.we, r.vmm, r.dom, r.vcpu)
            elif kind == ACCEPT:
                result = accept(u, r, d.ok, d.retry, effect)
                seen[AcceptResult(result).name] += 1
                assert d.accept_done.result == result == record.result
                assert record.addr == r.n
                assert record.data == (r.first << 10 | r.last << 9 | r.level << 8 | r.vector)
                assert d.merged == (result == MERGED)
            elif kind == UPCALL:
                due = r.pend and (r.rise or not u.pend)
                u.pend, u.line = r.pend & u.online, r.line & u.online
                u.settle_upcall(due, effect)
                assert record.data == r.pend << 1 | r.line and record.result == effect.injected
            else:
                applied = write_ctl(config, u, r.data, r.held, Out(), effect)
                done = d.note_done
                assert (done.applied, record.result, record.data) == (applied, applied, r.data)
                assert (done.old_online, done.old_dom, done.old_k) == (before[0], *before[2])
                assert (done.new_online, done.new_dom, done.new_k) == (u.online, u.dom, u.k)
                ctl_free = True
            seen.update(name for name, happened in (
                ("INTA", effect.taken), ("spurious", effect.spurious), ("EOI", effect.eoi),
                (f"injected by {kind}", effect.injected), ("owed", u.owed), ("frozen", u.freeze),
                ("applied", kind == CTL and applied), ("refused", kind == CTL and not applied),
                ("offline", not u.online), ("disabled", not u.en)) if happened)
            bus_free = bus_free or kind == BUS
            assert d.merged == (kind == ACCEPT and result == MERGED)
            assert d.spurious == effect.spurious
            assert d.eoi.valid == (effect.eoi is not None)
            assert effect.eoi is None or (d.eoi.dom, d.eoi.vector) == effect.eoi
            wake = bool(u.sched == 2 and not u.freeze and (u.irq or u.upcall))
            pulse = wake and not u.was_wake
            u.was_wake = wake
            u.wakes += pulse
            seen["wake"] += pulse
            assert ctx.get(dut.wake) == pulse << v
            check_row(ctx, dut, config, u)
            check_lane(config, d, u, before, effect, dull)
        else:
            assert not ctx.get(dut.wake) and not ctx.get(dut.bus.rsp.valid)
            assert decided is None or not (
                decided.accept_done.valid or decided.note_done.valid or decided.lane_write.en
                or decided.lane_note.valid or decided.eoi.valid or decided.merged)
        for name in ("irq", "upcall"):
            assert ctx.get(getattr(dut, name)) == sum(
                getattr(u, name) << u.v for u in model), f"{cycle}: {name}"
        assert ctx.get(dut.frozen) == sum(u.freeze << u.v for u in model)

        # New offers; a payload stays until it is taken.
        if "bus" not in offered and bus_free and rng.random() < .8:
            offered["bus"], bus_free = traffic.access(model), False
        if "accept" not in offered and rng.random() < .3:
            offered["accept"] = traffic.grant()
        if "note" not in offered and rng.random() < .15:
            note = traffic.note(model)
            if not note["op"] or ctl_free:
                offered["note"] = note
                ctl_free = ctl_free and not note["op"]
        for name, port in ports.items():
            ctx.set(port.valid, name in offered)
            if name in offered:
                ctx.set(port.payload, offered[name])
        for name in hold_left:
            if not hold_left[name] and rng.random() < .02:
                hold_left[name] = rng.randrange(1, 25)
            ctx.set(getattr(dut, name), hold_left[name] > 0)
        retry = int(rng.random() < .3)
        ctx.set(dut.globals.retry_on_irr, retry)
        if ctl_free and rng.random() < .3:
            key = rng.choice(list(out))
            out[key] = rng.choice([0, 0, 0, 3, 250])
            ctx.set(top.table, sum(n << 8 * ((dom << config.lane_bits) + k)
                                   for (dom, k), n in out.items()))
        for name, log in strobes.items():
            v = rng.randrange(config.vcpus)
            fire = rng.random() < .4 and cycle - last_strobe.get((name, v), -9) >= 5
            ctx.set(getattr(dut, name), {"valid": fire, "v": v})
            if fire:
                log.append((cycle, v))
                last_strobe[name, v] = cycle
        done = ctx.get(dut.accept.done)
        ok = 0
        if done.valid:
            target = pending[ACCEPT][0][1]["v"]
            ok = int(bool(model[target].can_accept() and rng.random() < .9))
        ctx.set(dut.accept.ok, ok)

        # What is decided and issued in this cycle.
        snapshot = dict(out)

        class Then(dict):
            def __missing__(self, key, snapshot=snapshot):
                return snapshot[key[0] & (1 << config.domain_bits) - 1,
                                key[1] & (1 << config.lane_bits) - 1]

        decided = SimpleNamespace(
            ok=ok, retry=retry, out=Then(), merged=ctx.get(dut.merged),
            spurious=ctx.get(dut.spurious), accept_done=ctx.get(dut.accept.done),
            lane_note=noted, **{
                name: ctx.get(getattr(dut, name))
                for name in ("note_done", "eoi", "lane_write")})
        noted = ctx.get(dut.lane_note)      # about what is decided in the next cycle
        flying = {kind: [item for t, item in items if t < cycle]
                  for kind, items in pending.items()}
        if hold_left["hold"] or hold_left["hold_notes"]:
            held = (any(i["we"] for i in flying[BUS]) and hold_left["hold"]) or (
                hold_left["hold_notes"] and any(i["op"] for i in flying[CTL]))
            assert hold_left["hold"] == 0 or ctx.get(dut.hold_ack) == (not held)
        busy = [item for items in flying.values() for item in items]
        idle = not busy and waiting is None
        assert ctx.get(dut.quiet) == (idle and not ctx.get(dut.bus.rsp.valid))
        taken = {name: offered.pop(name) for name, port in ports.items()
                 if name in offered and ctx.get(port.ready)}
        decoded = taken.pop("bus", None)
        # A bus access waits decoded, from the next cycle on.
        if ctx.get(dut.from_bus.o.ready):
            taken["bus"], waiting = waiting, None
        assert len(taken) <= 1
        held = waiting and waiting["we"] and hold_left["hold"]
        assert waiting is None or busy or taken or held, f"{cycle}: {waiting} is not issued"
        assert decoded is None or waiting is None
        waiting = waiting or decoded
        for name, item in taken.items():
            assert not (name == "bus" and item["we"] and hold_left["hold"])
            assert not (name == "note" and item["op"] and hold_left["hold_notes"])
            kind = {"bus": BUS, "accept": ACCEPT, "note": CTL}[name]
            pending[kind].append((cycle, item))
        for name in hold_left:
            hold_left[name] = max(0, hold_left[name] - 1)
        await ctx.tick()

    rare = [name for name in (
        "SET", "MERGED", "RETRY", "ABORT", "RECVILL", "INTA", "spurious", "EOI", "owed", "frozen",
        f"injected by {BUS}", f"injected by {UPCALL}", f"injected by {CTL}", "applied", "refused",
        "offline", "disabled", "wake") if seen[name] < cycles // 4000]
    assert not rare, f"{rare} of {seen}"
    return records


def check_row(ctx, dut, config, u):
    """The memory rows of one vCPU hold the model's state."""
    head = ctx.get(dut.heads.data[u.v])
    for name in ("online", "freeze", "dom", "k", "apicid", "sched", "en", "id", "ldr", "dfr", "tpr",
                 "upvec", "upvec_valid", "owed", "irrv", "isrv"):
        assert getattr(head, name) == getattr(u, name), (u.v, name)
    assert (head.up_pend, head.up_line) == (u.pend, u.line)
    assert (head.recvill << 6 | head.illrega << 7) == u.acc
    assert (head.irr_count, head.isr_count) == (u.irr.bit_count(), u.isr.bit_count())
    for name in ("irr", "isr", "tmr"):
        value = sum(ctx.get(getattr(dut, name).data[u.v * config.words + i]) << 32 * i
                    for i in range(config.words) if getattr(head, f"{name}_words") >> i & 1)
        assert value == getattr(u, name), (u.v, name)


def check_lane(config, d, u, before, effect, dull):
    """What dispatch was told in the decision cycle."""
    in_lane = before[0] or u.online
    assert d.lane_write.en == bool(in_lane and not dull and not effect.nothing)
    changed = u.terms != before[1]
    assert d.lane_note.valid == bool(in_lane and (changed or effect.grew))
    if d.lane_note.valid:
        assert (d.lane_note.config, d.lane_note.grew) == (changed, effect.grew)
        assert (d.lane_note.dom, d.lane_note.k) == (u.dom, u.k)
    if d.lane_write.en:
        row = d.lane_write.row
        assert (d.lane_write.dom, d.lane_write.lanes) == (u.dom, 1 << u.k)
        assert (row.online, row.frozen, row.enabled, row.svr_enabled, row.id, row.ldr, u.dfr,
                row.sched.value) == u.terms
        assert (row.flat, row.cluster) == (u.dfr == 15, u.dfr == 0)
        assert (row.tpr, row.ppr, row.apr, row.count, row.v) == (
            u.tpr, u.ppr, u.apr, u.load, u.v)


@pytest.mark.parametrize(("vcpus", "lanes", "domains", "vectors", "cycles"), [
    (4, 4, 2, 256, 8000), (5, 2, 3, 64, 4000), (1, 1, 2, 32, 2000)])
def test_follows_model(vcpus, lanes, domains, vectors, cycles):
    config = Config(rtes=4, irts=4, vcpus=vcpus, lanes=lanes, domains=domains, ports=64,
                    vectors=vectors, commits=True)
    top, rng = Outs(config), random.Random(20 + vcpus)

    async def bench(ctx):
        filled = 0
        for _ in range(max(vcpus, domains) + 3):
            write = ctx.get(top.bank.lane_write)
            if write.en:
                assert not write.row.online and write.lanes == (1 << lanes) - 1
                filled |= 1 << write.dom
            await ctx.tick()
        assert ctx.get(top.bank.ready) and filled == (1 << domains) - 1
        assert await follow(ctx, top, config, rng, cycles) > cycles // 10

    simulate(top, bench)
