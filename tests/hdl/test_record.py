# amaranth: UnusedElaboratable=no
"""Recorder and CommitOrder against the table, read in another way."""

import random
from itertools import pairwise

import pytest

from vapic.config import Config
from vapic.layouts import Layouts
from vapic.record import TABLE, UNITS, CommitOrder, Op, Recorder, place, record_ports
from vapic_sim.harness import simulate

CONFIG = Config(commits=True)
REQUEST = Layouts(CONFIG).bus_request
FIELDS = ("row", "addr", "data", "result")


def values_of(row):
    return [value for name in FIELDS for value in getattr(row, name)]


def expected(row, early, late):
    """The record of a decision, as whole numbers; `early` and `late` are what was told when."""
    told = late if row.now else {**early, **{
        value.name: late[value.name] for value in values_of(row) if value.late}}
    record = dict.fromkeys(("op", "vmm", "dom", "vcpu", "we", "sel", *FIELDS), 0)
    if row.request:
        record |= told["request"]
    record["op"] = row.op.value
    for name in FIELDS:
        if values := getattr(row, name):
            bits = "".join(f"{told[value.name]:0{value.width}b}" for value in reversed(values))
            record[name] = int(bits, 2)
    return record


@pytest.mark.parametrize("unit", UNITS)
def test_recorder(unit):
    rows = list({row.op: row for row in TABLE if row.unit == unit}.values())
    dut, rng, seen = Recorder(CONFIG, unit), random.Random(unit), set()

    def tell(row):
        told = {value.name: rng.getrandbits(value.width) for value in values_of(row)}
        if row.request:
            told["request"] = {name: rng.getrandbits(field.width) for name, field in REQUEST}
        return told

    async def bench(ctx):
        before, told_before = None, {}
        for _ in range(200):
            told = {row: tell(row) for row in rows}
            # One record a cycle: nothing is decided for now while one of before is there.
            decided = rng.choice([None, *(row for row in rows if not (row.now and before))])
            for row in rows:
                ctx.set(getattr(dut, row.op.name.lower()), told[row] | {"valid": row is decided})
            present = decided if decided and decided.now else before
            assert ctx.get(dut.commits.valid) == (present is not None)
            if present:
                record = ctx.get(dut.commits.record)
                wanted = expected(present, told_before.get(present), told[present])
                assert {name: record[name] for name in wanted} == wanted
                seen.add(present.op)
            await ctx.tick()
            before, told_before = (None if decided and decided.now else decided), told

    simulate(dut, bench)
    assert seen == {row.op for row in rows}


def test_order():
    dut, rng, met = CommitOrder(CONFIG), random.Random(1), set()

    async def bench(ctx):
        total = 0
        for _ in range(300):
            rows = [rng.choice([row for row in TABLE if row.unit == unit]) for unit in UNITS]
            together = [row for row in rows if rng.randrange(2)]
            for row in rows:
                port = getattr(dut, f"in_{row.unit}")
                ctx.set(port.valid, row in together)
                ctx.set(port.record, {"op": row.op.value, "row": TABLE.index(row), "we": (
                    rng.randrange(2) if row.writes is None else row.writes)})
            ports = [getattr(dut, row.unit) for row in together]
            assert all(ctx.get(port.valid) for port in ports)
            records = sorted((ctx.get(port.record) for port in ports), key=lambda r: r.seq)
            assert [record.seq for record in records] == list(range(total, total + len(ports)))
            places = [record.row for record in records]
            assert places == sorted(places)
            met.update(pairwise(places))
            total += len(ports)
            await ctx.tick()

    simulate(dut, bench)
    assert len(met) > 60


def test_table_is_whole():
    assert {row.op for row in TABLE} == set(Op)
    record = Layouts(CONFIG).commit
    for i, row in enumerate(TABLE):
        for name in FIELDS:
            width = sum(value.width for value in getattr(row, name))
            assert width <= record[name].width, (row.unit, row.op, name)
        for writes in (False, True) if row.writes is None else (row.writes,):
            assert place(row.unit, row.op, writes) == i
        assert row.writes is None or row.request
    assert set(UNITS) == {row.unit for row in TABLE}


def test_no_ports_in_a_circuit():
    assert record_ports(Config()) == {} and list(record_ports(CONFIG)) == ["commits"]


def test_places_within_a_cycle():
    """Reads first, parameters last, and a start after all that it rests on (GEN-09)."""
    assert [f"{row.unit} {row.op.name}{ {None: '', False: ' read', True: ' write'}[row.writes]}"
            for row in TABLE] == [
        "access BUS read", "ioapic BUS read", "ioapic BUS write", "dispatch END", "bank BUS",
        "bank CTL", "evt BUS", "evt MASK_BIT", "bank ACCEPT", "bank UPCALL", "evt GRANT",
        "lines LINES", "msi MSI", "access BUS write", "dispatch START"]
