"""Recorded behaviour of other implementations, replayed on the model's I/O APIC and vLAPICs.

The recordings have an APIC bus between the two that takes every message, named or not, at once;
so the messages of the model's table are taken off by the test and handed to the vLAPICs that
match. ICR and LVT are not built: the test keeps their registers and sends for them.
"""

import gzip
import json
from pathlib import Path

import pytest

from vapic_sim.model import Params

from .model_driver import Driver

FILES = sorted(Path(__file__).parents[1].joinpath("vectors").glob("*.jsonl.gz"))
EFFECTS = ("expect_deliver", "expect_accept", "expect_eoi_broadcast")
UNBUILT = (0x300, 0x310, *range(0x320, 0x3F0, 16))
LVT = {"timer": 0x320, "thermal": 0x330, "perf": 0x340, "lint0": 0x350, "lint1": 0x360,
       "error": 0x370}
FIXED, LOWEST = 0, 1


class Bench:
    """APIC bus, ICR and LVT around a model."""

    def __init__(self, config):
        self.cpus = config["cpus"]
        count = max(1, self.cpus)
        self.driver = Driver(Params(rtes=24, irts=0, vcpus=count, lanes=count, domains=2, ports=32,
                                    ioa_version=config.get("version", 32)))
        self.driver.auto = False
        for v in range(count):
            self.driver.lapic_write(v, 0xF0, 0xFF)
        self.model = self.driver.model
        self.extra = {}
        self.effects = []

    def send(self, dest, logical, mode, vector, trigger, only=None):
        if mode not in (FIXED, LOWEST):
            return
        for vcpu in self.model.core.vcpus[:self.cpus]:
            matched = dest == 0xFF or (only is not None and vcpu.v in only)
            apic = vcpu.apic
            if only is None and not matched:
                if not logical:
                    matched = dest == apic.id
                elif apic.dfr == 0xF:
                    matched = dest & apic.ldr
                else:
                    matched = dest >> 4 == apic.ldr >> 4 and dest & apic.ldr & 0xF
            if matched and (only is None or vcpu.v in only) and apic.svr & 0x100 and vector >= 16:
                if self.model.core.accept(vcpu, vector, bool(trigger)):
                    self.effects.append(("expect_accept", vcpu.v, vector, trigger))

    def serve(self):
        """Take every message that the table wants to send."""
        core = self.model.core
        for request in core.requests:
            if not core.request_fault(request.n):
                if request.level:
                    request.rirr = True
                else:
                    request.pend = False
                message = (request.dest, int(request.logical), request.mode, request.vector,
                           int(request.level))
                self.effects.append(("expect_deliver", request.n, *message))
                self.send(*message)

    def icr(self, cpu, low):
        kind, everyone = low >> 18 & 3, set(range(self.cpus))
        only = (None, {cpu}, everyone, everyone - {cpu})[kind]
        dest = self.extra.get((cpu, 0x310), 0) >> 24
        if kind == 2:
            dest = 0xFF
        self.send(dest, low & 0x800, low >> 8 & 7, low & 0xFF, 0, only)

    def stimulus(self, op, line):
        cpu = line.get("cpu", 0)
        if op == "pin":
            self.driver.line(line["n"], line["level"])
        elif op == "ioapic_write":
            self.driver.write(line["off"], line["val"])
        elif op == "eoi_broadcast":
            self.model.core.ioapic.lapic_eoi(0, line["vector"])
        elif op == "msi":
            self.send(line["dest"], line["dm"], line["mode"], line["vector"], line["trigger"])
        elif op == "lvt_fire":
            entry = self.extra.get((cpu, LVT[line["lvt"]]), 0x10000)
            if not entry & 0x10000:
                self.send(0, 0, entry >> 8 & 7, entry & 0xFF, 0, {cpu})
        elif op == "lapic_init":
            apic = self.model.core.vcpus[cpu].apic
            apic.reset(apic.id)
            self.extra = {key: value for key, value in self.extra.items() if key[0] != cpu}
        elif op == "intack":
            assert self.driver.inta(cpu) == line["expect_vector"]
        elif op == "lapic_write" and line["off"] in UNBUILT:
            self.extra[cpu, line["off"]] = line["val"]
            if line["off"] == 0x300:
                self.icr(cpu, line["val"])
        elif op == "lapic_write":
            apic = self.model.core.vcpus[cpu].apic
            served = apic.isrv if apic.isr else None
            self.driver.lapic_write(cpu, line["off"], line["val"])
            if line["off"] == 0xB0 and served is not None and apic.tmr >> served & 1:
                self.effects.append(("expect_eoi_broadcast", served))
        elif op == "cr8_write":
            self.driver.lapic_write(cpu, 0xFA0, line["val"])
        else:
            pytest.fail(f"unknown operation {op}")
        self.serve()

    def check(self, op, line):
        mask = line.get("mask", 0xFFFF_FFFF)
        if op == "ioapic_read":
            assert self.driver.read(line["off"]) & mask == line["expect"] & mask
        elif op == "lapic_read" and line["off"] not in UNBUILT and line["off"] != 0x30:
            assert self.driver.lapic_read(line["cpu"], line["off"]) & mask == line["expect"] & mask
        elif op == "expect_intr":
            apic = self.model.core.vcpus[line["cpu"]].apic
            assert (apic.irrv if apic.intr else None) == line["vector"]


def effect(op, line):
    if op == "expect_deliver":
        return (op, line["pin"], line["dest"], line["dm"], line["mode"], line["vector"],
                line["trigger"])
    if op == "expect_accept":
        return op, line["cpu"], line["vector"], line["trigger"]
    return op, line["vector"]


def carried(name):
    """Kinds of effects that a file lists."""
    if name.startswith("ioapic"):
        return EFFECTS[:1]
    return EFFECTS[1:] if name.startswith("lapic") else EFFECTS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_recorded_vectors(path):
    with gzip.open(path, "rt") as file:
        lines = [json.loads(line) for line in file]
    bench, expected, kinds = Bench(lines[0]), [], carried(path.name)

    def compare():
        found = [one for one in bench.effects if one[0] in kinds]
        assert sorted(found) == sorted(expected), line

    checked = 0
    for line in lines[1:]:
        op = line["op"]
        if op in EFFECTS:
            expected.append(effect(op, line))
        elif op in ("expect_event", "apic_base", "round") or line.get("init"):
            continue
        elif op.endswith("_read") or op == "expect_intr":
            bench.check(op, line)
            checked += 1
        else:
            compare()
            expected.clear()
            bench.effects.clear()
            bench.stimulus(op, line)
    compare()
    assert checked
