"""Statements: Switch, If, FSM, all kinds of targets, random nests of them, and false loops."""

import pytest
from amaranth.hdl import Array, Cat, ClockDomain, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data

from .trees import Trees, inputs, seeded, stimulus
from .twins import Design, both


def sweep(*names, cycles=64, seed=0):
    """Random inputs of these names; tells all parts of the design that are signals."""
    async def bench(ctx, dut, log):
        rng = seeded(seed)
        signals = [getattr(dut, name) for name in names]
        others = [part for name, part in sorted(vars(dut).items())
                  if isinstance(part, Signal) and name not in names]
        for _ in range(cycles):
            for signal, value in zip(signals, stimulus(rng, signals), strict=True):
                ctx.set(signal, value)
            log(ctx, *(ctx.get(other) for other in others))
            log(ctx, *await ctx.tick().sample(*others))
    return bench


def test_switch_patterns():
    def make():
        m = Module()
        x, s, w, y, q = Signal(6), Signal(signed(4)), Signal(90), Signal(8, init=99), Signal(8)
        with m.Switch(x):
            with m.Case("0--1-0"):
                m.d.comb += y.eq(1)
            with m.Case("---1--", "1----1"):    # overlaps the one above
                m.d.comb += y.eq(2)
                m.d.sync += q.eq(q + 1)
            with m.Case(0, 7, 63):
                m.d.comb += y.eq(3)
            with m.Case():                      # never
                m.d.comb += y.eq(4)
            with m.Case("1 1 - - - -"):
                m.d.sync += q.eq(w)
        with m.Switch(s):
            with m.Case(-1, "10--"):
                m.d.comb += (z := Signal(4)).eq(9)
            with m.Case(3):
                m.d.comb += z.eq(s)
            with m.Default():
                m.d.comb += z.eq(~s)
            with m.Case("----"):                # after the default
                m.d.comb += z.eq(0)
        with m.Switch(w):
            with m.Case("1" + "-" * 89):
                m.d.comb += (v := Signal(70)).eq(w)
            with m.Case("-" * 20 + "0" * 64 + "-" * 6, (1 << 89) - 1):
                m.d.comb += v.eq(w >> 3)
            with m.Case("-" * 89 + "1"):
                m.d.comb += v[65:].eq(w[:5])
        return Design(m, x=x, s=s, w=w, y=y, q=q, z=z, v=v)

    both(make, sweep("x", "s", "w", cycles=300))


def test_if_chains():
    def make():
        m = Module()
        a, b, c = Signal(signed(3)), Signal(100), Signal(2)
        y, q, r = Signal(8), Signal(8, init=7), Signal(8)
        with m.If(a):
            m.d.comb += y.eq(a)
            with m.If(b == 0):
                m.d.sync += q.eq(1)
            with m.Elif(b[64:]):
                m.d.sync += q.eq(q << 1)
                with m.If(c):
                    m.d.sync += r.eq(q)
                with m.Else():
                    m.d.comb += y[2:4].eq(c)
            with m.Else():
                with m.Switch(c):
                    with m.Case(1):
                        m.d.sync += [q.eq(9), r.eq(a)]
                    with m.Default():
                        with m.If(~c[0] & (a < 0)):
                            m.d.comb += y.eq(0xEE)
        with m.Elif(c == 3):
            m.d.sync += q.eq(0)
            m.d.comb += y.eq(b)
        m.d.comb += y[7].eq(b.any())
        return Design(m, a=a, b=b, c=c, y=y, q=q, r=r)

    both(make, sweep("a", "b", "c", cycles=300))


def test_state_machines():
    def make():
        m = Module()
        go, word, out, sent = Signal(), Signal(8), Signal(8), Signal(4)
        m.domains.sync = domain = ClockDomain()
        with m.FSM(init="WAIT") as fsm:
            with m.State("SEND"):
                m.d.comb += out.eq(word)
                m.d.sync += sent.eq(sent + 1)
                with m.If(word[0]):
                    m.next = "PAUSE"
                with m.Elif(~go):
                    m.next = "WAIT"
            with m.State("WAIT"):
                with m.If(go):
                    m.next = "SEND"
                    m.d.comb += out.eq(0x80)
            with m.State("PAUSE"):
                with m.FSM():       # a machine inside a state stands still outside of it
                    with m.State("ONE"):
                        m.next = "TWO"
                    with m.State("TWO"):
                        m.next = "ONE"
                        m.d.comb += out.eq(0xFF)
                m.next = "SEND"
            with m.State("NEVER"):
                m.d.comb += out.eq(sent)
        m.d.comb += (waiting := Signal()).eq(fsm.ongoing("WAIT"))
        return Design(m, go=go, word=word, rst=domain.rst, out=out, sent=sent, waiting=waiting)

    both(make, sweep("go", "word", "rst", cycles=300))


def targets():
    """Every kind of left-hand side, combinational and registered."""
    m = Module()
    x, n, k = Signal(80), Signal(4), Signal(2)
    parts = {}
    for domain in ("comb", "sync"):
        d = m.d[domain]
        a, b, c, e, f, g, h = (Signal(signed(width) if width % 2 else width, init=init,
                                      name=f"{name}_{domain}")
                               for name, width, init in (
            ("a", 8, 1), ("b", 71, -1), ("c", 40, 5), ("e", 130, 1 << 129), ("f", 9, 3),
            ("g", 20, 0), ("h", 64, 7)))
        pair = Signal(data.ArrayLayout(data.StructLayout({"u": 3, "v": signed(6)}), 5),
                      name=f"pair_{domain}")
        d += [
            a[2:7].eq(x), b.bit_select(n, 5).eq(x), b.word_select(n, 9).eq(x >> 3),
            c.bit_select(x[:6], 30).eq(~x), Array([c, e, f])[k].eq(x << 1),
            e[60:100].word_select(k, 11).eq(x[5:]), Cat(f[1:4], g, e[3:60]).eq(x),
            Cat(g, h)[10:70].eq(x[::-1]), Array([g, f])[n][2:6].eq(x[2:]),
            Cat(a, f).bit_select(n, 3).eq(n), h.as_signed()[3].eq(n[0]),
            pair[n].v.eq(x), pair[2].eq(n), e.as_unsigned()[-1].eq(x[0]),
            Array([pair[0].u, pair[1].v, a])[k].eq(n), Cat(b[-1], h[-1]).word_select(k, 1).eq(1),
        ]
        parts |= {f"{name}_{domain}": value for name, value in zip(
            "abcefgh", (a, b, c, e, f, g, h), strict=True)}
        parts[f"pair_{domain}"] = pair.as_value()
    return Design(m, x=x, n=n, k=k, **parts)


def test_targets():
    both(targets, sweep("x", "n", "k", cycles=400))


def nest(seed, size):
    """Random statements, nested, with random conditions, into random parts of signals."""
    def make():
        rng = seeded(seed)
        m, leaves = Module(), inputs(rng, 8, (1, 2, 3, 8, 31, 64, 65))
        regs = [Signal((signed if rng.random() < 0.4 else unsigned)(width), name=f"reg{i}",
                       init=rng.getrandbits(width - 1), reset_less=rng.random() < 0.3)
                for i, width in enumerate((1, 4, 8, 33, 64, 129))]
        outs = [Signal((signed if rng.random() < 0.4 else unsigned)(width), name=f"out{i}",
                       init=rng.getrandbits(width - 1))
                for i, width in enumerate((2, 8, 65, 140))]
        trees = Trees(rng, leaves + regs, limit=80)

        def assign():
            domain, group = rng.choice([("comb", outs), ("sync", regs)])
            target = rng.choice(group)
            kind, width = rng.randrange(6), len(target)
            if kind == 1:
                low = rng.randrange(width)
                target = target[low:rng.randrange(low, width) + 1]
            elif kind == 2:
                target = target.bit_select(rng.choice(leaves).as_unsigned()[:3],
                                           rng.randrange(1, width + 3))
            elif kind == 3:
                target = target.word_select(rng.choice(leaves).as_unsigned()[:3],
                                            rng.randrange(1, width + 1))
            elif kind == 4:
                target = Cat(*(part[rng.randrange(len(part)):] for part in rng.sample(group, 3)))
            elif kind == 5:
                target = Array(rng.sample(group, 3))[rng.choice(leaves).as_unsigned()[:2]]
            m.d[domain] += target.eq(trees.expression(2))

        def block(depth):
            for _ in range(rng.randrange(1, 4)):
                kind = rng.randrange(4 if depth else 2)
                if kind == 2:
                    with m.If(trees.expression(1)):
                        block(depth - 1)
                    for _ in range(rng.randrange(3)):
                        with m.Elif(trees.expression(1)):
                            block(depth - 1)
                    if rng.random() < 0.6:
                        with m.Else():
                            block(depth - 1)
                elif kind == 3:
                    test = rng.choice(leaves)
                    with m.Switch(test):
                        for _ in range(rng.randrange(1, 5)):
                            with m.Case(*("".join(rng.choice("01--") if at < 4 else "-"
                                                  for at in range(len(test)))
                                          for _ in range(rng.randrange(1, 3)))):
                                block(depth - 1)
                        if rng.random() < 0.5:
                            with m.Default():
                                block(depth - 1)
                else:
                    assign()

        for _ in range(size):
            block(2)
        m.domains.sync = domain = ClockDomain(async_reset=seed % 3 == 2)
        return Design(m, rst=domain.rst, **{s.name: s for s in leaves + regs + outs})
    return make


@pytest.mark.parametrize("seed", range(9))
def test_random_statements(seed):
    names = [f"in{index}" for index in range(8)]

    async def bench(ctx, dut, log):
        ctx.set(dut.rst, 0)
        await sweep(*names, cycles=60, seed=seed)(ctx, dut, log)
        for leaf in names:          # an asynchronous reset rises with all inputs at rest
            ctx.set(getattr(dut, leaf), 0)
        await ctx.tick()
        ctx.set(dut.rst, 1)
        await ctx.tick()
        ctx.set(dut.rst, 0)
        await sweep(*names, cycles=20, seed=seed)(ctx, dut, log)

    both(nest(seed, 3), bench)


def loops():
    """Bits of a signal that depend on others of the same: no loop, though it looks like one."""
    m = Module()
    x, k = Signal(128), Signal(7)
    ripple, reverse, swap = Signal(129), Signal(70), Signal(16)
    left, right, pair = Signal(66), Signal(66), Signal(data.StructLayout({"a": 9, "b": 9}))
    sub, up, down = Module(), Signal(2), Signal(2)
    m.d.comb += ripple[0].eq(k[0])
    for i in range(128):
        m.d.comb += ripple[i + 1].eq(ripple[i] ^ x[i])
    for i in range(69):
        m.d.comb += reverse[i].eq(reverse[i + 1] & ~x[i] | x[69 - i])
    m.d.comb += [reverse[69].eq(k[1]),
                 swap[:8].eq(x), swap[8:].eq(Mux(k[0], swap[:8], ~swap[:8])),
                 left[:33].eq(x), right[33:].eq(left[:33] * 3), left[33:].eq(right[33:] ^ k),
                 right[:33].eq(left[33:]), pair.a.eq(pair.b + 1), pair.b.eq(x)]
    sub.d.comb += [up[0].eq(x[0]), up[1].eq(down[0])]
    m.d.comb += [down[0].eq(up[0]), down[1].eq(up[1])]
    m.submodules.sub = sub
    m.d.sync += (q := Signal(129)).eq(ripple + reverse + left)
    return Design(m, x=x, k=k, ripple=ripple, reverse=reverse, swap=swap, left=left,
                  right=right, pair=pair.as_value(), up=up, down=down, q=q)


def test_false_loops():
    both(loops, sweep("x", "k", cycles=60))


def test_false_loop_through_an_adder():
    """Amaranth's netlist takes it for a true one, and no hardware can be made of it."""
    def make():
        m, x, chain = Module(), Signal(8), Signal(40)
        m.d.comb += [chain[:8].eq(x), chain[8:].eq(chain[:32] + 1)]
        return Design(m, x=x, chain=chain)

    async def bench(ctx, dut, log):
        for value in range(0, 256, 5):
            ctx.set(dut.x, value)
            log(ctx, ctx.get(dut.chain))

    both(make, bench, clocks={}, may_refuse=True)
