"""The registry of policies: what one declares is all that the rest of the project reads."""

import pytest
from amaranth.hdl import Fragment

from vapic import Config, policy
from vapic.dispatch.lanes import kept
from vapic.dispatch.unit import Dispatch
from vapic.layouts import AcceptResult, Layouts, Mode
from vapic.policy import POLICIES, Policy, TargetPolicy, built, falls_back, key_bits
from vapic_sim.harness import simulate
from vapic_sim.run.job import POLICIES as CHOICES

SIZES = {"rtes": 4, "irts": 4, "vcpus": 4, "lanes": 4, "domains": 2, "ports": 64}


class Highest(TargetPolicy):
    """A policy that no other file knows: the greatest TPR wins."""

    lane = ("tpr",)
    because = "takes the greatest task priority"

    def key(self, lane, settings):
        return ~lane.tpr


@pytest.fixture
def highest(monkeypatch):
    monkeypatch.setitem(policy.POLICIES, "weighted", Highest(Policy.WEIGHTED))


def test_numbers_and_names_are_the_specifications():
    assert list(POLICIES) == ["lowpri", "rr", "least", "runfirst", "sticky", "pull"]
    assert [one.number for one in POLICIES.values()] == [0, 1, 2, 3, 4, 6]
    assert list(CHOICES) == ["static", *POLICIES]
    for one in POLICIES.values():
        assert one.because and one.rounds in (1, 2)
        assert {*one.settings} <= {*Layouts(Config()).globals.members}
        assert {*one.lane} - {"load"} <= {*Layouts(Config()).lane.members}


@pytest.mark.parametrize("names, fields, bits, back", [
    (("lowpri",), {"tpr", "ppr", "apr"}, 8, False),
    (("lowpri", "rr"), {"tpr", "ppr", "apr"}, 8, False),
    (("lowpri", "least"), {"tpr", "ppr", "apr", "count"}, 8, False),
    (("runfirst", "lowpri"), {"tpr", "ppr", "apr", "count", "rqpos"}, 18, False),
    (("lowpri", "sticky"), {"tpr", "ppr", "apr", "count"}, 8, True),
])
def test_a_configuration_pays_for_what_it_builds(names, fields, bits, back):
    config = Config(policies=names)
    always = {"present", "frozen", "svr_enabled", "id", "ldr", "flat", "sched", "v"}
    assert set(kept(config).members) - always == fields
    assert (key_bits(config), falls_back(config)) == (bits, back)
    assert [one.name for one in built(config)] == [name for name in POLICIES if name in names]
    dut = Dispatch(config)
    Fragment.get(dut, None)
    assert len(dut.lanes.out_memories) == (config.lanes if "count" in fields else 0)
    assert ("learn" in Layouts(config).source.members) == back


def test_one_file_is_a_policy(highest):
    """Decoder, lanes, rounds and trace take a policy that only the registry names."""
    dut = Dispatch(Config(**SIZES, policies=("lowpri", "weighted")))
    assert "count" not in kept(Config(**SIZES, policies=("lowpri", "weighted"))).members

    async def bench(ctx):
        await ctx.tick().until(dut.ready)
        ctx.set(dut.globals, {"enable": 1, "lpcfg": 8})
        for k, tpr in enumerate((0x20, 0x70, 0x10, 0x30)):
            ctx.set(dut.lane_write, {"en": 1, "dom": 1, "lanes": 1 << k, "row": {
                "online": 1, "enabled": 1, "svr_enabled": 1, "id": k, "v": k, "flat": 1,
                "tpr": tpr}})
            await ctx.tick()
        ctx.set(dut.lane_write.en, 0)
        await ctx.tick().repeat(4)
        ctx.set(dut.requests.request, {"vector": 0x31, "mode": Mode.LOWEST, "dest": 0xFF,
                                       "allow": 7, "policy": 5, "owned": 1, "dom": 1})
        ctx.set(dut.requests.ok, 1)
        ctx.set(dut.accept.target.ready, 1)
        ctx.set(dut.requests.offer, 1)
        await ctx.tick().until(dut.accept.target.valid)
        ctx.set(dut.requests.offer, 0)
        assert ctx.get(dut.accept.target.payload.v) == 1
        await ctx.tick()
        ctx.set(dut.accept.done, {"valid": 1, "result": AcceptResult.SET})
        assert not ctx.get(dut.policy_error)
        await ctx.tick()
        ctx.set(dut.accept.done.valid, 0)
        await ctx.tick().until(dut.trace.valid)
        record = ctx.get(dut.trace.payload)
        assert (record.policy, record.key, record.target) == (Policy.WEIGHTED, 0xFF - 0x70, 1)

    simulate(dut, bench)
