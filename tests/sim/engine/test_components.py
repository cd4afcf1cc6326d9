"""Every component of the project, on both engines: random inputs, equal outputs in every cycle."""

import importlib
import pkgutil

import pytest
from amaranth.hdl import Elaboratable, Module, ResetInserter, Signal, Value
from amaranth.lib import wiring

import vapic
from vapic.config import Config
from vapic.layouts import Layouts
from vapic.rows import Read
from vapic_sim.engine import Simulator

from .stimuli import flat, ports, words
from .twins import ENGINES

CONFIG = Config(rtes=3, irts=2, vcpus=4, lanes=3, domains=2, ports=32, vectors=64, trace_depth=3,
                msi_bus=True, commits=True)

#: Arguments of the constructor of every component: positional ones, and by name.
ARGUMENTS = {name: ((CONFIG,), {}) for name in (
    "AcceptSource", "AccessDecoder", "AccessUnit", "Bank", "BitmapStage", "BitmapSummary",
    "BitmapWords", "BusAnswer", "BusSource", "ChangeWatch", "CommitOrder", "Controller",
    "DecideStage", "Delivery", "Dispatch", "Entries", "EoiMatch", "EventChannels", "FlightEnder",
    "Flags", "GlobalRegisters", "Initialise", "Ioapic", "LaneSnapshot", "LaneStore", "LaneTest",
    "LaneView", "LookupStage", "MsiIntake", "NoteSource", "Operands", "PolicyDecoder", "Priority",
    "Readout", "RegisterRead", "RegisterUpdate", "Registers", "RequestSnapshot",
    "RequestState", "Rights", "Rotation", "Rounds", "SubjectStage", "TraceQueue", "UpcallStage",
    "UpcallUpdate", "VcpuCounter", "VcpuCounters", "VcpuOutputs", "Verdict", "Window")} | {
    "Recorder": ((CONFIG, "bank"), {}),
    "SinkSlice": ((CONFIG, Layouts(CONFIG).accept), {}),
    "Decode": ((CONFIG, Layouts(CONFIG)), {}),
    "ErrorLog": ((), {}),
    "Issue": ((CONFIG,), {"sources": 3, "stages": 6}),
    "LaneKey": ((CONFIG,), {"lane": 1}),
    "Lines": ((3,), {}),
    "Picker": ((9,), {}),
    "RoundRobin": ((5,), {}),
    "RowMemory": ((8, 5), {"sweep": True, "reads": {
        "now": Read.NOW, "before": Read.BEFORE, "held": Read.HELD}}),
    "SourceArbiter": ((CONFIG, 3), {}),
    "Store": ((CONFIG, Layouts(CONFIG)), {}),
    "StreamSkid": ((Layouts(CONFIG).accept,), {}),
    "StreamSlice": ((Layouts(CONFIG).entry,), {}),
    "Sweep": ((5,), {}),
    "Tournament": ((), {"lanes": 5, "tie_bits": 3, "key_bits": 8}),
}


def components():
    """All component classes of the package, by name."""
    found = {}
    for module in pkgutil.walk_packages(vapic.__path__, "vapic."):
        for value in vars(importlib.import_module(module.name)).values():
            if (isinstance(value, type) and issubclass(value, wiring.Component)
                    and value.__module__.startswith("vapic.")):
                assert found.setdefault(value.__name__, value) is value
    return found


COMPONENTS = components()


def test_no_component_is_missing():
    assert sorted(COMPONENTS) == sorted(ARGUMENTS)


class Rig(Elaboratable):
    """A component with a reset of its own, and a clock even if it has none."""

    def __init__(self, component):
        self.component, self.reset = component, Signal()

    def elaborate(self, platform):
        m = Module()
        m.submodules.component = ResetInserter(self.reset)(self.component)
        m.d.sync += (alive := Signal()).eq(~alive)
        return m


def outputs_of(engine, kind, cycles):
    """Values of all outputs in every cycle, and their names."""
    positional, named = ARGUMENTS[kind]
    rig = Rig(COMPONENTS[kind](*positional, **named))
    inputs, outputs = ports(rig.component)
    inputs = [*inputs, ("reset", rig.reset)]
    table, target = words(inputs, cycles, f"{kind} {cycles}"), flat(inputs)
    reset = len(target) - 1
    seen = []

    async def bench(ctx):
        tick = ctx.tick().sample(*(Value.cast(value) for _, value in outputs))
        for cycle, word in enumerate(table):
            # Only two resets, as initialisation takes its time.
            in_reset = cycle % (cycles // 2) == cycles // 2 - 3
            ctx.set(target, word & ~(1 << reset) | in_reset << reset)
            seen.append((await tick)[2:])

    sim = Simulator(rig, engine=engine, probes=[value for _, value in outputs])
    assert sim.engine == engine
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    return [name for name, _ in outputs], seen


def compare(kind, cycles):
    """Assert equal outputs; the message names the first place where they differ."""
    names, first = outputs_of(ENGINES[0], kind, cycles)
    _, second = outputs_of(ENGINES[1], kind, cycles)
    assert len(first) == len(second) == cycles
    for cycle, (expected, actual) in enumerate(zip(first, second, strict=True)):
        if expected != actual:
            wrong = [f"{name}: {ENGINES[0]} {a:#x}, {ENGINES[1]} {b:#x}"
                     for name, a, b in zip(names, expected, actual, strict=True) if a != b]
            raise AssertionError(f"{kind}, cycle {cycle}: " + "; ".join(wrong))
    still = sum(len({row[at] for row in first}) == 1 for at in range(len(names)))
    assert still < len(names), "no output ever moves: the inputs are no test"


KINDS = pytest.mark.parametrize("kind", sorted(ARGUMENTS))


@KINDS
def test_thousand_cycles(kind):
    compare(kind, 1_000)


@KINDS
@pytest.mark.slow
def test_fifty_thousand_cycles(kind):
    compare(kind, 50_000)
