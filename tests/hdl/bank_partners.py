"""Who works with a bank: each offers operations on its port, and judges their commits."""

from collections import deque

from vapic.layouts import AcceptResult, NoteOp
from vapic.record import Op

from .bank_model import ABORTS, GRANTS


class Partner:
    """Offers one operation at a time, which stays until it is taken."""

    #: Chance to offer one in a cycle.
    rate = .3

    def __init__(self, bench, port):
        self.bench, self.port, self.item = bench, port, None
        #: Operations under way: cycle of issue, operation.
        self.flying = deque()

    def next(self):
        """Another operation, None if it is not time for one."""
        raise NotImplementedError

    def drive(self):
        if self.item is None and self.bench.rng.random() < self.rate:
            self.item = self.next()
        self.bench.ctx.set(self.port.valid, self.item is not None)
        if self.item is not None:
            self.bench.ctx.set(self.port.payload, self.item)

    def take(self):
        """The operation that is taken in this cycle, if one is."""
        taken = None
        if self.item is not None and self.bench.ctx.get(self.port.ready):
            taken, self.item = self.item, None
        return taken

    def under_way(self):
        """Operations that were issued before this cycle."""
        return [item for cycle, item in self.flying if cycle < self.bench.cycle]


class BusMaster(Partner):
    """Reads and writes registers; waits for each answer."""

    rate = .8

    def __init__(self, bench, port):
        super().__init__(bench, port)
        #: An access waits decoded, from the cycle after it was taken to that of its issue.
        self.free, self.decoded = True, None

    def next(self):
        if not self.free:
            return None
        self.free = False
        return self.bench.traffic.access(self.bench.model.vcpus)

    def issue(self):
        """The access issued in this cycle; another may come after it into its place."""
        issued = None
        if self.bench.ctx.get(self.bench.dut.from_bus.o.ready):
            issued, self.decoded = self.decoded, None
        taken = self.take()
        assert taken is None or self.decoded is None
        self.decoded = self.decoded or taken
        return issued

    def commit(self, item, record, then):
        bench = self.bench
        # A strobe comes a cycle after its decision: that of this decision's cycle is counted.
        counts = {slot: lambda v, log=bench.strobes.told[name]: sum(
            1 for cycle, w in log if w == v and cycle < bench.cycle)
            for slot, name in ((GRANTS, "granted"), (ABORTS, "aborted"))}
        commit = bench.model.bus(item, then.out, counts)
        data, berr, err = commit.answer
        response = bench.ctx.get(bench.dut.bus.rsp.payload)
        assert (response.data, response.berr, response.err) == commit.answer, (
            f"{bench.cycle}: {item} gave {response}, not {data:#x} {berr} {err}")
        assert record.result == berr << 32 | data
        names = ("addr", "data", "sel", "we", "vmm", "dom", "vcpu")
        assert [record[name] for name in names] == [item[name] for name in names]
        self.free = True
        bench.seen["INTA"] += item["addr"] >> 22 == 1 and item["addr"] & 0xFFC == 0xFC0 \
            and data >> 31 & (data != 0xFFFFFFFF)
        return commit


class Dispatcher(Partner):
    """Sends targets of grants, and says at the decision whether they are still good."""

    def next(self):
        return self.bench.traffic.grant()

    def judge(self):
        """Set `ok`, never for a vCPU that cannot accept; and CTRL.retry_on_irr."""
        bench, ctx, dut = self.bench, self.bench.ctx, self.bench.dut
        self.ok, self.retry = False, bench.rng.random() < .3
        if ctx.get(dut.accept.done.valid):
            vcpu = bench.model.vcpus[self.flying[0][1]["v"]]
            self.ok = vcpu.accepts and bench.rng.random() < .9
        ctx.set(dut.accept.ok, self.ok)
        ctx.set(dut.globals.retry_on_irr, self.retry)

    def commit(self, item, record, then):
        bench = self.bench
        commit = bench.model.accept(item, then.ok, then.retry)
        assert then.accept_done.result.value == record.result == commit.answer
        assert (record.row, record.addr) == (item["v"], item["n"])
        assert record.data == (item["first"] << 10 | item["last"] << 9 | item["level"] << 8
                               | item["vector"])
        bench.seen[AcceptResult(record.result).name] += 1
        return commit


class EventChannels(Partner):
    """Tell of upcall state, and pass on writes of VCPU.CTL, one of these at a time."""

    rate = .15

    def __init__(self, bench, port):
        super().__init__(bench, port)
        self.ctl_free = True

    def next(self):
        note = self.bench.traffic.note(self.bench.model.vcpus)
        if note["op"] == NoteOp.CTL.value:
            if not self.ctl_free:
                return None
            self.ctl_free = False
        return note

    def commit(self, item, record, then):
        assert record.row == item["v"]
        return (self._upcall if record.op == Op.UPCALL else self._ctl)(item, record, then)

    def _upcall(self, item, record, then):
        commit = self.bench.model.upcall(item)
        assert record.data == item["pend"] << 1 | item["line"]
        assert record.result == commit.answer
        return commit

    def _ctl(self, item, record, then):
        commit = self.bench.model.ctl(item, then.out)
        vcpu, done = commit.vcpu, then.note_done
        assert (done.applied, record.result, record.data) == (
            commit.answer, commit.answer, item["data"])
        assert (done.old_online, done.old_dom, done.old_k) == (
            commit.row["online"], *commit.place)
        assert (done.new_online, done.new_dom, done.new_k) == (vcpu.online, vcpu.dom, vcpu.k)
        self.ctl_free = True
        self.bench.seen["applied" if commit.answer else "refused"] += 1
        return commit


class Holder:
    """Dispatch's hold of writes, and of notes that write CTL, for some cycles now and then."""

    def __init__(self, bench):
        self.bench, self.left = bench, {"hold": 0, "hold_notes": 0}

    def drive(self):
        rng = self.bench.rng
        for name, left in self.left.items():
            self.left[name] = max(0, left - 1)
            if not self.left[name] and rng.random() < .02:
                self.left[name] = rng.randrange(1, 25)
            self.bench.ctx.set(getattr(self.bench.dut, name), self.left[name] > 0)

    def holds(self, item):
        """Whether an operation may not be issued now."""
        if "we" in item:
            return self.left["hold"] and item["we"]
        return self.left["hold_notes"] and item.get("op") == NoteOp.CTL.value

    def check(self):
        """Held is acknowledged as soon as nothing of that kind is under way."""
        bench = self.bench
        if self.left["hold"]:
            held = any(map(self.holds, bench.bus.under_way() + bench.channels.under_way()))
            assert bench.ctx.get(bench.dut.hold_ack) == (not held)


class Strobes:
    """Dispatch's strobes for GRANTS and ABORTS, of one vCPU five cycles apart."""

    def __init__(self, bench):
        self.bench, self.last = bench, {}
        self.told = {"granted": [], "aborted": []}

    def drive(self):
        bench = self.bench
        for name, log in self.told.items():
            v = bench.rng.randrange(bench.config.vcpus)
            fire = bench.rng.random() < .4 and bench.cycle - self.last.get((name, v), -9) >= 5
            bench.ctx.set(getattr(bench.dut, name), {"valid": fire, "v": v})
            if fire:
                log.append((bench.cycle, v))
                self.last[name, v] = bench.cycle


class OutCounts:
    """What is in flight by way of ports, a table; it rests while a write of CTL is under way."""

    def __init__(self, bench, table):
        config = bench.config
        self.bench, self.table = bench, table
        self.domains, self.lanes = 1 << config.domain_bits, 1 << config.lane_bits
        self.counts = [0] * (self.domains * self.lanes)

    def drive(self):
        rng = self.bench.rng
        if self.bench.channels.ctl_free and rng.random() < .3:
            self.counts[rng.randrange(len(self.counts))] = rng.choice([0, 0, 0, 3, 250])
            self.bench.ctx.set(self.table, sum(n << 8 * i for i, n in enumerate(self.counts)))

    def now(self):
        """Counts as they are, a function of domain and lane."""
        counts = list(self.counts)
        return lambda dom, k: counts[dom % self.domains * self.lanes + k % self.lanes]
