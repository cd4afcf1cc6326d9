"""Getting and setting every kind of value."""

import pytest
from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, signed
from amaranth.lib import data, enum
from amaranth.lib.memory import Memory

from .twins import Design, attempt, both


class Mode(enum.Enum, shape=3):
    IDLE = 0
    BUSY = 5


class Level(enum.IntEnum, shape=signed(4)):
    LOW = -8
    HIGH = 7


class Caps(enum.Flag, shape=3):
    A = 1
    B = 2
    C = 4


class Record(data.Struct):
    mode: Mode
    delta: signed(6)
    pairs: data.ArrayLayout(data.StructLayout({"x": 3, "y": signed(3)}), 2)
    wide: 70


VIEW = data.FlexibleLayout(16, {"all": data.Field(16, 0), "mid": data.Field(signed(7), 5)})
UNION = data.UnionLayout({"byte": 8, "bits": data.ArrayLayout(1, 8), "small": signed(3)})
WIDTHS = (1, 7, 8, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300)


def design():
    """Inputs of many shapes, each registered, and each inverted by logic."""
    m, inputs = Module(), {}
    for width in WIDTHS:
        inputs[f"u{width}"] = Signal(width)
        inputs[f"s{width}"] = Signal(signed(width), init=-1)
    inputs |= {"record": Signal(Record), "mode": Signal(Mode, init=Mode.BUSY),
               "level": Signal(Level, init=Level.LOW), "caps": Signal(Caps),
               "view": Signal(VIEW), "union": Signal(UNION)}
    parts = {}
    for name, signal in inputs.items():
        q = parts[f"q_{name}"] = Signal(signal.shape(), name=f"q_{name}")
        n = parts[f"n_{name}"] = Signal(Shape.cast(signal.shape()), name=f"n_{name}")
        flat = signal if isinstance(signal, Signal) else signal.as_value()
        m.d.sync += (q if isinstance(q, Signal) else q.as_value()).eq(flat)
        m.d.comb += n.eq(~flat)
    m.submodules.memory = memory = Memory(shape=Record, depth=3, init=[{"delta": -3}])
    m.submodules.numbers = numbers = Memory(shape=signed(66), depth=5, init=[-7, 1 << 64])
    for name, store in (("row", memory), ("number", numbers)):
        port = store.read_port(domain="comb")
        parts[f"addr_{name}"], parts[f"data_{name}"] = port.addr, port.data
    return Design(m, **inputs, **parts, inputs=list(inputs), memory=memory, numbers=numbers,
                  loose=Signal(Record), free=Signal(signed(90), init=-5))


def values_of(shape):
    """Values to set, out of range ones too."""
    shape = Shape.cast(shape)
    top = 1 << shape.width
    return [0, 1, top - 1, top // 2, top // 2 - 1, -1, top // 3, top + 5, -top // 2 - 3,
            0x123456789ABCDEF0FEDCBA9876543210 * 0x1000000000000000000000001]


@pytest.mark.parametrize("sign", "us")
def test_plain_signals_of_all_widths(sign):
    async def bench(ctx, dut, log):
        for width in WIDTHS:
            name = f"{sign}{width}"
            signal = getattr(dut, name)
            log(ctx, name, ctx.get(signal), ctx.get(getattr(dut, f"n_{name}")))
            for value in values_of(signal.shape()):
                ctx.set(signal, value)
                log(ctx, ctx.get(signal), ctx.get(getattr(dut, f"n_{name}")))
                log(ctx, *await ctx.tick().sample(signal, getattr(dut, f"q_{name}")))
                log(ctx, ctx.get(getattr(dut, f"q_{name}")))

    both(design, bench)


def test_structs_views_and_enumerations():
    async def bench(ctx, dut, log):
        everything = {
            "record": [{"mode": Mode.BUSY, "delta": -32, "pairs": [{"x": 1}, {"y": -4}],
                        "wide": (1 << 70) - 2}, Record.const(None), {"delta": 31}],
            "mode": [Mode.IDLE, Mode.BUSY], "level": [Level.HIGH, Level.LOW],
            "caps": [Caps.A | Caps.C, ~Caps.B, Caps(0)],
            "view": [{"all": 0xABCD}, {"mid": -1}], "union": [{"byte": 0x85}, {"small": -4}]}
        for name, choices in everything.items():
            signal, q = getattr(dut, name), getattr(dut, f"q_{name}")
            log(ctx, name, ctx.get(signal))
            for value in choices:
                ctx.set(signal, value)
                log(ctx, ctx.get(signal), ctx.get(getattr(dut, f"n_{name}")))
                log(ctx, *await ctx.tick().sample(signal, q))
                log(ctx, ctx.get(q))

    both(design, bench)


def test_fields():
    async def bench(ctx, dut, log):
        for record in (dut.record, dut.q_record, dut.loose):
            ctx.set(record.delta, -9)
            ctx.set(record.mode, Mode.BUSY)
            ctx.set(record.pairs[1].y, -2)
            ctx.set(record.pairs[0], {"x": 6, "y": 1})
            ctx.set(record.wide[3:68], -1)
            log(ctx, ctx.get(record), ctx.get(record.pairs), ctx.get(record.pairs[1].y))
            log(ctx, ctx.get(record.mode), ctx.get(record.wide[60:]), ctx.get(record.as_value()))
        ctx.set(dut.union.bits[6], 1)
        ctx.set(dut.view.mid, -33)
        log(ctx, ctx.get(dut.union.small), ctx.get(dut.union.byte), ctx.get(dut.view.all))
        ctx.set(dut.record.as_value()[:3], 3)
        attempt(log, ctx, ctx.get, dut.record.mode)     # no member has this value
        attempt(log, ctx, ctx.set, dut.mode, 3)
        attempt(log, ctx, ctx.set, dut.record, {"nothing": 1})

    both(design, bench)


def test_expressions_get():
    async def bench(ctx, dut, log):
        a, b, w, s = dut.u32, dut.u7, dut.u129, dut.s65
        picks = Array([a, b, w, s, Const(-3)])
        exprs = [
            a + b, a - w, a * s, s // b, s % b, b // s, a % s, -s, ~s, ~a, abs(s), a & s, w | s,
            a ^ s, a << b[:4], s >> b, w >> b, s.shift_left(9), s.shift_right(3), a.rotate_left(5),
            w.rotate_right(77), a == s, a != b, s < a, w <= a, s > -4, b >= 3, a.all(), w.any(),
            s.xor(), a.bool(), ~(a.bool()), s.as_unsigned(), a.as_signed(), b.as_signed() - 1,
            Cat(a, s, b, w), Cat(), w[100:], w[-1], s[60:], a.bit_select(b, 9),
            s.bit_select(b, 20), a.word_select(b[:3], 8), w.word_select(b[:3], 33),
            s.word_select(b, 3), picks[b[:3]], picks[b], Mux(b, a, s), Mux(s, Cat(a, b), -1),
            b.replicate(5), w.matches("1" + "-" * 128), a.implies(b), Const(7, 3), 12 - b,
            b.bit_select(a[:2], 40), (a + b)[31:], (s - a).as_unsigned()[3:90], a // 0, s % 0,
        ]
        for values in ((0, 0, 0, 0), (5, 3, 1 << 128, -1), ((1 << 32) - 1, 127, -1, 1 << 64),
                       (0xDEADBEEF, 66, 0x1234 << 90, -(1 << 64)), (7, 4, 9, (1 << 64) - 1)):
            for signal, value in zip((a, b, w, s), values, strict=True):
                ctx.set(signal, value)
            log(ctx, *(ctx.get(expr) for expr in exprs))
            log(ctx, *await ctx.tick().sample(*exprs))

    both(design, bench)


def test_expressions_set():
    async def bench(ctx, dut, log):
        a, b, w, s = dut.u32, dut.u7, dut.u129, dut.s65
        picks = Array([a, b, w, s])

        def told():
            log(ctx, *(ctx.get(signal) for signal in (a, b, w, s, dut.n_u32, dut.n_s65)))

        for target, value in [
                (a[4:12], 0xFF), (a[31], 1), (a[-1], 0), (a[8:8], 1), (w[60:70], 0x3FF),
                (w[120:], -1), (s[64], 0), (s[63:], 3), (Cat(a, b), 0x55AA55AA5), (Cat(b, s), -2),
                (Cat(a[16:], b[2:4], s[::2]), 0x7FFFFFFFFFFFFFFFFFF), (a.as_signed(), -77),
                (s.as_unsigned(), 1 << 64), (a.bit_select(b, 6), 0x2A), (a.bit_select(3, 6), 0),
                (b, 30), (a.bit_select(b, 6), -1), (b, 127), (a.bit_select(b, 6), -1), (b, 3),
                (w.word_select(b, 40), 0xFFFFFFFFFF), (w.word_select(b[:1], 40), 0x8000000001),
                (s.word_select(b[:2], 20), 0xFFFFF), (picks[b[:2]], 0x123), (picks[2], 5),
                (picks[b], 1), (Mux(a[0], w, s), 99), (Cat(a, a)[20:40], 0xFFFFF),
                (w[3:100][5:70][1:3], 3), (dut.free, 1 << 89), (dut.free[80:], 0)]:
            ctx.set(target, value)
            told()
        log(ctx, ctx.get(dut.free))
        for target in (Const(1), a + b, a.bool(), 3):
            attempt(log, ctx, ctx.set, target, 1)
        for value in (1.5, "1", None, a):
            attempt(log, ctx, ctx.set, a, value)
        ctx.set(a, Const(9, 4))
        ctx.set(b, Level.HIGH)
        told()

    both(design, bench)


def test_memory_rows():
    async def bench(ctx, dut, log):
        rows, numbers = dut.memory.data, dut.numbers.data
        ctx.set(rows[1], {"mode": Mode.BUSY, "delta": -1, "wide": 1 << 69})
        ctx.set(rows[2].delta, -20)
        ctx.set(rows[2].pairs[1], {"x": 7, "y": -1})
        ctx.set(numbers[3], -1)
        ctx.set(numbers[4][60:66], 0x20)
        ctx.set(numbers[0], 1 << 65)
        ctx.set(Cat(numbers[2], dut.u8), -1)
        for index in range(5):
            ctx.set(dut.addr_number, index)
            log(ctx, ctx.get(numbers[index]), ctx.get(dut.data_number),
                ctx.get(numbers[index] + 1), ctx.get(numbers[index][64:]))
        for index in range(3):
            ctx.set(dut.addr_row, index)
            log(ctx, ctx.get(rows[index]), ctx.get(dut.data_row), ctx.get(rows[index].pairs))
            ctx.set(rows[index].wide, index)
            log(ctx, ctx.get(dut.data_row.wide))
        ctx.set(dut.addr_row, 3)
        ctx.set(dut.addr_number, 7)
        log(ctx, ctx.get(dut.data_row), ctx.get(dut.data_number), ctx.get(dut.u8))
        log(ctx, *await ctx.tick().sample(numbers[0], rows[2].delta))
        attempt(log, ctx, lambda: ctx.get(rows[3]))

    both(design, bench)


def test_flip_flops_set_by_a_bench_last_until_their_edge():
    async def bench(ctx, dut, log):
        ctx.set(dut.u64, 1)
        ctx.set(dut.q_u64, 0xFFFF)
        ctx.set(dut.q_s65[3:9], 0)
        log(ctx, ctx.get(dut.q_u64), ctx.get(dut.q_s65))
        await ctx.delay(0.3e-6)
        log(ctx, ctx.get(dut.q_u64), ctx.get(dut.q_s65))
        log(ctx, *await ctx.tick().sample(dut.q_u64, dut.q_s65))
        log(ctx, ctx.get(dut.q_u64), ctx.get(dut.q_s65))

    both(design, bench)


def test_signals_that_are_not_in_the_design():
    async def bench(ctx, dut, log):
        log(ctx, ctx.get(dut.loose), ctx.get(dut.free))
        ctx.set(dut.loose, {"delta": 5, "wide": 3})
        ctx.set(dut.free, -1)
        await ctx.tick()
        log(ctx, ctx.get(dut.loose), ctx.get(dut.free + dut.u8), ctx.get(dut.free == -1))
        late = Signal(12, init=77)
        log(ctx, ctx.get(late), ctx.get(Cat(late, dut.u8)))
        ctx.set(late, 0x1FFF)
        log(ctx, ctx.get(late))

    both(design, bench)


@pytest.mark.parametrize("target", [
    lambda dut: dut.n_u8, lambda dut: dut.n_u8[2], lambda dut: Cat(dut.n_u129, dut.u8),
    lambda dut: dut.data_number, lambda dut: dut.data_row.delta])
def test_combinational_signals_cannot_be_set(target):
    async def bench(ctx, dut, log):
        attempt(log, ctx, ctx.set, target(dut), 1)
        await ctx.tick()

    (_, kind, text), = both(design, bench)
    assert (kind.__name__, text) == ("DriverConflict", "Combinationally driven signals cannot be "
                                     "overriden by testbenches")


