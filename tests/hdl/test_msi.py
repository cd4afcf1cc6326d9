# amaranth: UnusedElaboratable=no
"""MsiIntake against a plain Python reference."""

import random

import pytest

from vapic.config import Config
from vapic.layouts import Err
from vapic.msi.intake import MsiIntake
from vapic.record import Op
from vapic_sim.harness import simulate


def expected(config, access):
    """Index of a message that is taken, else None, and the error (MSI-04)."""
    addr, data = access["addr"], access["data"]
    if access["we"] and access["sel"] != 15:
        return None, Err.PARTIAL
    handle = addr >> 5 & 0x7FFF | (addr >> 2 & 1) << 15
    index = handle + (data & 0xFFFF if addr & 8 else 0)
    if not access["we"] or addr >> 20 != 0xFEE or not addr & 16 or index >= config.irts:
        return None, Err.MSI
    return index, Err.NONE


@pytest.mark.parametrize("irts", [0, 1, 6, 256])
def test_follows_reference(irts):
    config = Config(irts=irts, commits=True)
    dut, rng = MsiIntake(config), random.Random(irts)
    found = set()

    def said(ctx, access, index, err):
        """In the cycle after its decision a message goes out, is answered and recorded."""
        assert ctx.get(dut.message.valid) == (index is not None)
        if index is not None:
            assert ctx.get(dut.message.index) == index
        assert ctx.get(dut.bus.rsp.valid) and ctx.get(dut.commits.valid)
        answer, record = ctx.get(dut.bus.rsp.payload), ctx.get(dut.commits.record)
        assert (answer.data, answer.berr, answer.err) == (0, 0, err)
        assert record.result == (index is not None) and record.op == Op.MSI
        assert all(record[name] == access[name] for name in access)

    async def bench(ctx):
        last = None
        for _ in range(400):
            index, shift = rng.randrange(max(1, irts + 2)), rng.randrange(2)
            part = rng.randrange(index + 1) if shift else 0
            addr = (0xFEE00010 | (index - part & 0x7FFF) << 5 | shift << 3 | rng.getrandbits(2))
            addr ^= rng.choice((0, 0, 0, 0, 0, 4, 16, 1 << 20, 1 << 19))
            access = {"addr": addr, "data": part | rng.getrandbits(16) << 16, "we": 1, "sel": 15,
                      "vmm": rng.randrange(2), "dom": rng.randrange(4), "vcpu": rng.randrange(16)}
            access["we"] = int(rng.randrange(10) != 0)
            access["sel"] = rng.choice((15, 15, 15, 15, 3))
            index, err = expected(config, access)
            found.add(err)
            ctx.set(dut.bus.req.payload, access)
            ctx.set(dut.bus.req.valid, 1)
            # Looked at for a cycle, in which the one before may be answered; then decided.
            for decided in (0, 1):
                assert ctx.get(dut.bus.req.ready) == decided and not ctx.get(dut.quiet)
                if last:
                    said(ctx, *last)
                else:
                    assert not ctx.get(dut.message.valid) and not ctx.get(dut.bus.rsp.valid)
                    assert not ctx.get(dut.commits.valid)
                last = None
                await ctx.tick()
            last = access, index, err
            if rng.randrange(2):
                ctx.set(dut.bus.req.valid, 0)
                ctx.set(dut.bus.req.payload, {"addr": rng.getrandbits(32)})
                assert not ctx.get(dut.bus.req.ready) and not ctx.get(dut.quiet)
                said(ctx, *last)
                last = None
                await ctx.tick()
                assert not ctx.get(dut.message.valid) and not ctx.get(dut.bus.rsp.valid)
                assert not ctx.get(dut.commits.valid)
                assert ctx.get(dut.quiet) and ctx.get(dut.ready)

    simulate(dut, bench)
    assert found == {Err.NONE, Err.MSI, Err.PARTIAL} - ({Err.NONE} if not irts else set())


def test_shift_may_overflow_the_handle():
    dut = MsiIntake(Config(irts=32))

    async def bench(ctx):
        # Handle 0xffff plus 2 is index 0x10001, beyond the table, not index 1.
        ctx.set(dut.bus.req.payload, {"addr": 0xFEEFFFFC, "data": 2, "we": 1, "sel": 15})
        ctx.set(dut.bus.req.valid, 1)
        await ctx.tick().repeat(2)
        assert not ctx.get(dut.message.valid) and ctx.get(dut.bus.rsp.valid)
        assert ctx.get(dut.bus.rsp.payload.err) == Err.MSI

    simulate(dut, bench)
