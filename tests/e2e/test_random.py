"""Random traffic of all roles over the whole controller, every commit checked by the model.

Every run prints its seed and the command that replays it alone, what met what how often, and how
many operations were issued while others were under way.
"""

import os
from collections import Counter
from functools import cache

import pytest
from amaranth import Module, Signal

from vapic.policy import POLICIES, Policy
from vapic.regs import address
from vapic_sim.engine import Simulator
from vapic_sim.model import AcceptResult
from vapic_sim.verify.configs import CONFIGS
from vapic_sim.verify.meetings import KINDS, Meetings
from vapic_sim.verify.rig import Rig
from vapic_sim.verify.state import HardwareState, difference
from vapic_sim.verify.traffic import Traffic


async def compare(rig, traffic, hardware):
    """Quiescent: memories against the model, then a sample of registers over the bus."""
    await traffic.access(address("CTRL"), 1)     # without RETRY, which never rests
    await rig.settle()
    rig.model.check_quiet()
    model = rig.model.state()
    assert difference(hardware.read(rig.ctx), model) == []
    frozen, upcall = rig.ctx.get(rig.dut.frozen), rig.ctx.get(rig.dut.upcall)
    for v, vcpu in enumerate(model["vcpus"]):
        freeze = vcpu["ctl"] >> 16 & 1
        assert frozen >> v & 1 == freeze
        assert upcall >> v & 1 == (vcpu["upcall"] and not freeze)
    for n in range(rig.config.pirqs):
        await traffic.access(address("REQSTAT", n))
    for name in ("COALESCED", "PARKED", "SPURIOUS", "ABORTS", "ERRSTAT", "ERRINFO"):
        await traffic.access(address(name))
    for v in range(rig.config.vcpus):
        for name in ("VCPU_GRANTS", "VCPU_WAKES", "VCPU_ABORTS", "VCPU_LOAD"):
            await traffic.access(address(name, v))


def check_books(rig, traffic):
    """Quiescent: check what came in since the last time, and forget it; the longest selection."""
    check_accesses(rig, traffic)
    check_traces(rig)
    worst = check_latency(rig)
    for book in (traffic.issued, rig.monitor.history, rig.traces, rig.model.expected_traces,
                 rig.model.core.warnings):
        book.clear()
    return worst


def check_accesses(rig, traffic):
    """Every access has its record, in the order of issue, not before it and not after its end.

    Nor does it take longer than GEN-01 allows, but for those that end what is in flight.
    """
    limit = 64 + (8 + 4 * rig.config.lanes + 24) + 16
    ends_flight = {address("IOA_EOI"), address("IOA_WIN")} | {
        address("IRT_LOW", i) for i in range(rig.config.irts)}
    records = [(cycle, r) for cycle, r in rig.monitor.history
               if r.op in ("BUS", "CTL", "MSI")]
    assert len(traffic.issued) == len(records)
    for issue, (cycle, record) in zip(traffic.issued, records, strict=True):
        begin, end, (vmm, dom, vcpu, place, write, data, sel) = issue
        if record.op == "BUS" and record.addr == place & ~3:
            assert (record.vmm, bool(record.we), record.sel) == (vmm, write, sel)
            if not vmm:
                assert (record.dom, record.vcpu) == (dom, vcpu)
            if write:
                assert record.data & 0xFFFFFFFF == data
        elif record.op == "CTL":
            assert place == address("VCPU_CTL", record.row) and record.data == data
        elif record.op == "MSI":
            assert record.addr == place and record.data == data
        else:
            raise AssertionError(f"access of {place:#x} at {begin}: next record is {record}")
        assert begin <= cycle <= end + 1
        assert end - begin <= limit or (write and place in ends_flight)


def check_latency(rig):
    """Every selection ends within T_GRANT of its start, or of the last RETRY; the longest.

    Several targets have a longer one, a target whose row is busy one cycle more, and an answer
    RETRY starts anew (docs/deviations.md).
    """
    lanes = rig.config.lanes
    bound, start, worst = 8 + lanes + 16 + 1, None, 0
    for cycle, record in rig.monitor.history:
        if record.op == "START":
            start = cycle
        elif start is not None and record.op in ("ACCEPT", "GRANT", "END"):
            several = record.op != "END" and record.data & 0x600 != 0x600
            extra = 8 + 3 * lanes * (record.op == "GRANT") if several else 0
            worst = max(worst, cycle - start)
            assert cycle - start <= bound + extra
            if record.op == "ACCEPT" and record.result & 7 == AcceptResult.RETRY:
                start = cycle
    return worst


def check_traces(rig):
    """Each grant left one record on the trace stream, the one that the model expects."""
    names = ("n", "kind", "candidates", "eligible", "policy", "key", "target", "port")
    expected = [tuple(int(getattr(t, name)) for name in names) for t in rig.model.expected_traces]
    assert [tuple(int(getattr(t, name)) for name in names) for t in rig.traces] == expected


def policies(rig):
    """Grants by policy since the books were last forgotten."""
    return Counter(f"by {Policy(trace.policy).name}" for trace in rig.traces)


def run(rig, name, seed, operations, capsys):
    """Random traffic; the meetings by kind, operations and those that overlapped."""
    counts, worst = Counter(), 0

    async def scenario(rig):
        nonlocal worst
        traffic, hardware = Traffic(rig, seed), HardwareState(rig.dut)
        meetings = Meetings(rig.model)
        rig.monitor.observers.append(meetings)
        await traffic.prepare()
        traffic.shake(True)
        while traffic.operations < operations:
            await traffic.step()
            if traffic.due():
                traffic.shake(False)
                await compare(rig, traffic, hardware)
                counts.update(policies(rig))
                worst = max(worst, check_books(rig, traffic))
                traffic.shake(True)
        traffic.shake(False)
        await compare(rig, traffic, hardware)
        counts.update(policies(rig))
        worst = max(worst, check_books(rig, traffic))
        counts.update(meetings.count)
        counts.update(operations=traffic.operations, overlapped=traffic.overlapped)

    with capsys.disabled():
        print(f"\nrandom traffic, {name}: replay with "
              f"VAPIC_SEED={seed} VAPIC_OPERATIONS={operations} "
              f".venv/bin/python -m pytest tests/e2e/test_random.py -k 'replay and {name}'")
    rig.run(scenario)
    check_traces(rig)
    worst = max(worst, check_latency(rig))
    assert worst > 0
    with capsys.disabled():
        print(f"  {dict(counts)}, longest selection {worst} cycles")
    return counts


def check_counts(counts):
    """Every kind of meeting happened, and half of the operations overlapped."""
    for kind in KINDS:
        assert counts[kind] > 0, f"no meeting of kind {kind}"
    assert 2 * counts["overlapped"] >= counts["operations"]


def check_grants(counts):
    """Some grants went by each policy."""
    for policy in POLICIES.values():
        assert counts[f"by {policy.number.name}"] > 0, f"no grant by {policy.name}"


@cache
def engine(asked):
    """The engine that simulates here, when the environment asks for this one."""
    m = Module()
    m.d.sync += Signal().eq(1)
    return Simulator(m).engine


def only_on(wanted):
    if engine(os.environ.get("VAPIC_ENGINE")) != wanted:
        pytest.skip(f"the {wanted} engine's share")


def run_all(seeds, operations, capsys, names=CONFIGS):
    """Several configurations and seeds, their meetings together."""
    total = Counter()
    for name in names:
        for seed in seeds:
            total.update(run(Rig(CONFIGS[name]), name, seed, operations, capsys))
    check_counts(total)
    return total


def test_random_traffic_2_k_operations(capsys):
    only_on("python")
    run_all([9], 800, capsys)


@pytest.mark.slow
def test_random_traffic_20_k_operations(capsys):
    only_on("python")
    run_all([2, 3, 4, 5, 6], 1400, capsys)


@pytest.mark.parametrize("seed", range(10, 12))
def test_random_traffic_50_k_operations(seed, capsys):
    only_on("compiled")
    check_grants(run_all([seed], -(-50_000 // 6), capsys))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 28))
@pytest.mark.parametrize("name", CONFIGS)
def test_random_traffic_1_m_operations(name, seed, capsys):
    only_on("compiled")
    run_all([seed], -(-1_000_000 // 24), capsys, [name])


@pytest.mark.parametrize("name", CONFIGS)
def test_replay(name, capsys):
    """One run alone, of the seed and length that the environment names."""
    run(Rig(CONFIGS[name]), name, int(os.environ.get("VAPIC_SEED", "9")),
        int(os.environ.get("VAPIC_OPERATIONS", "60")), capsys)
