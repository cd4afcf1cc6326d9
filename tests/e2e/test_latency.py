"""Cycles from the edge at a pin to what software sees of it, while nothing else is under way.

A port is pending in the cycle of the grant's commit record: an access decided in it sees the bit,
which the golden model checks of every access.
"""

import pytest

from vapic import Config
from vapic.layouts import Mode
from vapic.policy import POLICIES, Policy
from vapic.record import Op
from vapic.regs import pack
from vapic_sim.verify.rig import Rig

CONFIG = Config()
#: Cycles at most, both flip-flops of the synchroniser among them, by rounds of the policy.
BOUNDS = {"pending": {1: 18, 2: 18}, "irq": {1: 20, 2: 21}, "upcall": {1: 26, 2: 26}}
#: What sees it, by path of the entry.
SEEN = {"lapic": ("irq",), "evt": ("pending", "upcall")}
#: Both ends of the table, and both edges of a group of the picker.
PINS = (0, 7, 8, CONFIG.rtes - 1)
_LIMIT = 100


@pytest.fixture(scope="module")
def rig(simulation_engine):
    return Rig(CONFIG)


def latencies(rig, path, policy, n):
    """Cycles from the edge of pin n to each thing that sees it, all lanes being candidates."""
    cycles, record = {}, rig.dut.commits.evt
    looks = {
        "pending": lambda get: get(record.valid) and get(record.record.op) == Op.GRANT.value,
        "irq": lambda get: get(rig.dut.irq),
        "upcall": lambda get: get(rig.dut.upcall),
    }

    async def scenario(rig):
        await rig.setup(CONFIG.lanes)
        await rig.write("REQX", n, value=pack("REQX", path=path == "evt", policy=policy, allow=7))
        for lane in range(CONFIG.lanes):
            await rig.bind(n, lane)
            await rig.write("EVT_UPCALL", 0, lane, value=pack("EVT_UPCALL", mask=0))
        await rig.rte(n, vector=0x61, mode=Mode.LOWEST.value, dest=0xFF)
        await rig.settle()
        assert not any(look(rig.ctx.get) for look in looks.values())
        rig.line(n, 1)
        for cycle in range(_LIMIT):
            for name in SEEN[path]:
                if name not in cycles and looks[name](rig.ctx.get):
                    cycles[name] = cycle
            await rig.ticks(1)
        rig.line(n, 0)

    rig.run(scenario)
    return cycles


@pytest.mark.parametrize("path", SEEN)
def test_edge_is_seen_in_time(rig, path, capsys):
    measured = {name: {} for name in SEEN[path]}
    for policy in CONFIG.policies:
        for n in PINS:
            cycles = latencies(rig, path, Policy[policy.upper()], n)
            for name in SEEN[path]:
                measured[name].setdefault(policy, []).append(cycles[name])
    with capsys.disabled():
        for name, policies in measured.items():
            text = ", ".join(f"{policy} {min(cycles)}..{max(cycles)}"
                             for policy, cycles in policies.items())
            print(f"\ncycles from pin edge to {name}: {text}", end="")
    for name, policies in measured.items():
        for policy, cycles in policies.items():
            assert max(cycles) <= BOUNDS[name][POLICIES[policy].rounds]
