"""Random traffic of all roles over the whole controller, every commit checked by the model.

A failure prints its seed and configuration; replay it with
``pytest tests/e2e/test_random.py -k SEED-NAME``, or any seed by ``VAPIC_SEED=N``.
"""

import os

import pytest
from vapic import Config
from vapic.regmap import address
from vapic_sim.agents.meetings import KINDS, Meetings
from vapic_sim.agents.rig import Rig
from vapic_sim.agents.state import difference, hardware_state
from vapic_sim.agents.traffic import Traffic

CONFIGS = {
    "small": Config(rtes=4, irts=4, vcpus=4, lanes=4, domains=3, ports=64),
    "one": Config(rtes=2, irts=0, vcpus=1, lanes=1, domains=2, ports=32, vectors=32),
    "wide": Config(rtes=5, irts=3, vcpus=12, lanes=6, domains=3, ports=96, vectors=128),
}
_SEED = os.environ.get("VAPIC_SEED")


async def compare(rig, traffic):
    """Quiescent: memories against the model, then a sample of registers over the bus."""
    await traffic.access(address("CTRL"), 1)     # without RETRY, which never rests
    await rig.settle()
    rig.model.check_quiet()
    assert difference(hardware_state(rig.ctx, rig.dut), rig.model.state()) == []
    for n in range(rig.config.pirqs):
        await traffic.access(address("REQSTAT", n))
    for name in ("COALESCED", "PARKED", "SPURIOUS", "ABORTS", "ERRSTAT", "ERRINFO"):
        await traffic.access(address(name))
    for v in range(rig.config.vcpus):
        for name in ("VCPU_GRANTS", "VCPU_WAKES", "VCPU_ABORTS", "VCPU_LOAD"):
            await traffic.access(address(name, v))


def check_order(rig, traffic):
    """Every access has its record, in the order of issue, not before it and not after its end."""
    records = [(cycle, r) for cycle, r in rig.monitor.history
               if r.op in ("BUS", "CTL", "MSI")]
    # A CTL that was ignored before it reached the bank, and mask bits, have none of their own.
    accesses = [a for a in traffic.issued]
    i = 0
    for begin, end, (vmm, dom, vcpu, place, write, data, sel) in accesses:
        assert i < len(records), f"access of {place:#x} at {begin} has no record"
        cycle, record = records[i]
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
        i += 1
    assert i == len(records)


def check_latency(rig):
    """Every selection ends within T_GRANT of its start."""
    bound = 8 + rig.config.lanes + 16
    start = worst = None
    for cycle, record in rig.monitor.history:
        if record.op == "START":
            start = cycle
        elif start is not None and record.op in ("ACCEPT", "GRANT", "END"):
            worst = max(worst or 0, cycle - start)
    assert worst is not None
    return worst, bound


def run(name, seed, operations):
    seed = int(_SEED) if _SEED else seed
    rig, counts = Rig(CONFIGS[name]), {}

    async def scenario(rig):
        traffic = Traffic(rig, seed)
        meetings = Meetings(rig.model)
        rig.monitor.observers.append(meetings)
        await traffic.prepare()
        traffic.operations = traffic.overlapped = 0
        rig.beside = traffic.lines
        while traffic.operations < operations:
            await traffic.step()
            if traffic.due():
                traffic.paused = True
                await compare(rig, traffic)
                traffic.paused = False
        traffic.paused = True
        await compare(rig, traffic)
        counts.update(meetings.count)
        counts.update(operations=traffic.operations, overlapped=traffic.overlapped)
        check_order(rig, traffic)

    print(f"\nVAPIC_SEED={seed} pytest tests/e2e/test_random.py -k {name}")
    rig.run(scenario)
    worst, bound = check_latency(rig)
    print(f"{name}: {counts}, longest selection {worst} of {bound} cycles")
    return counts


@pytest.mark.parametrize("name", CONFIGS)
def test_random_traffic_700_operations(name):
    run(name, 1, 700)
