"""Conformance cases of spec chapter 7 on the model alone: selection and event channels."""

import random

import pytest

from vapic_sim.model import AcceptResult, Outcome, Params, Sched

from .model_driver import Driver

LEVEL, MASK, LOGICAL, LOWEST = 1 << 15, 1 << 16, 1 << 11, 0x100
POLICY, LPCFG, PULL, CTRL, ERRSTAT = 0x1100, 0x1104, 0x110C, 0x100C, 0x1010
EVT, SER, FORCE_DYN, FORCE_STATIC, AUTOEOI = 1, 2, 4, 8, 1 << 23
ALLOW = 0x7000
SEND, UNMASK, PIRQ_EOI, CLAIM = 0x1320, 0x1324, 0x1328, 0x1330
PENDING, MASK_WORD, W1C, MASK_W1S, MASK_W1C, W1S = 0x1000, 0x1080, 0x1100, 0x1180, 0x1200, 0x1280
RR, LEAST, PULLING = 1, 2, 6


@pytest.fixture
def d():
    driver = Driver()
    for v in range(4):
        driver.lapic_write(v, 0xD0, 1 << v << 24)
    return driver


def dynamic(d, n, dest=0x0F, policy=0xF, flags=0, vector=0x50, low=0):
    """A lowest-priority entry with a logical destination set."""
    d.reqx(n, ALLOW | policy << 4 | flags)
    d.rte_write(n, vector | LOWEST | LOGICAL | low, dest)


def group(d, n, vcpus=range(4), policy=0xF, flags=EVT | SER, low=0):
    """A dynamic EVT entry with one port a vCPU; the ports by vCPU."""
    d.reqx(n, ALLOW | policy << 4 | flags)
    ports = {}
    for k in vcpus:
        assert d.command(0, None, 0x20, n, k) == 0
        ports[k] = d.out
    d.rte_write(n, 0x50 | LOWEST | LOGICAL | low, 0x0F)
    return ports


def targets(d):
    return [trace.target for trace in d.model.expected_traces]


def info(d, k, dom=0):
    word = d.window(dom, None, 0x40 * k)
    return word & 0xFF, d.window(dom, None, 0x40 * k + 4)


def test_case_074_lowpri_by_tpr(d):
    for v, tpr in enumerate((0x30, 0x10, 0x20, 0x10)):
        d.lapic_write(v, 0x80, tpr)
    d.write(LPCFG, 0)
    dynamic(d, 1, vector=0x50)
    dynamic(d, 2, vector=0x51)
    d.pulse(1)
    d.pulse(2)
    assert targets(d) == [1, 3]
    assert d.model.expected_traces[0].key == 0x10


def test_case_075_lowpri_by_ppr(d):
    d.rte_write(3, 0x80, 1)
    d.pulse(3)
    assert d.inta(1) == 0x80
    d.write(LPCFG, 1)
    dynamic(d, 1)
    for _ in range(3):
        d.pulse(1)
    assert targets(d)[1:] == [0, 2, 3]


def test_case_077_round_robin(d):
    dynamic(d, 1, dest=0b1101, policy=RR)
    for _ in range(6):
        d.pulse(1)
    assert targets(d) == [0, 2, 3, 0, 2, 3]
    d.write(LPCFG, 9)
    dynamic(d, 1, dest=0b1101, policy=LEAST)
    d.write(0x1140, 2)
    for v in (0, 2, 3):
        d.drain(v)
    for _ in range(4):
        d.pulse(1)
        d.drain(0)
    assert targets(d)[6:] == [0] * 4 and d.read(0x1140) == 2


def test_case_078_least(d):
    for v, level in ((1, 2), (3, 1)):
        for i in range(level):
            d.rte_write(7, 0x60 + 16 * i, v)
            d.pulse(7)
            d.inta(v)
    for n, v in ((4, 0), (5, 0), (6, 2)):
        group(d, n, vcpus=[v])
        d.pulse(n)
    dynamic(d, 1, policy=LEAST)
    assert [d.read(0x8014 + 0x40 * v) for v in range(4)] == [2, 2, 1, 1]
    d.fast(0, 2, PIRQ_EOI, 6)
    d.pulse(1)
    assert targets(d)[-1] == 2 and d.model.expected_traces[-1].key == 0


def test_case_083_offline_parks(d):
    for v in range(4):
        d.sched(v, Sched.OFFLINE)
    dynamic(d, 1)
    d.pulse(1)
    assert d.reqstat(1) & 0x71 == 0x11
    d.sched(2, Sched.RUNNING)
    assert targets(d) == [2] and d.drain(2) == [0x50]
    assert d.reqstat(1) & 0x71 == 0


def test_case_084_allow_and_freeze(d):
    d.reqx(1, 0x3000 | RR << 4)
    for v in range(4):
        d.sched(v, Sched.BLOCKED)
    d.rte_write(1, 0x50 | LOWEST | LOGICAL, 0xF)
    d.pulse(1)
    assert d.reqstat(1) & 0x10 and "not allowed while blocked" in d.model.explain(1)
    d.auto = False
    d.sched(0, Sched.RUNNING)
    d.sched(1, Sched.RUNNING)
    d.model.start(1)
    d.ctl(0, put=2)
    assert d.model.finish() is AcceptResult.ABORT
    assert d.read(0x1038) == d.read(0x8030) == 1
    d.settle()
    assert targets(d) == [1]


def test_case_085_excluded_never_chosen(d):
    rng = random.Random(85)
    dynamic(d, 1, dest=0b1011, policy=LEAST)
    for _ in range(1000):
        d.pulse(1)
        for v in (0, 1, 3):
            if rng.random() < 0.5:
                d.drain(v)
    assert 2 not in targets(d) and set(targets(d)) == {0, 1, 3}


def test_case_086_static_and_dynamic(d):
    d.rte_write(1, 0x50 | LOGICAL, 0b0011)
    d.pulse(1)
    assert [bool(d.inta(v)) for v in range(4)] == [True, True, False, False]
    d.reqx(1, ALLOW | 0xF0 | FORCE_DYN)
    d.pulse(1)
    assert sum(d.bitmap(v, 0x200) != 0 for v in range(4)) == 1
    for flags, ctrl in ((FORCE_STATIC, 1), (0, 3)):
        d.write(CTRL, ctrl)
        dynamic(d, 2, dest=0b1110, flags=flags, vector=0x70)
        d.pulse(2)
        assert d.model.expected_traces[-1].eligible == 0b0010
        assert d.drain(1)[0] == 0x70


def test_case_088_determinism():
    def run():
        d = Driver()
        for v in range(4):
            d.lapic_write(v, 0xD0, 1 << v << 24)
        rng = random.Random(88)
        for n in range(4):
            dynamic(d, n, policy=rng.choice((0, RR, LEAST)), vector=0x50 + n)
        for _ in range(300):
            d.pulse(rng.randrange(4))
            d.drain(rng.randrange(4))
        return d.model.expected_traces
    assert run() == run()


def test_case_089_grant_to_a_group(d):
    for _ in range(4):
        d.command(0, 0, 7, 0)
    ports = group(d, 1, policy=RR)
    assert list(ports.values()) == [5, 6, 7, 8]
    d.write(0x1140, 2)
    d.pulse(1)
    assert d.window(0, 2, PENDING) == 1 << 7
    assert [info(d, k) for k in range(4)] == [(0, 0), (0, 0), (1, 1), (0, 0)]
    assert d.model.expected_traces[-1].port == 7
    assert d.reqstat(1) >> 16 == 7 and d.reqstat(1) >> 8 & 0x3F == 2


def test_case_090_set_pending_twice(d):
    assert d.command(0, 0, 7, 1) == 0
    port = d.out
    d.fast(0, 0, SEND, port)
    d.window(0, 1, 0x40 + 0xC, 0)
    assert d.window(0, 1, 0x40 + 8) == 1
    d.fast(0, 0, SEND, port)
    assert info(d, 1) == (0, 0)


def test_case_091_masked_port(d):
    d.command(0, 0, 7, 1)
    port = d.out
    for how in ("unmask", "word"):
        d.window(0, 0, MASK_W1S, 1 << port)
        d.fast(0, 0, SEND, port)
        assert info(d, 1) == (0, 0) and d.window(0, 0, PENDING) == 1 << port
        if how == "unmask":
            assert d.fast(0, 0, UNMASK, port) == 0
            assert info(d, 1) == (1, 1)
            d.window(0, 1, 0x4C, 0)
            d.window(0, 1, 0x48)
        else:
            d.window(0, 0, MASK_W1C, 1 << port)
            assert info(d, 1) == (0, 0)
        d.window(0, 1, W1C, 1 << port)


def test_case_091_auto_reraise(d):
    d.write(CTRL, 0x11)
    d.command(0, 0, 7, 1)
    d.window(0, 0, MASK_WORD, 1 << d.out)
    d.fast(0, 0, SEND, d.out)
    d.window(0, 0, MASK_WORD, 0)
    assert info(d, 1) == (1, 1)


def test_case_092_unmask_of_unmasked(d):
    d.command(0, 0, 7, 1)
    d.fast(0, 0, SEND, d.out)
    d.window(0, 1, 0x4C, 0)
    d.window(0, 1, 0x48)
    d.fast(0, 0, UNMASK, d.out)
    assert info(d, 1) == (0, 0)


@pytest.fixture
def two():
    """Four vCPUs in two domains."""
    return Driver(Params(rtes=4, irts=4, vcpus=4, lanes=2, domains=3, ports=32))


def connect(d):
    """Interdomain pair of domain 0 and 1."""
    assert d.command(0, 0, 6, 0x7FF0, 1) == 0
    mine = d.out
    assert d.command(1, 2, 0, 0, mine) == 0
    return mine, d.out


def test_case_094_interdomain(two):
    mine, other = connect(two)
    assert two.window(1, 2, PENDING) == 1 << other and info(two, 0, dom=1) == (1, 1)
    two.window(1, 2, W1C, 1 << other)
    assert two.fast(0, 0, SEND, mine) == 0 and two.window(1, 2, PENDING) == 1 << other
    assert two.fast(1, 2, SEND, other) == 0 and two.window(0, 0, PENDING) == 1 << mine
    assert two.command(0, 0, 5, 0, mine) == 0
    assert (two.out, two.out1) == (2, 1 << 16 | other)


def test_case_095_send_errors(two):
    two.command(0, 0, 6, 0, 1)
    assert two.fast(0, 0, SEND, two.out) == 0
    assert two.window(0, 0, PENDING) == 0
    two.command(0, 0, 0x20, 1, 0)
    for port in (two.out, 9, 0, 32):
        assert two.fast(0, 0, SEND, port) == -22


def test_case_096_bind_errors(two):
    two.command(0, 0, 6, 0, 1)
    port = two.out
    assert two.command(2, None, 0, 0, port) == -22
    assert two.command(1, 2, 0, 3, port) == -3
    assert two.command(1, 2, 0, 0, port) == 0
    assert two.command(1, 2, 0, 0, port) == -22


def test_case_097_close(two):
    mine, other = connect(two)
    assert two.command(0, 0, 3, mine) == 0
    assert two.command(1, 2, 5, 1, other) == 0 and two.out == 1
    assert two.window(1, 2, PENDING) == 1 << other
    assert two.command(0, 0, 3, mine) == two.command(0, 0, 3, 0) == -22


def test_case_098_099_unbuilt_commands(d):
    for number in (1, 2, 8, 10, 11, 12, 13, 77):
        assert d.command(0, 0, number, 1) == -38
    assert d.command(0, 0, 7, 4) == -2


def test_case_100_bind_pirq_errors(two):
    assert two.command(1, 2, 0x20, 1, 0) == -1
    assert two.command(0, 0, 0x20, 8, 0) == -22
    assert two.command(0, 0, 0x20, 1, 2) == -2
    assert two.command(0, 0, 0x20, 1, 1) == 0
    assert two.command(0, 0, 0x20, 1, 1) == -17


def test_case_101_no_space(two):
    while (result := two.command(0, 0, 7, 1)) == 0:
        last = two.out
    assert result == -28 and last == 31
    assert two.command(0, 0, 3, 9) == 0
    assert two.command(0, 0, 6, 0, 1) == 0 and two.out == 9
    two.command(0, 0, 5, 0, 9)
    assert two.out == 1


def test_case_102_status(two):
    assert two.command(1, 2, 5, 0, 1) == -1
    assert two.command(1, None, 5, 0, 1) == 0
    assert two.command(1, 2, 5, 1, 32) == -22
    assert two.command(1, 2, 6, 0, 1) == -1


def test_case_103_level_event(d):
    ports = group(d, 1, low=LEVEL)
    d.line(1, True)
    assert len(targets(d)) == 1
    d.window(0, 0, W1C, 1 << ports[0])
    assert len(targets(d)) == 1
    assert d.fast(0, targets(d)[0], PIRQ_EOI, 1) == 0
    assert len(targets(d)) == 2
    d.line(1, False)
    d.fast(0, targets(d)[1], PIRQ_EOI, 1)
    assert d.fast(0, 0, PIRQ_EOI, 1) == 0
    assert len(targets(d)) == 2 and d.reqstat(1) & 6 == 0


def test_case_104_serial_edges(d):
    group(d, 1, policy=RR)
    for _ in range(4):
        d.pulse(1)
    assert len(targets(d)) == 1
    d.fast(0, targets(d)[0], PIRQ_EOI, 1)
    assert len(targets(d)) == 2
    d.fast(0, targets(d)[1], PIRQ_EOI, 1)
    group(d, 2, policy=RR, flags=EVT)
    d.pulse(2)
    d.pulse(2)
    assert len(set(targets(d)[2:])) == 2


def test_case_105_close_hands_back(d):
    ports = group(d, 1, policy=RR)
    d.pulse(1)
    assert targets(d) == [0]
    assert d.command(0, 0, 3, ports[0]) == 0
    assert targets(d) == [0, 1]
    assert d.window(0, 0, PENDING) == 1 << ports[1]
    d.window(0, 0, W1C, 1 << ports[1])
    assert d.command(0, 0, 3, ports[1]) == 0
    assert targets(d) == [0, 1] and d.reqstat(1) & 7 == 0


def test_case_107_masked_winner(d):
    ports = group(d, 1, policy=RR)
    d.window(0, 0, MASK_W1S, 1 << ports[0])
    d.pulse(1)
    assert targets(d) == [1]
    d.fast(0, 1, PIRQ_EOI, 1)
    d.window(0, 0, MASK_W1S, 0xFFFFFFFF)
    d.pulse(1)
    assert d.reqstat(1) & 0x10 and f"port {ports[2]} masked" in d.model.explain(1)
    d.fast(0, 0, UNMASK, ports[3])
    assert targets(d) == [1, 3]


def test_case_108_upcall_vector(d):
    d.command(0, 0, 7, 1)
    d.write(0x8010 + 0x40, 0x1E0)
    d.lapic_write(1, 0x80, 0xF0)
    d.fast(0, 0, SEND, d.out)
    assert d.bitmap(1, 0x200) == 1 << 0xE0 and not d.model.irq(1) and not d.model.upcall(1)
    d.lapic_write(1, 0x80, 0)
    assert d.inta(1) == 0xE0
    d.write(0x8010 + 0x40, 0)
    assert not d.model.upcall(1)
    d.model.access(False, 0, 1, 0x100040, True, 0, 0b0010)
    assert d.model.upcall(1) and info(d, 1)[0] == 1


def test_case_064_upcall_vector_withheld(d):
    d.lapic_write(1, 0xF0, 0xFF)
    d.command(0, 0, 7, 1)
    d.write(0x8010 + 0x40, 0x1E0)
    d.fast(0, 0, SEND, d.out)
    assert d.bitmap(1, 0x200) == 0
    d.lapic_write(1, 0xF0, 0x1FF)
    assert d.inta(1) == 0xE0
    d.lapic_write(1, 0xF0, 0xFF)
    d.lapic_write(1, 0xF0, 0x1FF)
    assert d.bitmap(1, 0x200) == 1 << 0xE0
    d.write(0x8010 + 0x40, 0x1E1)
    assert d.bitmap(1, 0x200) == 3 << 0xE0
    d.write(0x8010 + 0x40, 0x10F)
    assert d.read(0x8010 + 0x40) == 0x0F


def test_case_109_foreign_access(two):
    before = two.model.state()
    for address in (0x00, 0x1000, 0x104000, 0x400000 + 0x2000, 0x8000, 0x100000 + 0x1280):
        result = two.model.access(False, 0, 0, address, True, 1)
        assert result.berr and result.data == 0
    assert two.read(ERRSTAT) == 1
    two.write(ERRSTAT, 1)
    after = two.model.state()
    assert before == after


def test_case_110_end_to_end():
    d = Driver(Params(rtes=2, irts=0, vcpus=4, lanes=2, domains=2, ports=32))
    for v in range(4):
        d.lapic_write(v, 0xD0, 1 << (v & 1) << 24)
    mine, other = connect(d)
    for dom, v in ((0, 0), (0, 1), (1, 2), (1, 3)):
        d.window(dom, v, 0x40 * (v & 1), 0)
    d.window(1, 2, 8)
    d.window(1, 2, W1C, 1 << other)
    ports = group(d, 1, vcpus=range(2), policy=RR)
    for i in range(500):
        d.pulse(1)
        v = targets(d)[-1]
        assert len(targets(d)) == i + 1 and d.model.upcall(v)
        d.window(0, v, 0x40 * v + 0xC, 0)
        assert d.window(0, v, 0x40 * v + 8) == 1
        assert d.fast(0, v, CLAIM, ports[v]) == 1
        d.fast(0, v, SEND, mine)
        d.fast(0, v, PIRQ_EOI, 1)
        assert d.model.upcall(2) and not d.model.upcall(3)
        d.window(1, 2, 0xC, 0)
        assert d.window(1, 2, 8) == 1
        assert d.fast(1, 2, CLAIM, other) == 1 and not d.model.upcall(2)


def test_case_113_pull(d):
    for v in (2, 3):
        d.sched(v, Sched.RUNNABLE)
    dynamic(d, 1, policy=PULLING)
    for _ in range(3):
        d.pulse(1)
    assert sorted(targets(d)) == [0, 1]
    assert d.reqstat(1) & 0x71 == 0x41 and d.read(0x101C) == 0
    assert d.drain(1, limit=1) == [0x50]
    assert targets(d)[2:] == [1]


def test_case_114_pull_wakes(d):
    for v in range(4):
        d.sched(v, Sched.RUNNABLE)
    dynamic(d, 1, policy=PULLING)
    d.pulse(1)
    assert d.reqstat(1) & 0x40
    d.sched(2, Sched.RUNNING)
    assert targets(d) == [2]
    for v in range(4):
        d.sched(v, Sched.BLOCKED)
    d.write(PULL, 2)
    d.pulse(1)
    assert targets(d)[1] == 3 and d.read(0x802C + 0x40 * 3) == 1


def test_case_115_pull_abort(d):
    for v in (1, 2, 3):
        d.sched(v, Sched.RUNNABLE)
    d.auto = False
    dynamic(d, 1, policy=PULLING)
    d.pulse(1)
    d.model.start(1)
    d.sched(0, Sched.RUNNABLE)
    d.sched(3, Sched.RUNNING)
    assert d.model.finish() is AcceptResult.ABORT
    assert d.bitmap(0, 0x200) == 0
    d.settle()
    assert targets(d) == [3]


def test_case_119_affinity_changed(d):
    d.rte_write(1, 0x50 | LEVEL, 0)
    d.line(1, True)
    assert d.inta(0) == 0x50
    d.line(1, False)
    d.rte_write(1, 0x50 | LEVEL, 1)
    d.eoi(0)
    assert not d.rte_read(1) & 0x4000


def test_err_07_unbuilt_policy(d):
    dynamic(d, 1, policy=5)
    d.pulse(1)
    assert targets(d) == [0] and d.read(ERRSTAT) == 1 << 6
    assert d.model.expected_traces[0].policy == 0


def test_evt_41_autoeoi(d):
    ports = group(d, 1, flags=EVT | SER | AUTOEOI)
    d.pulse(1)
    assert d.reqstat(1) & 4
    d.reqx(1, ALLOW | 0xF0 | EVT | SER)
    assert d.read(ERRSTAT) == 1 << 8
    d.window(0, 0, W1C, 1 << ports[0])
    assert not d.reqstat(1) & 4 and d.read(0x8014) == 0


def test_evt_40_migrated_handler(d):
    ports = group(d, 1, policy=RR, flags=EVT)
    d.pulse(1)
    d.pulse(1)
    assert d.fast(0, 3, PIRQ_EOI, 1) == 0 and d.model.core.events.infl[1] == 3
    d.window(0, 3, W1C, 1 << ports[1])
    assert d.fast(0, 3, PIRQ_EOI, 1) == 0 and d.model.core.events.infl[1] == 1


def test_evt_53_owner(d):
    assert d.read(0x3004) == 0x100
    d.rte_write(1, 0x50 | MASK)
    group(d, 1, vcpus=[0])
    d.write(0x3004, 0x101)
    d.write(0x3008, 0x104)
    assert (d.read(0x3004), d.read(0x3008), d.read(ERRSTAT)) == (0x100, 0x100, 1 << 8)
    d.write(0x300C, 0x000)
    d.rte_write(3, 0x50)
    d.pulse(3)
    assert d.reqstat(3) & 0x11 == 0x11 and "no owner" in d.model.explain(3)
    d.write(0x300C, 0x100)
    assert d.reqstat(3) & 0x11 == 0


def test_evt_14_claim_and_evt_03_byte_store(d):
    d.command(0, 0, 7, 1)
    port = d.out
    d.fast(0, 0, SEND, port)
    assert d.fast(0, 0, CLAIM, port) == 1 and d.fast(0, 0, CLAIM, port) == 0
    assert d.fast(0, 0, CLAIM, 40) == -22
    d.model.access(False, 0, 0, 0x100040, True, 1, 1)
    assert info(d, 1)[0] == 1
    d.model.access(False, 0, 0, 0x100040, True, 0, 1)
    assert info(d, 1)[0] == 0
    d.window(0, 0, PENDING, 0xFF)
    d.window(0, 0, 0x44, 0xFF)
    assert d.read(ERRSTAT) == 1 << 4 and d.window(0, 0, PENDING) == 0


def test_ioa_18_outcome(d):
    d.auto = False
    d.rte_write(1, 0x0F)
    d.pulse(1)
    d.model.start(1)
    assert d.model.finish() is Outcome.ERROR


def test_explanation_in_words(d):
    d.sched(1, Sched.OFFLINE)
    d.ctl(3, put=2)
    dynamic(d, 1, dest=0b1011, policy=LEAST)
    d.pulse(1)
    text = d.model.explain(1)
    for part in ("pin 1", "candidates 0, 1, 3", "1 (offline (SCHED))", "2 (not matched)",
                 "3 (frozen)", "LEAST", "rotation from lane 0", "to vCPU 0: SET"):
        assert part in text


def test_sel_03_in_flight_and_evt_24_static_close(d):
    ports = group(d, 1, vcpus=[0, 1], policy=RR, flags=EVT)
    for _ in range(3):
        d.pulse(1)
    assert targets(d) == [0, 1] and "1 (in flight there)" in d.model.explain(1)
    d.rte_write(2, 0x50 | LOGICAL, 0b0011)
    static = {}
    d.reqx(2, ALLOW | EVT)
    for k in (0, 1):
        d.command(0, None, 0x20, 2, k)
        static[k] = d.out
    d.pulse(2)
    before = len(targets(d))
    assert d.command(0, 0, 3, static[0]) == 0
    assert len(targets(d)) == before and d.model.core.events.infl[2] == 2
    assert d.window(0, 0, PENDING) == 1 << static[1] | 1 << ports[0] | 1 << ports[1]


def test_lapic_60_online_with_work_in_flight(d):
    group(d, 1)
    d.pulse(1)
    d.ctl(0, clear=1)
    assert d.read(0x8000) & 1 and d.read(ERRSTAT) == 1 << 8
    d.fast(0, 0, PIRQ_EOI, 1)
    d.ctl(0, clear=1)
    assert not d.read(0x8000) & 1


def test_evt_05_withheld_vector_is_dropped_with_its_cause(d):
    d.command(0, 0, 7, 1)
    d.write(0x8050, 0x1E0)
    d.ctl(1, put=2)
    d.fast(0, 0, SEND, d.out)
    d.window(0, 0, 0x4C, 0)
    d.ctl(1, clear=2)
    assert d.bitmap(1, 0x200) == 0


def test_evt_04_state_waits_for_the_lane_to_come_online(d):
    d.command(0, 0, 7, 1)
    d.write(0x8050, 0x1E0)
    d.ctl(1, clear=1)
    d.fast(0, 0, SEND, d.out)
    assert d.bitmap(1, 0x200) == 0
    d.ctl(1, put=1)
    assert d.bitmap(1, 0x200) == 1 << 0xE0


def test_ioa_11_lapic_eoi_leaves_event_entries(d):
    group(d, 1, low=LEVEL)
    d.line(1, True)
    d.rte_write(2, 0x50 | LEVEL)
    d.line(2, True)
    assert d.inta(0) == 0x50
    d.line(2, False)
    d.eoi(0)
    assert d.rte_read(1) & 0x4000 and not d.rte_read(2) & 0x4000
    d.write(0x40, 0x50)
    assert len(targets(d)) == 3


def test_evt_53_owner_change_clears_the_latch(d):
    d.rte_write(1, 0x50, 9)
    d.pulse(1)
    assert d.reqstat(1) & 1
    d.write(0x3004, 0x101)
    assert not d.reqstat(1) & 1


def test_evt_40_auto_unmask(d):
    d.write(CTRL, 0x21)
    ports = group(d, 1)
    d.pulse(1)
    d.window(0, 0, MASK_W1S, 1 << ports[0])
    d.fast(0, 0, PIRQ_EOI, 1)
    assert not d.window(0, 0, MASK_WORD) >> ports[0] & 1


def test_err_04_partial_select(d):
    access = d.model.access
    access(True, 0, 0, POLICY, True, 0x77, 0b0001)
    assert d.read(POLICY) == 0x30 and d.read(ERRSTAT) == 1 << 3
    assert access(True, 0, 0, POLICY, False, 0, 0b0010).data == 0x30
    d.write(ERRSTAT, 1 << 3)
    access(True, 0, 0, 0x00, True, 0x1234, 0b0001)
    access(False, 0, 0, 0x100000 + MASK_WORD, True, 0xFFFFFFFF, 0b0010)
    assert d.read(0x00) == 0x34 and d.window(0, 0, MASK_WORD) == 0xFF00
    assert d.read(ERRSTAT) == 0


def test_err_02_unmapped(d):
    for address in (0x103C, 0x1150, 0x2000 + 64, 0x5000, 0x8100, 0x8034, 0x110000, 0x100100,
                    0x101334, 0x408000, 0x200000, 0xFEE00010):
        assert d.model.access(True, 0, 0, address, False).berr, hex(address)
    assert d.read(ERRSTAT) == 2


def test_lapic_31_cluster_and_other_models(d):
    for v in range(4):
        d.lapic_write(v, 0xE0, 0 if v < 3 else 0x50000000)
        d.lapic_write(v, 0xD0, (v << 4 | 1) << 24)
    d.rte_write(1, 0x50 | LOGICAL, 0x11)
    d.pulse(1)
    assert [d.inta(v) for v in range(4)] == [None, 0x50, None, None]
    d.rte_write(1, 0x61 | LOGICAL, 0xFF)
    d.pulse(1)
    assert [d.inta(v) for v in range(4)] == [0x61] * 4


def test_sel_25_dynamic_close_hands_back_whatever_else_is_in_flight(d):
    ports = group(d, 1, vcpus=[0, 1], policy=RR, flags=EVT)
    d.pulse(1)
    d.pulse(1)
    assert d.command(0, 0, 3, ports[0]) == 0
    assert d.reqstat(1) & 0x11 == 0x11 and d.read(0x1018) == 0
    d.fast(0, 1, PIRQ_EOI, 1)
    assert targets(d) == [0, 1, 1]
