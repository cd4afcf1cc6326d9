"""Plain model of the bank's vCPUs, and random traffic for it; imports no hardware."""


BUS, ACCEPT, UPCALL, CTL = range(4)
SET, MERGED, RETRY, ABORT, SKIP, RECVILL = range(6)
ONES = 0xFFFFFFFF


class Vcpu:
    """One vCPU as the specification tells it; no summaries, bitmaps are integers."""

    def __init__(self, config, v):
        self.config, self.v = config, v
        self.online = self.freeze = 0
        self.dom, self.k, self.apicid = v // config.lanes, v % config.lanes, v & 255
        self.sched, self.upvec, self.upvec_valid = 3, 0, 0
        self.pend = self.line = self.owed = self.wakes = 0
        self.en = 1
        self.apic_reset()
        self.was_wake = False

    def apic_reset(self):
        self.id, self.ldr, self.dfr, self.tpr = self.apicid, 0, 15, 0
        self.svr, self.acc, self.esr = 0xFF, 0, 0
        self.irr = self.isr = self.tmr = 0

    @property
    def svr_enabled(self):
        return self.svr >> 8 & 1

    irrv = property(lambda self: max(0, self.irr.bit_length() - 1))
    isrv = property(lambda self: max(0, self.isr.bit_length() - 1))
    load = property(lambda self: min(255, self.irr.bit_count() + self.isr.bit_count()))

    @property
    def ppr(self):
        return self.tpr if self.tpr >> 4 >= self.isrv >> 4 else self.isrv & 0xF0

    @property
    def apr(self):
        t, r, s = self.tpr >> 4, self.irrv >> 4, self.isrv >> 4
        return self.tpr if t >= r and t > s else max(t, r, s) << 4

    @property
    def irq(self):
        return int(self.en and self.svr_enabled and self.irrv >= 16
                   and self.irrv >> 4 > self.ppr >> 4 and not self.freeze)

    @property
    def upcall(self):
        return int(self.line and not self.upvec_valid and not self.freeze)

    @property
    def terms(self):
        return (self.online, self.freeze, self.en, self.svr_enabled, self.id, self.ldr,
                self.dfr, self.sched)

    def legal(self, vector):
        return 16 <= vector < self.config.vectors

    def can_accept(self):
        return self.online and self.en and self.svr_enabled and not self.freeze

    def latch(self, vector, level):
        old = self.irr >> vector & 1
        self.irr |= 1 << vector
        self.tmr = self.tmr & ~(1 << vector) | level << vector
        return old

    def settle_upcall(self, due, effect):
        """Inject the upcall vector if it is due and can be; else keep it owed."""
        due = self.pend and self.upvec_valid and (due or self.owed)
        self.owed = int(bool(due and not self.can_accept()))
        if due and not self.owed:
            effect.injected = 1
            effect.grew = not self.latch(self.upvec, 0)


def read_register(u, offset, stats):
    """Value of an xAPIC-page register; None if it is reserved."""
    words = {0x100: u.isr, 0x180: u.tmr, 0x200: u.irr}
    base = offset & 0xF80
    if base in words:
        return words[base] >> (offset >> 4 & 7) * 32 & ONES
    values = {
        0x20: u.id << 24, 0x30: 0x01050014, 0x80: u.tpr, 0x90: u.apr, 0xA0: u.ppr, 0xB0: 0,
        0xD0: u.ldr << 24, 0xE0: u.dfr << 28 | 0xFFFFFFF, 0xF0: u.svr, 0x280: u.esr,
        0xFB0: 0, 0xFD0: 0, 0xFE0: 0, 0x380: 0, 0x390: 0, 0x3E0: 0}
    values |= dict.fromkeys(range(0x300, 0x380, 16), 0)
    return values.get(offset)


def bus_access(model, r, out, stats, effect):
    """Apply one access; returns (data, berr, err)."""
    addr, data, whole, lapic = r.addr & ~3, r.data, r.sel == 15, r.addr >> 22 & 1
    v = addr >> (13 if lapic else 6) & 511
    if v >= len(model):
        effect.nothing = True
        return 0, 1, 2
    u, partial = model[v], 0 if whole else 4
    if not lapic:
        slot = addr & 0x3C
        if slot >= 0x34:
            effect.nothing = True
            return 0, 1, 2
        if not r.we:
            return {0: u.online | u.freeze << 1 | u.dom << 4 | u.apicid << 8 | u.freeze << 16
                    | u.k << 24, 4: u.sched, 0x10: u.upvec | u.upvec_valid << 8,
                    0x14: min(255, out[u.dom, u.k] + u.load) if slot == 0x14 else 0,
                    0x28: stats("granted", v), 0x2C: u.wakes, 0x30: stats("aborted", v),
                    }.get(slot, 0), 0, partial
        due = False
        if whole and slot == 4:
            u.sched = data & 3
        if whole and slot == 0x10:
            valid, vector = int(data >> 8 & 1 and u.legal(data & 255)), data & 255
            due = valid and (not u.upvec_valid or vector != u.upvec)
            u.upvec, u.upvec_valid = vector, valid
        u.settle_upcall(due, effect)
        return 0, 0, partial
    offset, msr = addr & 0xFFF, addr >> 12 & 1
    if offset == 0xFA0:
        if r.we and whole:
            u.tpr = (data & 15) << 4
        return (0 if r.we else u.tpr >> 4), 0, partial
    if msr and offset == 0xFF0:
        if not r.we:
            return 0xFEE00000 | u.en << 11 | (u.k == 0) << 8, 0, partial
        if not whole:
            return 0, 0, partial
        if data >> 12 != 0xFEE00 or data & 0x6FF:
            return 0, 1, 0
        if data >> 11 & 1 and not u.en:
            u.apic_reset()
        u.en = data >> 11 & 1
        return 0, 0, 0
    if msr and (offset != 0xFC0 or not u.en):
        return 0, 1, 0
    if not u.en:
        return (0 if r.we else ONES), 0, partial
    if offset & 15:
        return 0, 0, partial
    if offset == 0xFC0:
        if r.we:
            return 0, 0, partial
        if not u.irq:
            effect.spurious = not u.freeze
            return u.svr & 255, 0, partial
        vector = u.irrv
        assert vector >> 4 > u.isrv >> 4        # INV-10, LAPIC-18
        u.irr ^= 1 << vector
        u.isr |= 1 << vector
        effect.taken = True
        return 1 << 31 | vector, 0, partial
    value = read_register(u, offset, stats)
    if value is None and (whole or not r.we):
        u.acc |= 0x80
    if not r.we:
        return value or 0, 0, partial
    if not whole:
        return 0, 0, partial
    due = False
    if offset == 0x20:
        u.id = data >> 24
    elif offset == 0x80:
        u.tpr = data & 255
    elif offset == 0xB0 and u.isr:
        vector = u.isrv
        u.isr ^= 1 << vector
        if u.tmr >> vector & 1 and not u.svr >> 12 & 1 and u.dom < model[0].config.domains:
            effect.eoi = (u.dom, vector)
    elif offset == 0xD0:
        u.ldr = data >> 24
    elif offset == 0xE0:
        u.dfr = data >> 28
    elif offset == 0xF0:
        due = data >> 8 & 1 and not u.svr_enabled
        u.svr = data & 0x13FF
    elif offset == 0x280:
        u.esr, u.acc = u.acc, 0
    u.settle_upcall(due, effect)
    return 0, 0, 0


def accept(u, a, ok, retry_on_irr, effect):
    """Result of one target of a grant."""
    if a.illegal:
        u.acc |= 0x40
        return RECVILL
    if not ok:
        effect.nothing = True
        return ABORT
    if u.irr >> a.vector & 1 and a.single and retry_on_irr:
        effect.nothing = True
        return RETRY
    return MERGED if u.latch(a.vector, a.level) else SET


def write_ctl(config, u, data, held, out, effect):
    """VCPU.CTL (LAPIC-60); returns whether it is applied."""
    online, dom, k = data & 1, data >> 4 & 15, data >> 24 & 63
    if ((u.online and (dom, k) != (u.dom, u.k))
            or (online and (k >= config.lanes or dom >= config.domains or held))
            or (u.online and not online and out[u.dom, u.k])):
        return 0
    u.online, u.freeze, u.dom, u.k, u.apicid = online, data >> 1 & 1, dom, k, data >> 8 & 255
    if not online:
        u.pend = u.line = 0
    u.settle_upcall(False, effect)
    return 1


OFFSETS = [0x20, 0x30, 0x80, 0x90, 0xA0, 0xD0, 0xE0, 0xF0, 0xF0, 0x280, 0x280, 0xFA0, 0xFB0, 0x300,
           0x320, 0x370, 0x390, 0x3F0, 0x0C0, 0x400, 0xFF0, 0xFD0, 0x84, 0x1FF0, 0x1FF0, 0x1FC0,
           0x1FA0, 0x1FB0, 0x1080]
OFFSETS += [base + 16 * i for base in (0x100, 0x180, 0x200) for i in range(8)]


class Traffic:
    """Random operations, biased so that the vCPUs are mostly online, enabled and busy."""

    def __init__(self, config, rng):
        self.config, self.rng = config, rng
        self.popular = [rng.randrange(16, config.vectors) for _ in range(6)]

    def vector(self):
        rng = self.rng
        return rng.choice(self.popular) if rng.random() < .5 else rng.randrange(
            16, self.config.vectors)

    def access(self, model):
        """A bus access; now and then one that makes its vCPU accept interrupts again."""
        rng, config = self.rng, self.config
        v = rng.randrange(config.vcpus)
        sel, data, we = 15, rng.getrandbits(32), rng.random() < .5
        lapic, dice, u = 0x400000 + 0x2000 * v, rng.random(), model[v]
        if dice < .3 and not u.en:
            addr, data, we = lapic + 0x1FF0, 0xFEE00800, 1
        elif dice < .3 and not u.svr_enabled:
            addr, data, we = lapic + 0xF0, 0x1FF, 1
        elif dice < .5:
            addr, we = lapic + 0xFC0, rng.random() < .02
        elif dice < .6:
            addr, we = lapic + 0xB0, rng.random() < .95
        elif dice < .65:
            addr, we, data = lapic + 0x80, 1, rng.choice([0, 0, 0x20, 0x53])
        elif dice < .7:
            addr, we, data = lapic + 0xF0, 1, rng.choice([0xFF, 0x1FF])
        elif dice < .75:
            addr, we = 0x8010 + 0x40 * v, 1
            data = 256 | rng.choice(self.popular)
        elif dice < .77:
            addr, we, data = lapic + 0x1FF0, 1, 0xFEE00000
        else:
            addr, we, data, sel = self.odd_access(
                v if rng.random() < .97 else config.vcpus, data, we)
        return {"addr": addr, "we": we, "data": data, "sel": sel, "vmm": rng.getrandbits(1),
                "dom": rng.getrandbits(4), "vcpu": rng.getrandbits(9)}

    def odd_access(self, v, data, we):
        """Address, direction, data and byte lanes of an access to any register."""
        rng = self.rng
        sel = 15 if rng.random() < .9 else rng.randrange(15)
        if rng.random() < .5:
            slot = rng.choice([0, 4, 4, 0x10, 0x14, 0x14, 0x28, 0x2C, 0x30, rng.randrange(64)])
            we = we and slot != 0
            if slot == 4 and rng.random() < .7:
                data = 2
            if slot == 0x10:
                data = rng.choice([0, 256, 256, 256]) | (
                    rng.choice(self.popular) if rng.random() < .9 else rng.randrange(256))
            return 0x8000 + 0x40 * v + slot, we, data, sel
        offset = rng.choice(OFFSETS) if rng.random() < .98 else rng.randrange(0, 0x2000, 4)
        if offset == 0x1FF0:
            data = 0xFEE00000 | 0x800 * (rng.random() < .5)
            if rng.random() < .3:
                data ^= 1 << rng.randrange(32)
        elif offset & 0xFFF == 0xF0:
            data = rng.getrandbits(8) | 0x100 * (rng.random() < .6) | rng.choice([0, 0x1000, 0x200])
        elif offset & 0xFFF in (0x80, 0xFA0) and rng.random() < .7:
            data = 0
        return 0x400000 + 0x2000 * v + offset, we, data, sel

    def grant(self):
        rng, config = self.rng, self.config
        return {"n": rng.randrange(config.pirqs), "v": rng.randrange(config.vcpus),
                "vector": self.vector(), "level": rng.random() < .7, "single": rng.getrandbits(1),
                "first": rng.getrandbits(1), "last": rng.getrandbits(1),
                "illegal": rng.random() < .05}

    def note(self, model):
        rng, config = self.rng, self.config
        v = rng.randrange(config.vcpus)
        if rng.random() < .7:
            pend = rng.getrandbits(1)
            return {"op": 0, "v": v, "pend": pend, "line": pend and rng.getrandbits(1),
                    "rise": pend and rng.getrandbits(1), "data": 0, "held": 0}
        dom, k, u = model[v].dom, model[v].k, model[v]
        if (u.freeze or not u.online) and rng.random() < .6:
            good = dom < config.domains and k < config.lanes
            data = 1 | (dom << 4 | k << 24 if good else v // config.lanes << 4
                        | v % config.lanes << 24)
            return {"op": 1, "v": v, "pend": 0, "line": 0, "rise": 0, "data": data, "held": 0}
        if rng.random() < .3:
            dom, k = rng.choice([(v // config.lanes, v % config.lanes),
                                 (rng.randrange(16), rng.randrange(64)),
                                 (rng.randrange(config.domains), rng.randrange(config.lanes))])
        data = (rng.random() < .9) | (rng.random() < .25) << 1 | dom << 4 | k << 24 | (
            rng.getrandbits(8) << 8)
        return {"op": 1, "v": v, "pend": 0, "line": 0, "rise": 0,
                "data": data | rng.choice([0, 0xC0FF000C]), "held": rng.random() < .1}
