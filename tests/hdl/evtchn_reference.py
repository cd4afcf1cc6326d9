"""What event channels do, in plain Python: chapter 5 of the specification, one step at a time."""

from vapic.layouts import Err, NoteOp

FREE, UNBOUND, INTERDOMAIN, PIRQ, IPI = 0, 1, 2, 3, 5
EPERM, ENOENT, ESRCH, EEXIST, EINVAL, ENOSPC, ENOSYS = -1, -2, -3, -17, -22, -28, -38
SET, MERGED, ABORT, SKIP = 0, 1, 3, 4
WINDOW, MASK = 0x100000, 0xFFFFFFFF


class Reference:
    """Event channels as in chapter 5, one operation after the other."""

    def __init__(self, config, entries, flags):
        c = self.c = config
        self.entries, self.flags = entries, flags
        domains, lanes = range(c.domains), range(c.lanes)
        self.port = [[(FREE, 0, None)] * c.ports for _ in domains]
        self.pending = [0] * c.domains
        self.mask = [0] * c.domains
        self.sel = [[0 for _ in lanes] for _ in domains]
        self.up = [[0 for _ in lanes] for _ in domains]
        self.upmask = [[1 for _ in lanes] for _ in domains]
        self.infl = [set() for _ in range(c.pirqs)]
        self.bound = [{} for _ in range(c.pirqs)]
        self.out = [[0 for _ in lanes] for _ in domains]
        self.ctl = [(v // c.lanes, v % c.lanes, 0) for v in range(c.vcpus)]
        self.banks = {}
        self.notes, self.hands, self.outs = [], [], []
        #: Operations and their results, errors of accesses.
        self.met = set()

    # -- what the other blocks are told
    def holder(self, d, k):
        return next((v for v, place in enumerate(self.ctl) if place == (d, k, 1)), None)

    def note(self, d, k, rise):
        v = self.holder(d, k)
        if v is not None:
            up = self.up[d][k]
            self.notes.append((NoteOp.UPCALL, v, up, up & ~self.upmask[d][k] & 1, rise))

    def row(self, n):
        """Bits open, infl, pend and bound of a PIRQ."""
        opened = pend = bound = 0
        for k, (d, p) in self.bound[n].items():
            bound |= 1 << k
            opened |= (~self.mask[d] >> p & 1) << k
            pend |= (self.pending[d] >> p & 1) << k
        return opened, sum(1 << k for k in self.infl[n]), pend, bound

    def set_infl(self, d, n, k, value):
        if (k in self.infl[n]) != value:
            (self.infl[n].add if value else self.infl[n].remove)(k)
            self.out[d][k] += 1 if value else -1
            self.outs.append((d, k, self.out[d][k]))

    # -- algorithms
    def tell(self, d, p, k):
        if not self.sel[d][k] >> p // 32 & 1:
            self.sel[d][k] |= 1 << p // 32
            if not self.up[d][k]:
                self.up[d][k] = 1
                self.note(d, k, 1)

    def set_pending(self, d, p, k):
        if self.pending[d] >> p & 1:
            return
        self.pending[d] |= 1 << p
        if not self.mask[d] >> p & 1:
            self.tell(d, p, k)

    def set_mask(self, d, p, value, reraise):
        if (self.mask[d] >> p & 1) == value:
            return
        self.mask[d] ^= 1 << p
        if not value and reraise and self.pending[d] >> p & 1:
            self.tell(d, p, self.port[d][p][1])

    def clear_pending(self, d, p):
        """Pending bit, and what hangs on it for an autoeoi entry."""
        old = self.pending[d] >> p & 1
        self.pending[d] &= ~(1 << p)
        state, k, n = self.port[d][p]
        if state == PIRQ and old:
            entry = self.entries[n]
            if entry.autoeoi and not entry.level:
                self.set_infl(d, n, k, False)

    def dynamic(self, n):
        e = self.entries[n]
        return ((e.mode == 1 or (e.mode == 0 and e.force_dyn)) and not e.force_static
                and not self.flags.dyn_off)

    def allocate(self, d):
        return next((p for p in range(1, self.c.ports) if self.port[d][p][0] == FREE), None)

    def start(self, d, p, state, notify, tie):
        self.pending[d] &= ~(1 << p)
        self.port[d][p] = (state, notify, tie)

    def close(self, d, p):
        if not 1 <= p < self.c.ports or self.port[d][p][0] == FREE:
            return EINVAL
        state, k, tie = self.port[d][p]
        if state == INTERDOMAIN:
            far, q = tie
            self.port[far][q] = (UNBOUND, self.port[far][q][1], d)
        if state == PIRQ and k in self.infl[tie]:
            pending = self.pending[d] >> p & 1
            entry = self.entries[tie]
            if not (pending and not self.dynamic(tie) and len(self.infl[tie]) > 1):
                again = pending and (not entry.level or tie >= self.c.rtes)
                self.hands.append((tie, 1, int(again)))
            self.set_infl(d, tie, k, False)
        if state == PIRQ:
            del self.bound[tie][k]
        self.start(d, p, FREE, 0, None)
        return 0

    def send(self, d, p):
        state, notify, tie = self.port[d][p] if p < self.c.ports else (FREE, 0, None)
        if state == INTERDOMAIN:
            far, q = tie
            self.set_pending(far, q, self.port[far][q][1])
        elif state == IPI:
            self.set_pending(d, p, notify)
        elif state != UNBOUND:
            return EINVAL
        return 0

    def unmask(self, d, p):
        if p >= self.c.ports:
            return EINVAL
        self.set_mask(d, p, 0, True)
        return 0

    def owns(self, d, n):
        return self.entries[n].owned and self.entries[n].dom == d

    def eoi(self, d, n, issuer):
        if n >= self.c.pirqs:
            return EINVAL
        if not self.owns(d, n):
            return EPERM
        done = [k for k in sorted(self.infl[n])
                if not self.pending[d] >> self.bound[n][k][1] & 1]
        k = issuer if issuer in self.infl[n] else done[0] if done else None
        if k is not None:
            self.set_infl(d, n, k, False)
            self.hands.append((n, 1, 0))
            if self.flags.auto_unmask:
                self.unmask(*self.bound[n][k])
        return 0

    def claim(self, d, p):
        if p >= self.c.ports or self.port[d][p][0] == FREE:
            return EINVAL
        old = self.pending[d] >> p & 1
        self.clear_pending(d, p)
        return old

    def absent(self, d, k):
        return k >= self.c.lanes or all((d, k) != place[:2] for place in self.ctl)

    def command(self, d, number, regs, vmm):
        a, b = regs[0], regs[1]
        near = d if a == 0x7FF0 else a
        if number == 3:
            return self.close(d, a)
        if number == 4:
            return self.send(d, a)
        if number == 9:
            return self.unmask(d, a)
        if number in (5, 6):
            if near != d and not vmm:
                return EPERM
            if near >= self.c.domains or (number == 6 and b >= self.c.domains):
                return ESRCH
        if number == 5:
            if b >= self.c.ports:
                return EINVAL
            state, notify, tie = self.port[near][b]
            regs[4] = notify << 8 | state
            regs[5] = (tie << 16 if state == UNBOUND else tie[0] << 16 | tie[1]
                       if state == INTERDOMAIN else tie if state == PIRQ else 0)
            return 0
        if number == 6:
            where, state, notify, tie = near, UNBOUND, 0, b
        elif number == 0:
            if near >= self.c.domains:
                return ESRCH
            if b >= self.c.ports or self.port[near][b][::2] != (UNBOUND, d):
                return EINVAL
            where, state, notify, tie = d, INTERDOMAIN, 0, (near, b)
        elif number == 0x20:
            if a >= self.c.pirqs:
                return EINVAL
            if not self.owns(d, a):
                return EPERM
            if self.absent(d, b):
                return ENOENT
            if b in self.bound[a]:
                return EEXIST
            where, state, notify, tie = d, PIRQ, b, a
        elif number == 7:
            if self.absent(d, a):
                return ENOENT
            where, state, notify, tie = d, IPI, a, None
        else:
            return ENOSYS
        p = self.allocate(where)
        if p is None:
            return ENOSPC
        self.start(where, p, state, notify, tie)
        if state == INTERDOMAIN:
            far, q = tie
            self.port[far][q] = (INTERDOMAIN, self.port[far][q][1], (d, p))
            self.set_pending(d, p, 0)
        if state == PIRQ:
            self.bound[a][b] = (d, p)
        regs[4] = p
        return 0

    # -- accesses: (data, berr, err, rdata of the record, bits of a mask change)
    def access(self, r):
        d, off = r.addr - WINDOW >> 14, r.addr & 0x3FFC
        answer, err = 0, Err.NONE
        issuer = None if r.vmm else self.ctl[r.vcpu][1]
        regs = self.banks.setdefault((d, issuer), [0] * 7)
        bad = (0, 1, Err.UNMAPPED, 0)
        word, k, w = off >> 7, off >> 6, off >> 2 & 31
        if off < 0x1000 and (k >= self.c.lanes or off & 0x3F > 0xC):
            return bad
        if 0x1334 <= off < 0x1340 or off > 0x1340:
            return bad
        if (word == 0x25 or off == 0x1340) and not r.vmm:
            return 0, 1, Err.ACCESS, 0
        partial = r.sel != 15 and not (off < 0x1000 and not off & 0x3F) and word != 0x21
        known = w < self.c.port_words
        if partial:
            err = Err.PARTIAL
        elif r.we and ((off < 0x1000 and off & 0x3F == 4) or (word == 0x20 and known)):
            err = Err.EVENT_STORE
        if r.we and err != Err.NONE:
            return 0, 0, err, 0
        if off < 0x1000:
            answer = self.vcpu_info(d, k, off & 0x3F, r)
        elif off < 0x1300:
            if known and not r.we and word < 0x22:
                answer = (self.pending, self.mask)[word - 0x20][d] >> 32 * w & MASK
            elif known and r.we and word in (0x22, 0x25):
                for p in (32 * w + i for i in range(32) if r.data >> i & 1):
                    if word == 0x22:
                        self.clear_pending(d, p)
                    else:
                        self.pending[d] |= 1 << p
        elif not r.we:
            index = (off - 0x1300) // 4
            answer = regs[{0: 0, 1: 1, 2: 2, 4: 3, 5: 4, 6: 5, 11: 6}[index]] \
                if index in (0, 1, 2, 4, 5, 6, 11) else 0
        elif off < 0x130C:
            regs[(off - 0x1300) // 4] = r.data
        elif off == 0x130C:
            result = self.command(d, r.data, regs, r.vmm)
            regs[3] = result & MASK
            self.met.add((r.data, result))
            return 0, 0, err, regs[3]
        else:
            do = {0x1320: self.send, 0x1324: self.unmask, 0x1330: self.claim,
                  0x1328: lambda d, n: self.eoi(d, n, issuer)}.get(off)
            if do:
                result = do(d, r.data)
                regs[6] = result & MASK
                self.met.add((off, result))
                return 0, 0, err, regs[6]
        return answer, 0, err, answer

    def vcpu_info(self, d, k, reg, r):
        up, mask = self.up[d][k], self.upmask[d][k]
        if not r.we:
            if reg == 0:
                return up | mask << 8
            sel = self.sel[d][k]
            if reg == 8:
                self.sel[d][k] = 0
            return sel if reg in (4, 8) else 0
        if reg == 0xC or (reg == 0 and r.sel & 1 and not r.data & 0xFF):
            self.up[d][k] = 0
        if reg == 0 and r.sel & 2:
            self.upmask[d][k] = int(r.data >> 8 & 0xFF != 0)
        if up and (not self.up[d][k] or self.upmask[d][k] != mask):
            self.note(d, k, 0)
        return 0

    def grant(self, g, ok):
        d, n, k = g["dom"], g["n"], g["k"]
        opened = self.row(n)[0] >> k & 1
        if not opened or (g["dynamic"] and k in self.infl[n]) or (g["first"] and not ok):
            return ABORT if g["first"] else SKIP, None
        p = self.bound[n][k][1]
        merged = self.pending[d] >> p & 1
        self.set_infl(d, n, k, True)
        self.set_pending(d, p, k)
        return MERGED if merged else SET, p

    def write_ctl(self, v, data):
        """The bank's decision (LAPIC-60): whether applied, and the old place."""
        old = self.ctl[v]
        new = (data >> 4 & 15, data >> 24 & 63, data & 1)
        d, k = old[:2]
        out = self.out[d][k] if d < self.c.domains and k < self.c.lanes else 0
        held = self.held(v, new)
        refused = ((old[2] and new[:2] != old[:2]) or (new[2] and held)
                   or (old[2] and not new[2] and out))
        if not refused:
            self.ctl[v] = new
            if new[2] and not old[2]:
                self.note(*new[:2], 0)
        return not refused, old

    def held(self, v, new):
        return (new[0] >= self.c.domains or new[1] >= self.c.lanes
                or self.holder(*new[:2]) not in (None, v))
