"""The access unit against a Python reference: random masters, units, counters and grants."""

import random
from dataclasses import dataclass, field

from vapic.access.rights import Unit
from vapic.access.unit import AccessUnit
from vapic.config import Config
from vapic.layouts import Err
from vapic_sim.harness import simulate

from .test_access_rights import random_access, reference

CONFIG = Config(rtes=4, irts=3, vcpus=5, lanes=3, domains=3, ports=64, msi_bus=True, commits=True)
UNITS = {"ioapic": Unit.IOAPIC, "msi": Unit.MSI, "bank": Unit.BANK, "evt": Unit.EVT}
COUNTERS = {0x18: "coalesced", 0x1C: "parked", 0x24: "spurious", 0x34: "trace_dropped",
            0x38: "aborted"}
CONTROL = ("enable", "dyn_off", "latch_masked_edges", "retry_on_irr", "auto_reraise",
           "auto_unmask", "ioa_deleg")


@dataclass
class Registers:
    """The global registers and the error log, from chapters 1 and 6."""

    config: Config
    ctrl: int = 1
    owner: int = 0
    policy: int = 0x30
    lpcfg: int = 1
    pull: int = 1
    errstat: int = 0
    errinfo: int = 0
    counts: dict = field(default_factory=lambda: dict.fromkeys(COUNTERS.values(), 0))
    rrptr: list = field(default_factory=lambda: [0, 0, 0])
    told: int = 0       # merges at the sources, decided a cycle before they are told

    def log(self, err, address=0, domain=0):
        if err:
            self.errstat |= 1 << err - 1
            if not self.errinfo:
                self.errinfo = address & 0xFFFFFF | domain << 24 | err << 28

    def read(self, offset, now):
        c = self.config
        if 0x140 <= offset < 0x180:
            return self.rrptr[(offset - 0x140) // 4]
        if offset in COUNTERS:
            told = self.told if COUNTERS[offset] == "coalesced" else 0
            return self.counts[COUNTERS[offset]] + told & 0xFFFFFFFF
        return {
            0x00: 0x44445631, 0x04: c.vcpus | c.domains << 12 | c.rtes << 20,
            0x08: c.ports | c.irts << 16, 0x0C: self.ctrl, 0x10: self.errstat, 0x14: self.errinfo,
            0x28: self.owner, 0x100: self.policy, 0x104: self.lpcfg, 0x10C: self.pull, 0x110: now,
        }.get(offset, 0)

    def write(self, offset, value):
        if 0x140 <= offset < 0x180 and value < self.config.lanes:
            self.rrptr[(offset - 0x140) // 4] = value
        elif offset == 0x10:
            self.errstat &= ~value
            if self.errinfo and value >> (self.errinfo >> 28) - 1 & 1:
                self.errinfo = 0
        name, mask = {0x0C: ("ctrl", 0x7F), 0x28: ("owner", 0xF), 0x100: ("policy", 0xFF),
                      0x104: ("lpcfg", 0xB), 0x10C: ("pull", 0x1FF)}.get(offset, ("", 0))
        if name:
            setattr(self, name, value & mask)
        return bool(name)

    def globals(self):
        values = {name: self.ctrl >> i & 1 for i, name in enumerate(CONTROL)}
        return values | {"ioa_owner": self.owner, "policy": self.policy & 0xF,
                         "lpcfg": self.lpcfg, "pull_depth": self.pull & 0xFF,
                         "pull_wake": self.pull >> 8}


class Bench:
    """Drives everything at random, a cycle at a time, and checks every output in each."""

    def __init__(self, dut, seed):
        self.dut, self.rng = dut, random.Random(seed)
        self.registers = Registers(CONFIG)
        self.ports = [dut.bus, dut.msi_bus]
        self.access = [None, None]      # what each master wants now
        self.passed = [0, 0]            # accesses of the other port since it wants it
        self.to_unit = None             # request offered to a unit and not answered
        self.answer = None              # what the next cycle must answer: (port, data, berr, own)
        self.previous = {}              # strobes of the last cycle
        self.seen = {}                  # how often each interesting thing happened
        self.recheck = False
        self.unit_log = (0,)            # error that a unit answered in the last cycle

    def count(self, what):
        self.seen[what] = self.seen.get(what, 0) + 1

    def drive(self, ctx):
        """Set all inputs of a cycle."""
        rng, dut = self.rng, self.dut
        self.strobes = {name: rng.random() < 0.2 for name in (
            "parked", "spurious", "trace_dropped", "aborted", "merged")}
        self.strobes |= {
            "coalesced": rng.choice([0, 0, rng.randrange(CONFIG.rtes + 3)]),
            "policy_error": rng.random() < 0.01, "hold": rng.random() < 0.3,
            "now": rng.getrandbits(32),
        }
        self.strobes["merged"] &= self.strobes["hold"]
        for name, value in self.strobes.items():
            ctx.set(getattr(dut, name), value)
        ctx.set(dut.rrptr, self.registers.rrptr)
        for i, port in enumerate(self.ports):
            if self.access[i] is None and rng.random() < (0.6, 0.2)[i]:
                self.access[i] = access = self.choose(i)
                self.passed[i] = 0
                for name in ("we", "dat_w", "sel", "vmm", "dom", "vcpu"):
                    ctx.set(getattr(port, name), access[name])
                ctx.set(port.adr, access["addr"])
            ctx.set(port.stb, self.access[i] is not None)
            ctx.set(port.cyc, self.access[i] is not None or rng.getrandbits(1))

    def choose(self, i):
        """An access: near an edge of the map, or to a global register by the VMM."""
        rng = self.rng
        access = random_access(rng, CONFIG) | {
            "device": i, "sel": rng.choice([15] * 6 + [rng.randrange(16)]),
            "dat_w": rng.choice([0, rng.randrange(8), 1 << rng.randrange(32), 0xFFFFFFFF])}
        if rng.random() < 0.5:
            offset = rng.choice([*COUNTERS, 0x0C, 0x0C, 0x10, 0x10, 0x14, 0x28, 0x28, 0x100, 0x104,
                                 0x10C, 0x110, 0x140, 0x144, 0x148, 0x184, 0x20, 0x2C])
            access |= {"addr": 0x1000 + offset, "vmm": 1}
        elif i and rng.random() < 0.8:
            access |= {"addr": 0xFEE00000 + rng.getrandbits(20), "we": 1}
        return access

    def finish(self, i, now):
        """The access of port i was decided in the last cycle: what it answers."""
        access, regs = self.access[i], self.registers
        deleg = {"ioa_deleg": regs.ctrl >> 6, "ioa_owner": regs.owner}
        unit, err = reference(CONFIG, access | deleg)
        address, data, berr = access["addr"] & ~3, 0, err not in (Err.NONE, Err.MSI)
        if unit == Unit.GLOBALS:
            if access["sel"] != 15:
                err = Err.PARTIAL
            if not access["we"]:
                data = regs.read(address & 0xFFF, now)
            elif not err:
                self.recheck = regs.write(address & 0xFFF, access["dat_w"])
        self.count(("own", err, access["we"]))
        regs.log(err, address, access["dom"])
        return unit, data, berr

    def check_answer(self, ctx):
        """Acknowledges and commit record of this cycle; the state they leave behind."""
        dut, before = self.dut, self.previous
        acks = [(ctx.get(port.ack), ctx.get(port.err)) for port in self.ports]
        assert sum(map(sum, acks)) <= 1
        self.recheck = False
        record = ctx.get(dut.commits.record) if ctx.get(dut.commits.valid) else None
        answered = [i for i in (0, 1) if any(acks[i])]
        if self.answer:
            assert answered == [self.answer[0]]
        if not answered:
            assert record is None
            return
        i, port = answered[0], self.ports[answered[0]]
        access = self.access[i]
        assert access is not None
        if self.answer:
            _, data, berr = self.answer
            assert record is None
        else:
            assert not before["hold"]
            self.registers.told = before.get("coalesced", 0)
            unit, data, berr = self.finish(i, before["now"])
            assert unit in (Unit.GLOBALS, Unit.REFUSED)
            assert (record.op, record.row, record.addr) == (0, i, access["addr"] & ~3)
            assert record.data == access["dat_w"]
            assert all(record[n] == access[n] for n in ("vmm", "dom", "vcpu", "we", "sel"))
            assert record.result == data | berr << 32
        assert acks[i] == (not berr, berr)
        assert ctx.get(port.dat_r) == (0 if berr else data)
        assert self.passed[i] <= 1, "two ports take turns"
        self.answer = None
        self.access[i] = "done"
        self.passed[1 - i] += 1

    def check_state(self, ctx):
        """The strobes of the last cycle come after its access; then the outputs are as said."""
        regs, before = self.registers, self.previous
        for name in COUNTERS.values():
            regs.counts[name] += before.get(name, 0)
        regs.counts["coalesced"] += before.get("merged", 0)
        regs.log(Err.POLICY if before.get("policy_error") else 0)
        got = ctx.get(self.dut.globals)
        assert {name: got[name] for name in regs.globals()} == regs.globals()
        assert ctx.get(self.dut.rechecked) == self.recheck

    def check_units(self, ctx):
        """What is offered to the units, and their answers of this cycle."""
        dut, rng = self.dut, self.rng
        offered = [name for name in UNITS if ctx.get(getattr(dut, name).req.valid)]
        assert len(offered) <= 1
        for name in UNITS:
            port = getattr(dut, name)
            ctx.set(port.req.ready, 0)
            ctx.set(port.rsp.valid, 0)
            ctx.set(port.rsp.payload.data, rng.getrandbits(32))
            ctx.set(port.rsp.payload.berr, rng.getrandbits(1))
            ctx.set(port.rsp.payload.err, rng.choice(list(Err)))
        if offered:
            port = getattr(dut, offered[0])
            payload = ctx.get(port.req.payload)
            if self.to_unit is None:
                deleg = {"ioa_deleg": self.registers.ctrl >> 6,
                         "ioa_owner": self.registers.owner}
                owners = [i for i in (0, 1) if isinstance(self.access[i], dict)
                          and self.access[i]["addr"] & ~3 == payload.addr
                          and all(self.access[i][n] == payload[n]
                                  for n in ("we", "sel", "vmm", "dom", "vcpu"))
                          and self.access[i]["dat_w"] == payload.data
                          and reference(CONFIG, self.access[i] | deleg)[0] == UNITS[offered[0]]]
                assert owners
                self.to_unit = [offered[0], payload, owners[0], False]
                self.count(offered[0])
            assert self.to_unit[:2] == [offered[0], payload] and not self.to_unit[3]
            ctx.set(port.req.ready, rng.getrandbits(1))
        if self.to_unit:
            name, payload, owner, taken = self.to_unit
            port = getattr(dut, name)
            ready = ctx.get(port.req.ready)
            if (taken or ready) and rng.random() < 0.3:
                ctx.set(port.rsp.valid, 1)
                answer = ctx.get(port.rsp.payload)
                self.unit_log = (answer.err, payload.addr, payload.dom)
                self.answer = (owner, 0 if answer.berr else answer.data, answer.berr)
                self.to_unit = None
            else:
                self.to_unit[3] = bool(taken or ready)

    async def run(self, ctx, cycles):
        """Run that many cycles; returns what was seen and how often."""
        dut, pointers = self.dut, [0] * CONFIG.domains
        for _ in range(cycles):
            self.drive(ctx)
            self.registers.log(*self.unit_log)
            self.unit_log = (0,)
            self.check_answer(ctx)
            self.check_state(ctx)
            assert pointers == self.registers.rrptr
            self.check_units(ctx)
            wanted = any(isinstance(a, dict) for a in self.access)
            quiet = not (wanted or self.to_unit or self.answer or "done" in self.access)
            assert ctx.get(dut.quiet) == quiet and ctx.get(dut.ready)
            if (write := ctx.get(dut.rrptr_write)).en:
                pointers[write.dom] = write.value
                self.count("rrptr")
            self.previous = self.strobes
            await ctx.tick()
            self.access = [None if access == "done" else access for access in self.access]
        return self.seen


def test_random_traffic():
    dut, results = AccessUnit(CONFIG), {}

    async def bench(ctx):
        results.update(await Bench(dut, 1).run(ctx, 12_000))

    simulate(dut, bench)
    for err in (Err.NONE, Err.ACCESS, Err.UNMAPPED, Err.PARTIAL, Err.MSI):
        assert all(results.get(("own", err, we), 0) > 10 for we in (0, 1)), results
    assert all(results.get(name, 0) > 10 for name in (*UNITS, "rrptr")), results
