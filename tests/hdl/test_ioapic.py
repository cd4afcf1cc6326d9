# amaranth: UnusedElaboratable=no
"""Ioapic against a plain Python reference, cycle by cycle, under seeded random load."""

import random
from collections import Counter

import pytest

from vapic.config import Config
from vapic.ioapic.unit import Ioapic
from vapic.layouts import Err, Outcome
from vapic_sim.harness import simulate

VECTORS = (0x20, 0x21, 0x22, 0xA0)
WRITES = {"low", "high", "reqx", "owner"}


class Entry:
    """One interrupt source as the specification describes it."""

    def __init__(self, pin):
        self.pin = pin
        self.low, self.dest, self.reqx, self.dom, self.owned = 0x10000, 0, 0x70F2, 0, 1
        self.pend = self.rirr = self.err = self.infl = self.bound = 0
        self.line = 0
        self.held, self.due, self.k, self.port = None, 1, 0, 0

    vector = property(lambda self: self.low & 0xFF)
    polarity = property(lambda self: self.low >> 13 & 1)
    mask = property(lambda self: self.low >> 16 & 1)
    level = property(lambda self: self.low >> 15 & 1 & (self.low >> 8 & 7 < 2))
    path = property(lambda self: self.reqx & 1)

    @property
    def ready(self):
        source = self.line ^ self.polarity if self.level and self.pin else self.pend
        return int(source and not self.mask and not self.rirr)


class Reference:
    """All sources, in the order in which a cycle's operations commit."""

    def __init__(self, config):
        self.c = config
        self.entries = [Entry(n < config.rtes) for n in range(config.pirqs)]
        self.regsel, self.id = [0, 0], 0
        self.enable = self.latch = 0
        self.n, self.stale, self.changed = 0, 0, 0

    def terms(self, n):
        e = self.entries[n]
        return int(e.ready and not e.err and self.enable)

    def good(self):
        return int(self.terms(self.n) and not self.stale)

    # Register accesses: result data, error, bus error, and what was written of which entry.

    def access(self, a):
        c, addr, we, data = self.c, a["addr"], a["we"], a["data"]
        index = self.regsel[a["vmm"]]
        full = a["sel"] == 15
        none = (None, None)
        kind, n = none
        if addr < 0x1000:
            kind = {0: "regsel", 0x10: "win", 0x40: "eoi"}.get(addr)
            if kind == "eoi" and c.ioa_version == 0x11:
                kind = None
            if kind == "win":
                kind = {0: "id", 1: "ver", 2: "arb"}.get(index)
                if 0x10 <= index < 0x10 + 2 * c.rtes:
                    kind, n = ("low", "high")[index & 1], (index - 16) // 2
        elif addr < 0x2800:
            kind, n = "reqx", (addr - 0x2000) // 4
        elif addr < 0x3000:
            kind, n = "stat", (addr - 0x2800) // 4
        elif addr < 0x4000:
            kind, n = "owner", (addr - 0x3000) // 4
        else:
            kind, n = ("low", "high")[addr >> 2 & 1], c.rtes + (addr - 0x4000) // 8
        if n is not None and n >= c.pirqs:
            return 0, Err.UNMAPPED, 1, none
        e = self.entries[n] if n is not None else None
        foreign = e and addr < 0x1000 and not a["vmm"] and not (e.owned and e.dom == a["dom"])
        value = 0
        if kind == "regsel":
            value = index
        elif kind in ("id", "arb"):
            value = self.id << 24
        elif kind == "ver":
            value = (c.rtes - 1) << 16 | c.ioa_version
        elif kind == "low":
            value = 0x10000 if foreign else e.low & 0x1AFFF | e.ready << 12 | e.rirr << 14
        elif kind == "high":
            value = 0 if foreign else e.dest << 24
        elif kind == "reqx":
            value = e.reqx
        elif kind == "owner":
            value = e.dom | e.owned << 8
        elif kind == "stat":
            stands = self.terms(n)
            blocked = e.path and e.reqx & 2 and e.infl
            value = (e.pend | e.rirr << 1 | e.infl << 2 | e.err << 3
                     | (stands and e.held == Outcome.PARK) << 4
                     | (stands and not e.held and not blocked) << 5
                     | (stands and e.held == Outcome.WAIT) << 6 | e.k << 8 | e.port << 16)
        if not full and not (kind == "regsel" and a["sel"] == 1):
            return 0 if we else value, Err.PARTIAL, 0, none
        if kind is None:
            return 0, Err.INDEX, 0, none
        if not we:
            return value, Err.NONE, 0, none
        if foreign:
            return 0, Err.FOREIGN, 0, none
        return 0, *self.write(kind, n, e, data, a), (kind, n)

    def write(self, kind, n, e, data, a):
        if kind == "regsel":
            self.regsel[a["vmm"]] = data & 0xFF
        elif kind == "id":
            self.id = data >> 24 & 15
        elif kind == "eoi":
            pass        # `run` clears RIRR when the EOI ends
        elif kind == "low":
            was = e.level
            e.low, e.err = data & 0x1AFFF, 0
            if not e.level:
                e.rirr = 0
            elif not was:
                e.pend = 0
        elif kind == "high":
            e.dest = data >> 24
        elif kind == "reqx":
            if (data ^ e.reqx) & 0x800001 and (e.rirr or e.infl):
                return Err.BUSY, 0
            e.reqx = data & 0xFFFFF0FF
        elif kind == "owner":
            dom, owned = data & 15, data >> 8 & 1
            moved = (dom, owned) != (e.dom, e.owned)
            if (moved and (e.rirr or e.infl or e.bound)) or dom >= self.c.domains:
                return Err.BUSY, 0
            if moved:
                e.pend = 0
            e.dom, e.owned = dom, owned
        return Err.NONE, 0

    # Everything else of one cycle, after its register access.

    def outcome(self, outcome, good):
        """After the register access; whether a request became parked."""
        e = self.entries[self.n]
        if not good or outcome in (Outcome.NONE, Outcome.AGAIN):
            return 0
        if outcome == Outcome.ERROR:
            e.err, e.pend = 1, e.pend & e.level
            return 0
        new = outcome == Outcome.PARK and e.held != Outcome.PARK
        e.held = outcome
        return int(new)

    def occur(self, n):
        """A new occurrence; whether it merges."""
        e = self.entries[n]
        merged, e.pend = e.pend, 1
        return merged

    def grant(self, first, last, k, port):
        e = self.entries[self.n]
        if first:
            e.rirr, e.pend = e.rirr or e.level, 0
        if first or last:
            e.k, e.port, e.held = k, port, None


class Load:
    """Random inputs of every kind, and a dispatcher that does what it likes."""

    def __init__(self, config, seed):
        self.c, self.rng = config, random.Random(seed)
        self.bus, self.wait = None, 0
        self.select, self.after = None, 0
        self.ending = []
        self.pins = 0

    def chance(self, one_in):
        return self.rng.randrange(one_in) == 0

    def access(self):
        rng, c = self.rng, self.c
        n, vmm = rng.randrange(c.pirqs), int(not self.chance(3))
        kind = rng.choice(("sel", "win", "win", "win", "eoi", "reqx", "stat", "stat", "owner",
                           "owner", "irt", "irt", "odd"))
        we = rng.randrange(2)
        data = rng.getrandbits(32)
        addr = {"sel": 0, "win": 0x10, "eoi": 0x40, "reqx": 0x2000 + 4 * n, "owner": 0x3000 + 4 * n,
                "stat": 0x2800 + 4 * n, "irt": 0x4000 + 8 * rng.randrange(max(1, c.irts)),
                "odd": rng.choice((4, 0x20, 0x44, 0xFFC, 0x2000 + 4 * c.pirqs, 0x4000 + 8 * c.irts,
                                   0x3000 + 4 * c.pirqs))}[kind]
        if kind == "sel":
            we = 1
            data = rng.choice((0, 1, 2, 3, 0xFF, 0x10 + 2 * c.rtes,
                               *range(0x10, 0x10 + 2 * c.rtes), *range(0x10, 0x10 + 2 * c.rtes, 2)))
            data |= rng.getrandbits(24) << 8
        elif kind in ("win", "irt"):
            data = (rng.choice(VECTORS) | rng.choice((0, 0, 1, 1, 2, 3)) << 8
                    | rng.getrandbits(1) << 13 | rng.getrandbits(1) << 15
                    | self.chance(4) << 16 | rng.getrandbits(8) << 24 | 0x5000)
        elif kind == "eoi":
            we, data = 1, data << 8 & 0xFFFFFFFF | rng.choice(VECTORS)
        elif kind == "owner":
            data = rng.choice((0x100, 0x101, 0x101, 0x100 | c.domains, 0x001)) | 0xFFFFFE10 & data
        elif kind == "reqx":
            data &= ~0x800002 | rng.choice((0, 2, 0x800002))
        sel = 15 if rng.randrange(8) else rng.choice((1, 1, 2, 3, 14))
        return {"addr": addr, "we": we, "data": data, "sel": sel, "vmm": vmm,
                "dom": rng.randrange(2), "vcpu": rng.randrange(4)}


def snapshot(e):
    return {"vector": e.vector, "mode": e.low >> 8 & 7, "logical": e.low >> 11 & 1,
            "level": e.level, "dest": e.dest, "path": e.path, "ser": e.reqx >> 1 & 1,
            "force_dyn": e.reqx >> 2 & 1, "force_static": e.reqx >> 3 & 1,
            "policy": e.reqx >> 4 & 15, "allow": e.reqx >> 12 & 7, "autoeoi": e.reqx >> 23 & 1,
            "dom": e.dom, "owned": e.owned}


def check_entry(seen, expected):
    seen = {name: int(getattr(seen[name], "value", seen[name])) for name in expected}
    assert seen == expected


def run(config, seed, cycles):
    dut, ref, load = Ioapic(config), Reference(config), Load(config, seed)
    rng, seen = load.rng, Counter()
    req, everyone = dut.requests, range(config.pirqs)

    async def bench(ctx):
        ctx.set(dut.globals.enable, 1)
        ref.enable = 1
        while not ctx.get(dut.ready):
            assert not ctx.get(dut.bus.req.ready)
            await ctx.tick()
        assert ctx.get(dut.quiet)
        access = None           # what the bus is asked, until its answer
        expected = None         # its answer, from its commit on
        flights = None          # entries whose flights its write ends
        line, meta, sample = 0, 0, 0
        looks = None            # row expected of query_entry, a write in its cycle among it
        idle_live = 0
        eoi = back = note = holding = spoils = None     # of the cycle before, which act in this one
        granted = None          # the request granted in the cycle before
        eois = []               # under way: by whom, cycle of the end, RIRR bits that are cleared

        for cycle in range(cycles):
            # Registers of other units.
            if load.chance(150):
                ref.enable ^= 1
            if load.chance(100) or (not ref.enable and load.chance(5)):
                ref.enable, ref.latch = int(not load.chance(5)), rng.randrange(2)
            ctx.set(dut.globals, {"enable": ref.enable, "latch_masked_edges": ref.latch})

            # State against state.
            terms = [ref.terms(n) for n in everyone]
            bits = sum(bit << n for n, bit in enumerate(terms))
            # A request just granted is told so in this cycle.
            known = ~(1 << granted) if granted is not None else -1
            assert (ctx.get(dut.flags.stands) * ref.enable ^ bits) & known == 0, cycle
            live = [bit and ref.entries[n].due for n, bit in enumerate(terms)]
            bits = sum(bit << n for n, bit in enumerate(live))
            assert (ctx.get(dut.state.live) ^ bits) & known == 0, cycle
            if looks is not None:
                check_entry(ctx.get(dut.query_entry), looks)
            query = rng.randrange(config.pirqs)
            ctx.set(dut.query_n, query)
            if load.select:
                check_entry(ctx.get(req.request), load.select["entry"])

            # Pins and messages, EOI, event channels.
            if load.chance(3):
                load.pins ^= rng.getrandbits(config.rtes) & rng.getrandbits(config.rtes)
            ctx.set(dut.pin, load.pins)
            message = rng.randrange(config.irts) if config.irts and load.chance(6) else None
            ctx.set(dut.message.valid, message is not None)
            ctx.set(dut.message.index, message or 0)
            # The next EOI of a vLAPIC comes after the one before has ended; it likes to match the
            # request under selection.
            new_eoi = None
            if not eoi and all(e["by"] != "lapic" for e in eois) and load.chance(14):
                near = ref.entries[ref.n]
                new_eoi = (rng.randrange(2), rng.choice(VECTORS))
                new_eoi = new_eoi if load.chance(4) else (near.dom, near.vector)
            ctx.set(dut.eoi, {"valid": new_eoi is not None, "dom": new_eoi[0] if new_eoi else 0,
                              "vector": new_eoi[1] if new_eoi else 0})
            # The event channels like to touch the entry that the bus is at.
            busy = access and 0x2000 <= access["addr"] < 0x4000 and (access["addr"] & 0x7FF) // 4
            close = busy if busy and busy < config.pirqs and load.chance(2) else None
            new_back = None
            if load.chance(9):
                new_back = {"n": close or rng.randrange(config.pirqs),
                            "clear_rirr": rng.randrange(2), "set_pend": rng.randrange(2)}
                target = ref.entries[new_back["n"]]
                written = (ctx.get(dut.registers.write.low)
                           and ctx.get(dut.registers.n) == new_back["n"])
                new_back["set_pend"] &= not (target.pin and (target.level or written))
            ctx.set(dut.hand_back, {"valid": 1, **new_back} if new_back else {"valid": 0})
            new_note = None
            if load.ending and load.chance(3):
                new_note = (load.ending.pop(), 0, rng.randrange(2))
            elif (not load.ending and flights is None and load.chance(6)
                  and not ctx.get(dut.registers.draining)):
                new_note = (close or rng.randrange(config.pirqs), rng.randrange(2),
                            int(load.chance(3)))
            ctx.set(dut.pirq_note, dict(zip(("valid", "n", "infl_any", "bound_any"), (1, *new_note),
                                            strict=True)) if new_note else {"valid": 0})
            ctx.set(dut.end_flight.ready, rng.randrange(2))
            if ctx.get(dut.end_flight.valid):
                n = ctx.get(dut.end_flight.payload)
                assert n in flights and ref.entries[n].infl, cycle
                if ctx.get(dut.end_flight.ready):
                    load.ending.append(n)
                    seen["end_flight"] += 1

            # Dispatch.
            recheck = int(load.chance(10))
            first = last = take = multi = 0
            outcome = Outcome.NONE
            s = load.select
            offer, offered = ctx.get(req.offer), ctx.get(req.tag)
            draining = ctx.get(dut.registers.draining)
            assert draining or not flights or not any(ref.entries[i].infl for i in flights)
            if s and s["left"] is None and not s["fresh"]:
                ending = ctx.get(dut.registers.ending)
                assert ctx.get(req.ok) == (ref.good() and not ending), cycle
            if offer:
                assert live[offered] and not draining, cycle
            if s is None:
                idle_live = 0 if offer or draining or not any(live) else idle_live + 1
                # A pick takes three cycles and is lost if its line falls; an access takes two.
                assert idle_live < 12, cycle
                take = int(offer and not load.chance(4))
                start = snapshot(ref.entries[offered]) | {"kind": int(offered >= config.rtes)}
                del start["autoeoi"]
                if take:
                    assert ctx.get(req.offer_dom) == ref.entries[offered].dom
            elif s["delay"]:
                s["delay"] -= 1
                s["fresh"] = False
            elif s["left"] is None:
                # The bank decides one thing a cycle, and what is to be granted has no RIRR.
                ends = new_eoi or (new_back and new_back["n"] == ref.n and new_back["clear_rirr"])
                if ctx.get(req.ok) and not ends and rng.randrange(3):
                    s["left"], first = rng.choice((0, 0, 1, 2, 3)), 1
                    last, multi = int(s["left"] == 0), int(s["left"] != 0)
                    seen["multi" if multi else "grant"] += 1
                else:
                    outcome = rng.choice(list(Outcome)[1:])
                    seen[outcome] += 1
            else:
                multi = s["left"] > 0
                s["left"] -= load.chance(3)
                last = int(s["left"] <= 0 and multi)
            where = rng.randrange(config.lanes), rng.randrange(config.ports)
            ctx.set(dut.recheck, recheck)
            ctx.set(req.take, take)
            ctx.set(req.multi, multi)
            ctx.set(dut.granting, first | last | load.chance(15))
            ctx.set(req.outcome, outcome)
            new_holding = ctx.get(dut.granting) or multi or new_eoi or new_back or new_note

            # Bus.
            if access is None and not load.chance(8):
                access = load.access()
                ctx.set(dut.bus.req.payload, access)
                ctx.set(dut.bus.req.valid, 1)
            taken = ctx.get(dut.bus.req.valid) and ctx.get(dut.bus.req.ready)
            if expected is not None and flights and not any(ref.entries[n].infl for n in flights):
                flights = set()
            answered = ctx.get(dut.bus.rsp.valid)
            if answered:
                assert expected is not None and not flights, cycle
                answer = ctx.get(dut.bus.rsp.payload)
                assert (answer.data, answer.err, answer.berr) == expected, (cycle, access)
                seen[answer.err] += 1

            will = ctx.get(dut.registers.n) if ctx.get(dut.registers.spoils) else None
            waits = ctx.get(dut.match.moving) | ctx.get(dut.registers.ending)
            over, cleared = not ctx.get(dut.match.busy), ctx.get(dut.flags.ended)
            await ctx.tick()
            parked = ctx.get(dut.parked)
            told = granted
            granted = ref.n if first or last else None
            ctx.set(req.first, first)
            ctx.set(req.last, last)
            ctx.set(req.target.k, where[0])
            ctx.set(req.target.port, where[1])
            over = {"lapic": over, "register": ctx.get(dut.match.keeps)}

            # The same cycle in the reference.
            good = ref.good()
            if answered:
                access = expected = flights = None
            wrote = (None, None)
            if ctx.get(dut.commits.valid):
                assert not holding and not eois, cycle
                fields = ctx.get(dut.commits.record)
                for name in access:
                    assert fields[name] == access[name], (cycle, name)
                infl = {i for i, e in enumerate(ref.entries) if e.infl}
                rirr = {i for i, e in enumerate(ref.entries) if e.rirr}
                hits = {i for i, e in enumerate(ref.entries)
                        if e.level and e.vector == access["data"] & 0xFF
                        and (access["vmm"] or e.dom == access["dom"])}
                data, err, berr, wrote = ref.access(access)
                expected = data, err, berr
                assert fields.result == data | berr << 32, (cycle, access, hex(fields.result))
                seen[wrote[0]] += 1
                if wrote[0] == "eoi":
                    flights = hits & infl
                    eois.append({"by": "register", "end": cycle + 4, "hits": hits & rirr})
                elif wrote[0] == "low" and not ref.entries[wrote[1]].level:
                    flights = {wrote[1]} & infl & rirr
                if not flights:
                    flights = None
                if wrote[0] in WRITES and err == Err.NONE:
                    ref.entries[wrote[1]].due = 1
                else:
                    wrote = (None, None)
            assert spoils == wrote[1], cycle        # told a cycle ahead
            assert parked == ref.outcome(outcome, good), cycle
            seen["parked"] += parked
            retire = outcome not in (Outcome.NONE, Outcome.AGAIN, Outcome.ERROR)
            retire = retire and terms[ref.n] and not ref.stale and not ref.changed
            for i, e in enumerate(ref.entries):
                if not terms[i]:
                    e.held = None
                if recheck or not terms[i]:
                    e.due = 1
                elif retire and i == ref.n:
                    e.due = 0
            looks = snapshot(ref.entries[query])
            if eoi:
                hits = {i for i, e in enumerate(ref.entries)
                        if (e.dom, e.vector) == eoi and not e.path}
                hits = {i for i in hits if ref.entries[i].rirr}
                eois.append({"by": "lapic", "end": cycle + 4, "hits": hits, "for": eoi})
            now = [e for e in eois if over[e["by"]]]
            hits = set().union(*(e["hits"] for e in now))
            # RIRR of the one just granted rises in this cycle and is not cleared.
            rirr = {i for i, e in enumerate(ref.entries) if e.rirr} - {told}
            assert {i for i in rirr if cleared >> i & 1} == hits & rirr, cycle
            for e in eois:
                e["end"] += waits & (e["by"] == "lapic")
            assert all(e["end"] == cycle for e in now), cycle
            for i in hits:
                ref.entries[i].rirr = 0
            eois = [e for e in eois if e not in now]
            near = ref.entries[ref.n]
            if first and near.level:
                for e in eois:
                    e["hits"].discard(ref.n)
                    seen["spared"] += e.get("for") == (near.dom, near.vector)
            if back and back["clear_rirr"]:
                ref.entries[back["n"]].rirr = 0
            if note:
                ref.entries[note[0]].infl, ref.entries[note[0]].bound = note[1:]
            ref.grant(first, last, *where)
            count = 0
            if back and back["set_pend"]:
                count += ref.occur(back["n"])
            if wrote[1] is not None:
                sample = line       # lines are not looked at
            for n in range(config.rtes):
                e, old, new = ref.entries[n], line >> n & 1, sample >> n & 1
                rises = new ^ e.polarity and not old ^ e.polarity
                if rises and not e.level and (not e.mask or ref.latch):
                    count += ref.occur(n)
                    seen["edge"] += 1
                e.line = new
            if message is not None:
                count += ref.occur(config.rtes + message)
            assert ctx.get(dut.coalesced) == count, cycle
            seen["merges"] += count

            # The selection under way.
            ref.changed = int((not take and ref.changed) or recheck)
            if take:
                load.select = {"delay": rng.randrange(1, 7), "left": None, "entry": start,
                               "fresh": True}
                assert wrote[1] is None
                ref.n = offered
                ref.stale = int(will == ref.n)
            else:
                ref.stale |= int(will == ref.n)
            if last or outcome != Outcome.NONE:
                load.select = None

            eoi, back, note, holding, spoils = new_eoi, new_back, new_note, new_holding, will

            assert ctx.get(dut.commits_lines.valid) == (sample != line), cycle
            line, sample, meta = sample, meta, load.pins
            assert ctx.get(dut.commits_lines.record.data) == line, cycle
            if taken:
                ctx.set(dut.bus.req.valid, 0)

    simulate(dut, bench)
    return seen


@pytest.mark.parametrize(("sizes", "cycles"), [
    ({"rtes": 4, "irts": 3}, 26000),
    ({"rtes": 3, "irts": 0, "ioa_version": 0x11}, 2500),
    ({"rtes": 24, "irts": 32}, 1500),
])
def test_follows_reference(sizes, cycles):
    config = Config(vcpus=4, lanes=4, domains=2, ports=64, commits=True, **sizes)
    seen = run(config, seed=cycles, cycles=cycles)
    if sizes["rtes"] == 4:
        for what in (Err.NONE, Err.UNMAPPED, Err.INDEX, Err.PARTIAL, Err.BUSY, Err.FOREIGN,
                     *list(Outcome)[1:], "parked", "grant", "multi", "edge", "merges",
                     "end_flight", "spared", *WRITES):
            assert seen[what] > 9, (what, seen)
