"""Random operations for a bank, by what the golden model says of its vCPUs."""

MASK = 0xFFFFFFFF
OFFSETS = [0x20, 0x30, 0x80, 0x90, 0xA0, 0xD0, 0xE0, 0xF0, 0xF0, 0x280, 0x280, 0xFA0, 0xFB0, 0x300,
           0x320, 0x370, 0x390, 0x3F0, 0x0C0, 0x400, 0xFF0, 0xFD0, 0x84, 0x1FF0, 0x1FF0, 0x1FC0,
           0x1FA0, 0x1FB0, 0x1080]
OFFSETS += [base + 16 * i for base in (0x100, 0x180, 0x200) for i in range(8)]
# Few of the above change what dispatch sees of a vCPU.
OFFSETS += [0x20, 0xD0, 0xE0, 0xE0] * 5


class Traffic:
    """Random operations, biased so that the vCPUs are mostly online, enabled and busy."""

    def __init__(self, config, rng):
        self.config, self.rng = config, rng
        self.popular = [rng.randrange(16, config.vectors) for _ in range(6)]

    def vector(self):
        rng = self.rng
        return rng.choice(self.popular) if rng.random() < .5 else rng.randrange(
            16, self.config.vectors)

    def access(self, vcpus):
        """A bus access; now and then one that makes its vCPU accept interrupts again."""
        rng, config = self.rng, self.config
        v = rng.randrange(config.vcpus)
        sel, data, we = 15, rng.getrandbits(32), rng.random() < .5
        lapic, dice, u = 0x400000 + 0x2000 * v, rng.random(), vcpus[v].apic
        if dice < .3 and not u.en:
            addr, data, we = lapic + 0x1FF0, 0xFEE00800, 1
        elif dice < .3 and not u.svr_enabled:
            addr, data, we = lapic + 0xF0, 0x1FF, 1
        elif dice < .5:
            addr, we = lapic + 0xFC0, rng.random() < .02
        elif dice < .6:
            addr, we = lapic + 0xB0, rng.random() < .95
        elif dice < .65:
            addr, we = lapic + 0x80, 1
            data = rng.choice([0, 0, 0x20, 0x53, rng.choice(self.popular) & 0xF0 | 3])
        elif dice < .7:
            addr, we, data = lapic + 0xF0, 1, rng.choice([0xFF, 0x1FF])
        elif dice < .75:
            addr, we = 0x8010 + 0x40 * v, 1
            data = 256 | self.vector()
        elif dice < .77:
            addr, we, data = lapic + 0x1FF0, 1, 0xFEE00000
        elif dice < .79:
            addr, we, data = lapic + 0xE0, 1, rng.choice([0, 0, MASK])
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
        elif offset & 0xFFF == 0xE0 and rng.random() < .7:
            data = rng.choice([0, MASK])
        return 0x400000 + 0x2000 * v + offset, we, data, sel

    def grant(self):
        rng, config = self.rng, self.config
        return {"n": rng.randrange(config.pirqs), "v": rng.randrange(config.vcpus),
                "vector": self.vector(), "level": rng.random() < .7, "single": rng.getrandbits(1),
                "first": rng.getrandbits(1), "last": rng.getrandbits(1),
                "illegal": rng.random() < .05}

    def note(self, vcpus):
        rng, config = self.rng, self.config
        v = rng.randrange(config.vcpus)
        if rng.random() < .7:
            pend = rng.getrandbits(1)
            return {"op": 0, "v": v, "pend": pend, "line": pend and rng.getrandbits(1),
                    "rise": pend and rng.getrandbits(1), "data": 0, "held": 0}
        u = vcpus[v]
        dom, k = u.dom, u.k
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
