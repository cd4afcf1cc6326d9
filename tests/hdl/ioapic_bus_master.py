"""Who reads and writes the registers of the request store."""

from .ioapic_partners import VECTORS, Partner

EOI = 0x40
#: Cycles until an access that was taken is answered, however long others make it wait.
ANSWERED = 400


class BusMaster(Partner):
    """One register access at a time, each answered once what it ends has ended."""

    def __init__(self, bench):
        super().__init__(bench)
        self.access = self.expected = None
        self.answered = False
        #: Cycles until the next access, and since this one was taken.
        self.pause = self.since = 0

    def drive(self, ctx, dut):
        bench, request, response = self.bench, dut.bus.req, dut.bus.rsp
        if self.access is None:
            if self.pause == 0:
                self.access, self.asks = self._next(), True
                ctx.set(request.payload, self.access)
            self.pause = max(0, self.pause - 1)
        ctx.set(request.valid, self.access is not None and self.asks)
        self.taken = ctx.get(request.valid) and ctx.get(request.ready)
        self.since = 0 if self.taken else self.since + 1
        assert self.expected is None or self.since < ANSWERED, bench.cycle
        self.answered = ctx.get(response.valid)
        if self.answered:
            assert self.expected is not None and not bench.channels.owed, bench.cycle
            answer = ctx.get(response.payload)
            assert (answer.data, answer.err, answer.berr) == self.expected, (
                bench.cycle, self.access)
            bench.seen[answer.err] += 1

    def commit(self, ctx, dut):
        """After the edge: its record; the entry that it wrote, if any."""
        bench, written = self.bench, None
        if self.taken:
            self.asks = False
        if self.answered:
            self.access = self.expected = None
            self.pause = self.rng.choice((0, 0, 0, 0, 0, 0, 1, 20))
        if ctx.get(dut.commits.valid):
            assert not any(bench.holding), bench.cycle
            record = ctx.get(dut.commits.record)
            for name, value in self.access.items():
                assert record[name] == value, (bench.cycle, name)
            model = bench.model
            self.expected, written, bench.channels.owed = bench.eoi(model.access, self.access) \
                if self.access["addr"] == EOI else model.access(self.access)
            data, _, berr = self.expected
            assert record.result == data | berr << 32, (
                bench.cycle, self.access, hex(record.result))
        if written is not None:
            page = {0: "window", 2: "reqx", 3: "owner", 4: "table"}[self.access["addr"] >> 12]
            bench.seen[page] += 1
        return written

    def entry(self):
        """The entry whose REQX, REQSTAT or PIRQ_OWNER is accessed, if there is one."""
        if self.access and 0x2000 <= self.access["addr"] < 0x4000:
            n = (self.access["addr"] & 0x7FF) // 4
            return n if n < self.bench.config.pirqs else None
        return None

    def owner(self):
        """The entry whose PIRQ_OWNER is accessed, if there is one."""
        return self.entry() if self.access and self.access["addr"] >> 12 == 3 else None

    def _next(self):
        rng, c = self.rng, self.bench.config
        n = rng.randrange(c.pirqs)
        kind = rng.choice(("sel", "win", "win", "win", "eoi", "reqx", "stat", "stat", "owner",
                           "owner", "irt", "irt", "odd"))
        odd = (4, 0x20, 0x44, 0xFFC, 0x2000 + 4 * c.pirqs, 0x3000 + 4 * c.pirqs,
               0x4000 + 8 * c.irts)
        addr = {"sel": 0, "win": 0x10, "eoi": EOI, "reqx": 0x2000 + 4 * n, "owner": 0x3000 + 4 * n,
                "stat": 0x2800 + 4 * n, "irt": 0x4000 + 4 * rng.randrange(max(1, 2 * c.irts)),
                "odd": rng.choice(odd)}[kind]
        we = 1 if kind in ("sel", "eoi") else rng.randrange(2)
        return {"addr": addr, "we": we, "data": self._data(kind),
                "sel": 15 if rng.randrange(8) else rng.choice((1, 1, 2, 3, 14)),
                "vmm": int(not self.chance(3)), "dom": rng.randrange(2), "vcpu": rng.randrange(4)}

    def _data(self, kind):
        """What is likely to matter, and bits that must not."""
        rng, c = self.rng, self.bench.config
        data, rows = rng.getrandbits(32), range(0x10, 0x10 + 2 * c.rtes)
        match kind:
            case "sel":
                return data << 8 & 0xFFFFFFFF | rng.choice(
                    (0, 1, 2, 3, 0xFF, 0x10 + 2 * c.rtes, *rows, *rows[::2]))
            case "win" | "irt":
                return (rng.choice(VECTORS) | rng.choice((0, 0, 1, 1, 2, 3)) << 8
                        | (data & 0xFF00A000) | self.chance(4) << 16 | 0x5000)
            case "eoi":
                return data << 8 & 0xFFFFFFFF | rng.choice(VECTORS)
            case "owner":
                return rng.choice((0x100, 0x101, 0x101, 0x100 | c.domains, 0x001)) \
                    | 0xFFFFFE10 & data
            case "reqx":
                return data & ~0x800002 | rng.choice((0, 2, 0x800002))
        return data
