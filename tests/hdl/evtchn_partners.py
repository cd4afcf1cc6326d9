"""Who works with the event channels: each drives its ports, looks at them, judges commits."""

from vapic.layouts import Err, NoteOp
from vapic_sim.model.records import AcceptResult

from .evtchn_model import MASK

#: Offsets whose writes have a result.
COMMAND, FAST = 0x130C, (0x1320, 0x1324, 0x1328, 0x1330)


class BusMaster:
    """One access at a time; keeps which operations met which results."""

    def __init__(self, env):
        self.env = env
        self.request = self.response = self.expected = None
        #: (command or offset, result), and ("err", error of an access).
        self.met = set()

    def drive(self, ctx, dut):
        ctx.set(dut.bus.req.valid, self.request is not None)
        if self.request is not None:
            ctx.set(dut.bus.req.payload, vars(self.request))

    def commit(self, record):
        """A BUS record: of the access that is asked for, and with the model's result."""
        self.expected = self.env.model.apply("BUS", record)
        self.met.add(("err", self.expected[2]))
        offset, result = record.addr & 0x3FFC, record.result & MASK
        if record.we and record.sel == 15 and offset in (COMMAND, *FAST):
            self.met.add((record.data if offset == COMMAND else offset,
                          result - (result >> 31 << 32)))

    def look(self, ctx, dut):
        if self.request is not None and ctx.get(dut.bus.req.ready):
            self.request = None
        if ctx.get(dut.bus.rsp.valid):
            answer = ctx.get(dut.bus.rsp.payload)
            assert (answer.data, answer.berr, answer.err) == self.expected
            self.response = answer.data


class Dispatch:
    """Grants to lanes that fit, mostly, and to one or several; one target at a time.

    Of grants at random some do not stand any more; those of a directed test all do.
    """

    def __init__(self, env, rate):
        self.env, self.rate, self.doubt = env, rate, 0.1 if rate else 0
        #: Targets to come, the one under way, and the one decided last cycle with its answer.
        self.targets, self.running, self.decided = [], None, None
        #: Answers by how often.
        self.results = {}

    def start(self, n, dynamic, places):
        """Grant PIRQ n to (k, v)."""
        self.targets = [
            {"n": n, "dom": self.env.model.requests[n].dom, "k": k, "v": v,
             "dynamic": int(dynamic), "first": int(i == 0), "last": int(i == len(places) - 1)}
            for i, (k, v) in enumerate(places)]

    def _choose(self):
        env, rng = self.env, self.env.rng
        lanes, pirqs = range(env.c.lanes), range(env.c.pirqs)
        rows = {n: env.model.row(n) for n in pirqs}
        opened = {n: [k for k in lanes if rows[n][0] >> k & 1] for n in pirqs}
        n = rng.choice([n for n in pirqs if opened[n] and rng.random() < 0.9] or list(pirqs))
        dynamic = rng.random() < 0.6
        fit = opened[n] if rng.random() < 0.9 and opened[n] else lanes
        if dynamic:
            chosen = [rng.choice([k for k in fit if not rows[n][1] >> k & 1] or fit)]
        else:
            chosen = rng.sample(fit, rng.randint(1, len(fit)))
            chosen += [k for k in lanes if k not in chosen and rng.random() < 0.1]
        d = env.model.requests[n].dom
        self.start(n, dynamic, [(k, (d * env.c.lanes + k) % env.c.vcpus) for k in chosen])

    def idle(self):
        return not self.targets and self.running is None

    def drive(self, ctx, dut):
        rng = self.env.rng
        if self.idle() and rng.random() < self.rate:
            self._choose()
        self.offered = bool(self.targets) and self.running is None
        self.ok = rng.random() >= self.doubt
        ctx.set(dut.grant.target.valid, self.offered)
        # Some are announced, and some that are never come.
        ctx.set(dut.grant_comes, self.rate > 0 and rng.random() < 0.3)
        if self.offered:
            ctx.set(dut.grant.target.payload, self.targets[0])
        ctx.set(dut.grant.ok, self.ok)

    def commit(self, record, answer):
        """A GRANT record: the answer told in the cycle before is the model's."""
        target, ok = self.decided
        result, port = self.env.model.grant(target, ok)
        assert (record.addr, record.row) == (target["n"], target["v"])
        assert record.data == target["first"] << 10 | target["last"] << 9
        assert record.result & 7 == result == answer[0]
        assert port in (None, record.result >> 3) and record.result >> 3 == answer[1]
        self.results[result] = self.results.get(result, 0) + 1

    def look(self, ctx, dut):
        """The answer of this cycle, if one is given: result and port."""
        done, answer = ctx.get(dut.grant.done), None
        if done.valid:
            answer = int(done.result.value), done.port
            self.decided, self.running = (self.running, self.ok), None
            if answer[0] == AcceptResult.ABORT:
                self.targets.clear()
        if self.offered and ctx.get(dut.grant.target.ready):
            self.running = self.targets.pop(0)
        return answer


class Bank:
    """Takes notes of upcall state, and decides on writes of VCPU.CTL some cycles later."""

    def __init__(self, env, rate):
        self.env, self.rate = env, rate
        #: (v, pend, line, rise), as told; a write of CTL that waits: (v, data, cycle).
        self.notes, self.ctl = [], None

    def drive(self, ctx, dut):
        env = self.env
        self.ready, answer = env.rng.random() < self.rate, {"valid": 0}
        if self.ctl is not None and env.cycle >= self.ctl[2]:
            (v, data, _), self.ctl = self.ctl, None
            applied, (online, dom, k) = env.model.write_ctl(v, data)
            vcpu = env.model.vcpus[v]
            answer = dict(valid=1, applied=applied, old_online=online, old_dom=dom, old_k=k,
                          new_online=vcpu.online, new_dom=vcpu.dom, new_k=vcpu.k)
            env.bus.expected = 0, 0, Err.NONE if applied else Err.BUSY
        ctx.set(dut.note.ready, self.ready)
        ctx.set(dut.note_done, answer)

    def look(self, ctx, dut):
        env = self.env
        if not (self.ready and ctx.get(dut.note.valid)):
            return
        note = ctx.get(dut.note.payload)
        if note.op == NoteOp.CTL:
            assert note.held == env.model.held(note.v, note.data >> 4 & 15, note.data >> 24 & 63)
            self.ctl = note.v, note.data, env.cycle + env.rng.randint(2, 6)
        else:
            self.notes.append((note.v, note.pend, note.line, note.rise))


class RequestStore:
    """Answers for entries a cycle after it is asked, and takes PIRQs that end."""

    def __init__(self, env):
        self.env, self.query = env, None
        #: (n, set_pend), as told.
        self.hands = []

    def drive(self, ctx, dut):
        if self.query is not None:
            entry = {}
            if self.query < self.env.c.pirqs:
                r = self.env.model.requests[self.query]
                entry = dict(mode=r.mode, level=r.level, dom=r.dom, owned=r.owned,
                             autoeoi=r.reqx >> 23 & 1, force_dyn=r.reqx >> 2 & 1,
                             force_static=r.reqx >> 3 & 1)
            ctx.set(dut.query_entry, entry)

    def look(self, ctx, dut):
        self.query, hand = ctx.get(dut.query_n), ctx.get(dut.hand_back)
        if hand.valid:
            assert hand.clear_rirr
            self.hands.append((hand.n, bool(hand.set_pend)))


class Rows:
    """Reads a PIRQ row and an out count in each cycle, and hears of counts that change."""

    def __init__(self, env):
        self.env, self.expected = env, None
        #: (domain, lane, count), as told.
        self.outs = []

    def drive(self, ctx, dut):
        c = self.env.c
        self.n, self.d, self.k = map(self.env.rng.randrange, (c.pirqs, c.domains, c.lanes))
        ctx.set(dut.pirq_n, self.n)
        ctx.set(dut.out_dom, self.d)
        ctx.set(dut.out_k, self.k)

    def look(self, ctx, dut):
        """A row shows what was decided before the cycle of its address; a count at once."""
        env = self.env
        if self.expected is not None:
            row = ctx.get(dut.pirq_row)
            assert (row.open, row.infl) == self.expected, env.bus.request
        self.expected = None
        if not ctx.get(dut.lag):
            self.expected = env.model.row(self.n)[:2]
            assert ctx.get(dut.out_value) == env.model.events.out[self.d][self.k]
        out = ctx.get(dut.out_write)
        if out.en:
            k = out.lanes.bit_length() - 1
            assert out.lanes == 1 << k
            if ctx.get(dut.store.inflight_count.data[out.dom << env.c.lane_bits | k]) != out.out:
                self.outs.append((out.dom, k, out.out))
