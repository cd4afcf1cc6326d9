# amaranth: UnusedElaboratable=no
"""Dispatch against a plain reference of spec 4.1 to 4.3, with played request store and sinks."""

import copy
import random
from collections import Counter

import pytest

from vapic import Config
from vapic.dispatch.unit import Dispatch
from vapic.layouts import AcceptResult as Result
from vapic.layouts import Layouts, Outcome
from vapic.policy import POLICIES, falls_back
from vapic.record import Op
from vapic.regs import Keep, lookup
from vapic_sim.harness import simulate
from vapic_sim.model.records import Outcome as ModelOutcome
from vapic_sim.model.registers import GLOBAL, VCPU, Kind
from vapic_sim.model.selection import choose, pick
from vapic_sim.model.views import EntryView, LaneView, Terms

PULL = 6
#: Policies of two rounds.
TWO = (4, PULL)
STEPS = {1: 1, 4: 1, 7: 2, 16: 2, 64: 3}     # cycles of the tournament


# -- the reference: the golden model's selection, on what the bench has in its tables -----------

class Choice:
    """What a selection must do, from the state before C0."""

    def __init__(self, config, entry, rows, outs, pirq, settings, rrptr):
        self.entry, self.rows, self.evt = entry, rows, entry["path"]
        self.dynamic = bool((entry["mode"] == 1 or (not entry["mode"] and entry["force_dyn"]))
                            and not entry["force_static"] and not settings["dyn_off"])
        self.illegal = not self.evt and not 16 <= entry["vector"] < config.vectors
        self.made = choose(self._request(entry, pirq), tuple(
            self._lane(k, row, min(255, row["count"] + out), pirq)
            for k, (row, out) in enumerate(zip(rows, outs, strict=True))), Terms(
            self._settings(settings), rrptr, config.lanes, config.vectors, config.policies))
        self.policy, self.tried, self.won = int(self.made.policy), set(), None

    @staticmethod
    def _settings(settings):
        """Words of the global registers that the model's selection reads."""
        return {row: sum(settings[member] << low for member, low, _ in lookup(row.name).slots(
            Keep.FLOP)) for row in GLOBAL if row.kind == Kind.PLAIN}

    def _request(self, entry, pirq):
        return EntryView(
            0, True, entry["vector"], entry["mode"], bool(entry["logical"]), bool(entry["level"]),
            entry["dest"], bool(self.evt), bool(entry["ser"]), self.dynamic, entry["policy"],
            entry["allow"], entry["hint"] if entry["hint_valid"] else None, bool(entry["learn"]),
            entry["slack"], bool(entry["owned"]), entry["dom"], bool(pirq["infl"]))

    @staticmethod
    def _lane(k, row, load, pirq):
        dfr = 0xF if row["flat"] else 0 if row["cluster"] else 5
        return LaneView(
            k, row["v"], bool(row["online"]), bool(row["frozen"]), bool(row["enabled"]),
            bool(row["svr_enabled"]), row["id"], row["ldr"], dfr, row["sched"], row["tpr"],
            row["ppr"], row["apr"], load,
            {of: row[of.key] for of in VCPU if of.policy}, k, not pirq["open"] >> k & 1,
            bool(pirq["infl"] >> k & 1))

    def next(self):
        """A list of targets, or the outcome."""
        made = self.made
        if made.outcome != ModelOutcome.NONE and not made.targets:
            return Outcome[made.outcome.name]
        if made.outcome not in (ModelOutcome.NONE, ModelOutcome.ERROR):
            return Outcome[made.outcome.name]
        if made.outcome == ModelOutcome.ERROR or not self.dynamic:
            return sorted(lane.k for lane in made.targets)
        self.won = pick(made, self.tried)
        return [self.won.lane.k] if self.won else Outcome.AGAIN


# -- the bench ----------------------------------------------------------------------------------

class Bench:
    """Plays everything around dispatch and checks each cycle."""

    def __init__(self, dut, config, seed, calm=False):
        self.dut, self.c, self.rng, self.calm = dut, config, random.Random(seed), calm
        self.layouts = Layouts(config)
        d, n = config.domains, config.lanes
        self.rows = [[dict.fromkeys(self.layouts.lane.members, 0) for _ in range(n)]
                     for _ in range(d)]
        self.outs = [[0] * n for _ in range(d)]
        self.pirqs = [{"open": 0, "infl": 0} for _ in range(config.pirqs)]
        self.rrptr = [0] * d
        self.settings = dict.fromkeys(self.layouts.globals.members, 0) | {
            "enable": 1, "lpcfg": 1, "pull_depth": 2, "schedrank": 0xD8}
        self.time, self.now = 0, 0
        self.choice, self.sent, self.expected = None, [], None
        self.traces, self.level, self.seen = [], 0, Counter()
        self.told, self.end_record = -2, None
        self.next_note = {"valid": False}
        self.late_out = {"en": 0, "dom": 0, "lanes": 0, "out": 0}
        self.pirq_note = {"valid": 0, "n": 0, "infl_any": 0, "bound_any": 0, "open_changed": 0}

    def chance(self, p):
        return self.rng.random() < p

    def random_row(self, k):
        r = self.rng
        shape = r.choice(["flat", "flat", "cluster", "none"])
        sched = r.choice([0, 0, 1, 2, 2, 3])
        return {
            "online": self.chance(.9), "frozen": self.chance(.03), "enabled": self.chance(.92),
            "svr_enabled": self.chance(.92), "id": r.choice([k, k, 3, 5, 0xFF]),
            "ldr": r.choice([1 << k % 8, 0, 0x31, 0x32, 0x13, 0xFF, r.randrange(256)]),
            "flat": shape == "flat", "cluster": shape == "cluster",
            "sched": sched,
            "tpr": r.choice([0, 0x10, 0x20, 255]), "ppr": r.choice([0, 0x11, 0x35, 255]),
            "apr": r.choice([0, 0x80, r.randrange(256)]),
            "count": r.choice([0, 1, 2, 3, 250]), "rqpos": r.choice([0, 1, 2, 255]),
            "v": (k * 3 + 1) % self.c.lanes if self.c.lanes % 3 else k,
        }

    def random_entry(self):
        r = self.rng
        return {
            "vector": r.choice([0x11, 0x17, 0x18, 0x1A, 0x1B, 0x1F, 5, 15, 16,
                                self.c.vectors - 1, self.c.vectors % 256]),
            "mode": r.choice([0, 0, 0, 1, 1, 1, 1, 1, r.randrange(8)]),
            "logical": r.randrange(2), "level": r.randrange(2),
            "dest": r.choice([0xFF] * 6 + [0x0F, 0x33, 0x31, 0, 1, 3, r.randrange(256)]),
            "path": r.randrange(2), "ser": self.chance(.3), "force_dyn": self.chance(.2),
            "force_static": self.chance(.1), "policy": r.choice([0, 1, 2, 6, 6, 15, 3, 4, 4, 14]),
            "allow": r.choice([7, 7, 7, 1, 3, 5, 0]), "kind": r.randrange(4),
            "dom": r.randrange(self.c.domains), "owned": self.chance(.96),
            "hint_valid": self.chance(.8), "hint": r.randrange(self.c.lanes + 1),
            "learn": r.randrange(2), "slack": r.choice([0, 1, 2, 250]),
        }

    def change_state(self, quiet_bank, quiet_evt):
        """Decisions of this cycle by others: set the inputs, return what commits."""
        r, dut, ctx, todo = self.rng, self.dut, self.ctx, []
        rate = .02 if self.calm else .1
        dom, k = r.randrange(self.c.domains), r.randrange(self.c.lanes)
        write = self.chance(.3)
        row, bits = self.random_row(k), 1 << k
        ctx.set(dut.lane_write, {"en": write, "dom": dom, "lanes": bits, "row": row})
        if write:
            todo.append(lambda: self.rows[dom].__setitem__(k, row))
        d2, k2, out = r.randrange(self.c.domains), r.randrange(self.c.lanes), r.choice([0, 1, 2, 9])
        write = self.chance(.2)
        # The event channels tell of a decision in the cycle after it.
        ctx.set(dut.out_write, self.late_out)
        self.late_out = {"en": write, "dom": d2, "lanes": 1 << k2, "out": out}
        if write:
            todo.append(lambda: self.outs[d2].__setitem__(k2, out))
        self.note, self.next_note = self.next_note, {
            "valid": self.chance(rate), "dom": r.randrange(self.c.domains),
            "k": r.randrange(self.c.lanes), "config": r.randrange(2), "grew": r.randrange(2)}
        ctx.set(dut.lane_note, self.next_note)
        n = r.randrange(self.c.pirqs)
        changes = not quiet_evt and self.chance(2 * rate)
        new = {"open": r.getrandbits(self.c.lanes) | r.getrandbits(self.c.lanes),
               "infl": r.choice([0, 0, r.getrandbits(self.c.lanes)])}
        opened = changes and new["open"] != self.pirqs[n]["open"]
        ctx.set(dut.pirq_note, self.pirq_note)
        self.told_note = self.pirq_note
        self.pirq_note = {"valid": changes, "n": n, "infl_any": new["infl"] != 0,
                          "bound_any": 1, "open_changed": opened}
        if changes:
            todo.append(lambda: self.pirqs.__setitem__(n, new))
        rewrite = not quiet_bank and not quiet_evt and self.chance(.15)
        d3, value = r.randrange(self.c.domains), r.randrange(self.c.lanes)
        ctx.set(dut.rrptr_write, {"en": rewrite, "dom": d3, "value": value})
        if rewrite:
            todo.append(lambda: self.rrptr.__setitem__(d3, value))
        if self.chance(.05):
            todo.append(lambda: self.settings.update(
                dyn_off=self.chance(.1), policy=r.choice([0, 1, 2, 3, 4, 6, 9]),
                policy_fallback=r.randrange(10), schedrank=r.choice([0xD8, r.getrandbits(8)]),
                lpcfg=r.randrange(16), pull_depth=r.choice([0, 1, 2, 4, 255]),
                pull_wake=r.randrange(2)))
        return todo

    async def cycle(self):
        """One cycle: inputs, checks, edge."""
        dut, ctx, r = self.dut, self.ctx, self.rng
        taken = None
        # Which sink decides in this cycle? (A target may be decided while it is being taken.)
        ready = self.chance(.7)
        ctx.set(dut.accept.target.ready, ready)
        ctx.set(dut.evt_grant.target.ready, ready)
        ctx.set(dut.accept.done.valid, 0)
        ctx.set(dut.evt_grant.done.valid, 0)
        due = bool(self.sent) and self.sent[0][0] <= self.time
        evt = bool(self.choice) and bool(self.choice.evt)
        ctx.set(dut.hold_ack, self.chance(.4))
        ctx.set(dut.lag, self.chance(.1))
        now_due = due or (ready and self.choice is not None and not self.sent and self.chance(.5))
        todo = self.change_state(now_due and not evt, now_due and evt)
        if self.choice and self.chance(.01):
            self.request_ok = False
        ctx.set(dut.requests.ok, bool(self.choice) and self.request_ok)
        ctx.set(dut.globals, self.settings)
        ctx.set(dut.now, self.now)
        offer = r.randrange(self.c.pirqs)
        ctx.set(dut.requests.offer, self.chance(.8))
        ctx.set(dut.requests.tag, offer)
        self.offer_dom = (offer + self.time) % self.c.domains
        ctx.set(dut.requests.offer_dom, self.offer_dom)
        ctx.set(dut.pirq_row, self.pirq_answer)
        ctx.set(dut.trace.ready, self.chance(.01 if self.time % 4000 < 2000 else .9))

        self.committed()
        assert ctx.get(dut.requests.outcome) == self.outcome
        self.outcome = Outcome.NONE
        self.records()
        if ctx.get(dut.requests.take):
            assert self.choice is None and self.time > self.told + 1
            assert ctx.get(dut.requests.offer)
            assert not ctx.get(dut.lag) and ctx.get(dut.pirq_n) == offer
            taken = self.begin(offer)
        if self.choice:
            self.watch_notes()
            self.offers(evt, due, now_due, ready)
        else:
            assert not ctx.get(dut.accept.target.valid) and not ctx.get(dut.evt_grant.target.valid)
            assert not ctx.get(dut.judging)
        for port in range(self.c.domains):
            if self.settled_rrptr:
                assert ctx.get(dut.rrptr[port]) == self.rrptr[port]
        self.settled_rrptr = not ctx.get(dut.rrptr_write.en)
        self.comes = ctx.get(dut.evt_comes)
        self.trace()

        self.pirq_answer = dict(self.pirqs[ctx.get(dut.pirq_n)])
        if self.rotated:
            self.rrptr.__setitem__(*self.rotated)
            self.rotated = None
        for change in todo:
            change()
        await ctx.tick()
        self.time, self.now = self.time + 1, (self.now + 1) & 0xFFFFFFFF
        if taken:
            known = self.layouts.request.members
            ctx.set(dut.requests.request, {name: taken[name] for name in known})

    def records(self):
        """START in C0, END in the cycle after the outcome."""
        commits, wanted = self.dut.commits, self.end_record
        if self.ctx.get(self.dut.requests.take):
            wanted = (Op.START, self.ctx.get(self.dut.requests.tag), self.offer_dom, 0)
        assert self.ctx.get(commits.valid) == (wanted is not None)
        if wanted:
            record = self.ctx.get(commits.record)
            assert (record.op, record.row, record.data, record.result) == wanted
        self.end_record = None

    def begin(self, n):
        """C0: the snapshot is what was decided before."""
        entry = self.random_entry()
        dom = entry["dom"]
        self.n, self.dom, self.start, self.since = n, dom, self.time, self.now
        pointer = dict([self.rotated] if self.rotated else ()).get(dom, self.rrptr[dom])
        self.choice = Choice(self.c, entry, copy.deepcopy(self.rows[dom]), list(self.outs[dom]),
                             dict(self.pirqs[n]), dict(self.settings), pointer)
        self.request_ok, self.changed, self.opened = True, set(), False
        self.first, self.todo_targets, self.port = True, None, 0
        self.offered = self.comes = False
        steps = STEPS[self.c.lanes] + (self.choice.policy in TWO)
        self.expect(self.time + 4 + steps)
        return entry

    def expect(self, at):
        """What must come: an outcome or targets, first seen in cycle `at`."""
        self.expected, self.at = self.choice.next(), at
        if isinstance(self.expected, list):
            several = self.choice.illegal or (not self.choice.dynamic and self.choice.entry[
                "mode"] == 0)
            self.at += several
            self.todo_targets, self.total = list(self.expected), len(self.expected)
            self.multi = self.total > 1
            self.acknowledged = False

    def watch_notes(self):
        """Notes of C0..now that matter for somebody, by lane."""
        note = self.note
        if note["valid"] and note["dom"] == self.dom and (
                note["config"] or (self.choice.policy == PULL and note["grew"])):
            self.changed.add(note["k"])
        told = self.told_note
        self.fresh_open = (told["valid"] and told["open_changed"] and told["n"] == self.n
                           and self.time > self.start)

    def stands(self, k):
        """Whether a grant decided in this cycle may commit."""
        choice = self.choice
        if choice.dynamic and not choice.illegal:
            return self.request_ok and k not in self.changed
        return self.request_ok and not self.changed and not (choice.evt and self.opened)

    def offers(self, evt, due, may_decide, ready):
        dut, ctx = self.dut, self.ctx
        sink = (dut.evt_grant if evt else dut.accept).target
        other = (dut.accept if evt else dut.evt_grant).target
        assert not ctx.get(other.valid)
        waiting = isinstance(self.expected, list)
        assert ctx.get(dut.judging) == (not waiting and self.time >= self.at)
        if not waiting:
            assert not ctx.get(sink.valid)
            if self.time >= self.at:
                wanted = self.expected
                self.outcome = wanted if self.request_ok else Outcome.AGAIN
                if wanted != Outcome.BLOCKED:
                    wanted = self.outcome
                if self.expected != Outcome.AGAIN:
                    self.end_record = (Op.END, self.n, 0, wanted.value)
                self.told = self.time
                self.seen[wanted.name] += 1
                self.finish()
            self.opened |= self.fresh_open
            return
        hold = ctx.get(dut.hold)
        assert ctx.get(dut.requests.multi) == hold
        assert ctx.get(dut.hold_notes) == (hold and not evt)
        valid = ctx.get(sink.valid)
        if self.time < self.at:
            assert not valid
        elif not self.multi:
            assert not hold
            if self.time == self.at:
                assert valid      # T_SEL is fixed
        else:
            assert hold
            if valid:
                assert self.acknowledged or not evt
            self.acknowledged |= ctx.get(dut.hold_ack)
        if valid and evt and self.first and not self.offered:
            assert self.comes           # announced in the cycle before
        self.offered = valid
        if valid:
            assert self.todo_targets
            assert self.first is False or len(self.todo_targets) == self.total
            k = self.todo_targets[0]
            self.check_target(ctx.get(sink.payload), k, evt)
            if ready:
                self.todo_targets.pop(0)
                # After the cycle of the transfer; in order.
                delay = 1 if not due and may_decide and not self.sent else self.rng.randrange(1, 6)
                at = max(self.time + delay, self.sent[-1][0] + 1 if self.sent else 0)
                self.sent.append((at, k))
        if self.sent and self.sent[0][0] <= self.time:
            assert may_decide
            self.decide(self.sent.pop(0)[1], evt)
        self.opened |= self.fresh_open

    def check_target(self, payload, k, evt):
        choice, entry = self.choice, self.choice.entry
        first = len(self.todo_targets) == self.total
        last = len(self.todo_targets) == 1
        wanted = {"n": self.n, "v": choice.rows[k]["v"], "first": first, "last": last}
        if evt:
            wanted |= {"dom": self.dom, "k": k, "dynamic": choice.dynamic}
        else:
            wanted |= {"vector": entry["vector"], "level": entry["level"],
                       "single": not self.multi, "illegal": choice.illegal}
        assert {name: payload[name] for name in wanted} == wanted

    def decide(self, k, evt):
        """The sink decides: result by dispatch's word, then what must follow."""
        dut, ctx, choice, r = self.dut, self.ctx, self.choice, self.rng
        ok = ctx.get(dut.evt_grant.ok if evt else dut.accept.ok)
        assert ok == (not self.first or self.stands(k)), (ok, self.changed, self.opened)
        single = self.total == 1
        if choice.illegal:
            result = Result.RECVILL
        elif not ok:
            result = Result.ABORT
        elif single and not evt and self.chance(.3):
            result = Result.RETRY
        elif evt and not self.first and self.chance(.3):
            result = Result.SKIP
        else:
            result = r.choice([Result.SET, Result.SET, Result.MERGED])
        port, v = r.randrange(self.c.ports), choice.rows[k]["v"]
        ctx.set(dut.evt_grant.done if evt else dut.accept.done,
                {"valid": 1, "result": result, "port": port})
        first, last = self.first, not self.sent and not self.todo_targets
        self.decision = k, v, port if evt else 0, result, first, last

    def committed(self):
        """What follows from a decision, in the cycle after it."""
        dut, ctx, choice = self.dut, self.ctx, self.choice
        if self.decision is None:
            strobes = (dut.requests.first, dut.requests.last, dut.granted.valid, dut.aborted.valid,
                       dut.policy_error, dut.trace_dropped)
            assert not any(ctx.get(strobe) for strobe in strobes)
            return
        (k, v, port, result, first, last), self.decision = self.decision, None
        commits = result in (Result.SET, Result.MERGED, Result.SKIP)
        takes = result in (Result.SET, Result.MERGED)
        assert ctx.get(dut.requests.first) == (commits and first)
        assert ctx.get(dut.requests.last) == (commits and last)
        assert ctx.get(dut.granted.valid) == takes
        assert ctx.get(dut.aborted.valid) == (result == Result.ABORT)
        if takes:
            assert ctx.get(dut.granted.v) == v
        if result == Result.ABORT:
            assert ctx.get(dut.aborted.v) == v
        if commits:
            assert (ctx.get(dut.requests.target.k), ctx.get(dut.requests.target.port)) == (k, port)
        won = choice.won if choice.dynamic and commits and first else None
        assert ctx.get(dut.policy_error) == bool(
            commits and first and (choice.made.unknown_policy or (won and won.unknown)))
        if falls_back(self.c):
            assert ctx.get(dut.requests.learn) == bool(won and won.learns)
            self.seen["learnt"] += bool(won and won.learns)
        self.seen[result.name] += 1
        self.seen["several"] += commits and last and self.total > 1
        if commits and first:
            self.grant(k, v, port)
            self.seen[f"policy {choice.policy}"] += 1
        self.first = False
        if result == Result.ABORT:
            assert first
            self.todo_targets, self.expected, self.at = None, Outcome.AGAIN, self.time + 1
        elif result == Result.RETRY and choice.dynamic:
            self.first = True
            choice.tried.add(k)
            self.expect(self.time + 2 + STEPS[self.c.lanes] + (choice.policy in TWO))
        elif last:
            if commits:
                self.finish()
            else:
                self.expected = Outcome.ERROR if choice.illegal else Outcome.AGAIN
                self.at = self.time + 1

    def grant(self, k, v, port):
        choice, n = self.choice, self.n

        def mask(lanes):
            return sum(1 << lane.k for lane in lanes)

        record = {"now": self.since, "n": n, "kind": choice.entry["kind"],
                  "candidates": mask(choice.made.candidates), "eligible": mask(
                      choice.made.eligible), "policy": choice.policy,
                  "key": choice.won.key if choice.dynamic else 0, "target": v, "port": port}
        dropped = self.ctx.get(self.dut.trace_dropped)
        assert not dropped or self.level == self.c.trace_depth
        self.seen["dropped"] += dropped
        if not dropped:
            self.traces.append(record)
            self.level += 1
        if choice.dynamic and choice.won.rotates:
            self.rotated = self.dom, (k + 1) % self.c.lanes

    def trace(self):
        """Take a record if one is offered."""
        trace = self.dut.trace
        if self.ctx.get(trace.valid) and self.ctx.get(trace.ready):
            got, want = self.ctx.get(trace.payload), self.traces.pop(0)
            assert {name: int(getattr(got[name], "value", got[name])) for name in want} == want
            self.level -= 1
            self.seen["traced"] += 1

    def finish(self):
        self.choice, self.sent, self.expected = None, [], None

    async def run(self, ctx, cycles):
        self.ctx, self.rotated, self.settled_rrptr, self.decision = ctx, None, True, None
        self.outcome = Outcome.NONE
        self.pirq_answer = dict(self.pirqs[0])
        while not ctx.get(self.dut.ready):
            assert not ctx.get(self.dut.requests.take)
            await ctx.tick()
        # All lanes of a domain at once, as at initialisation; then lanes of their own.
        for dom in range(self.c.domains):
            row = self.random_row(0)
            self.rows[dom] = [row] * self.c.lanes
            ctx.set(self.dut.lane_write, {"en": 1, "dom": dom, "row": row,
                                          "lanes": (1 << self.c.lanes) - 1})
            await ctx.tick()
            for k in range(self.c.lanes):
                self.rows[dom][k] = row = self.random_row(k)
                ctx.set(self.dut.lane_write, {"en": 1, "dom": dom, "row": row, "lanes": 1 << k})
                await ctx.tick()
        ctx.set(self.dut.lane_write.en, 0)
        while self.time < cycles or self.choice:
            await self.cycle()


SMALL = Config(rtes=4, irts=4, vcpus=4, lanes=4, domains=2, ports=64, trace_depth=4, commits=True,
               policies=tuple(POLICIES))
WIDE = Config(vcpus=64, lanes=16, domains=16, vectors=128, commits=True,
              policies=tuple(POLICIES))
ODD = Config(rtes=3, irts=0, vcpus=14, lanes=7, domains=2, ports=32, vectors=64, commits=True)


@pytest.mark.parametrize("config, seed, cycles", [(SMALL, 1, 10000), (ODD, 2, 10000),
                                                  (WIDE, 3, 3000)], ids=["small", "odd", "wide"])
def test_follows_the_reference(config, seed, cycles):
    dut = Dispatch(config)
    bench = Bench(dut, config, seed)

    async def run(ctx):
        await bench.run(ctx, cycles)

    simulate(dut, run)
    print(sorted(bench.seen.items()))       # shown if it fails
    everything = ["PARK", "WAIT", "ERROR", "AGAIN", "SET", "MERGED", "RETRY", "ABORT", "several",
                  "policy 0", "policy 1", "policy 2", "policy 6", "policy 16", "traced"]
    if config is not ODD:
        everything += ["policy 3", "policy 4", "learnt"]
    if config is SMALL:
        everything += ["BLOCKED", "SKIP", "RECVILL", "dropped"]
    assert not [name for name in everything if not bench.seen[name]]
