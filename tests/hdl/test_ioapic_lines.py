"""A line that is due to change in the very cycle in which a register of the I/O APIC is written.

Lines rest in such a cycle: the change comes one cycle later, and so must its effect on a grant that
is decided in between. The golden model is told of lines, writes and grants in the order of their
commits, so it judges besides whether each grant was rightly made or aborted.
"""

import pytest

from vapic import Config
from vapic.regs import pack
from vapic_sim.model import AcceptResult
from vapic_sim.verify.rig import Rig

CONFIG = Config(rtes=2, irts=0, vcpus=1, lanes=1, domains=2, ports=32, vectors=128)
PIN, OTHER, VECTOR = 0, 1, 0x61
#: Cycles from the rise of the pin to an access that writes the other entry, and from the start of
#: that access to the change of the pin; the very cycle is among them.
WAITS, AFTERS = range(4, 18), range(4, 7)
#: Cycles from the take of a target by the event channels to its decision.
EVT_GRANT = 4


class Lines:
    """A rig whose pin changes while its bus is busy.

    Attributes
    ----------
    plan : list of (int, int)
        Cycles of the rig and levels to come, in order.
    """

    def __init__(self):
        self.rig, self.plan = Rig(CONFIG), []
        self.rig.sim.add_testbench(self._drive, background=True)

    async def _drive(self, ctx):
        while True:
            await ctx.tick()
            while self.plan and self.plan[0][0] <= self.rig.cycle:
                self.rig.line(PIN, self.plan.pop(0)[1])


@pytest.fixture(scope="module")
def lines(simulation_engine):
    return Lines()


async def meet(lines, path, wait, changes):
    """Raise the pin, write the other entry `wait` cycles later, and change the pin meanwhile.

    Returns
    -------
    tuple
        Cycle of the write's commit, cycle and result of the first grant's, if there is one, and
        cycles from the last change of the pin to that of its line.
    """
    rig = lines.rig
    rig.monitor.history.clear()
    rig.line(PIN, 1)
    await rig.ticks(wait)
    lines.plan = [(rig.cycle + after, level) for after, level in changes]
    due, level = lines.plan[-1]
    await rig.write("REQX", OTHER, value=pack("REQX", allow=7))
    await rig.ticks(8)
    history = list(rig.monitor.history)
    rig.line(PIN, 0)
    await rig.settle()
    if path == "evt":
        await rig.write("EVT_PENDING_W1C", 0, 0, value=0xFFFFFFFF)
        await rig.fast(0, "EVT_PIRQ_EOI", PIN)
    elif await rig.inta(0) is not None:
        await rig.eoi(0)
    (write,) = [cycle for cycle, record in history if record.op == "BUS"]
    changed = [cycle for cycle, record in history if record.op == "LINES" and cycle > due
               and record.data >> PIN & 1 == level]
    grants = [(cycle, AcceptResult(record.result & 7)) for cycle, record in history
              if record.op in ("ACCEPT", "GRANT")]
    return write, grants[0] if grants else None, changed[0] - due


@pytest.mark.parametrize("path", ["lapic", "evt"])
@pytest.mark.parametrize("pulse, expected", [
    (lambda after: [(after, 0)], AcceptResult.SET),                         # still a request
    (lambda after: [(after - 3, 0), (after, 1)], AcceptResult.ABORT),       # not yet one again
], ids=["falls", "rises"])
def test_a_grant_sees_a_line_that_rested_as_it_was(lines, path, pulse, expected):
    met = []

    async def scenario(rig):
        await rig.setup(1)
        await rig.write("REQX", PIN, value=pack("REQX", path=path == "evt", allow=7))
        await rig.bind(PIN, 0)
        await rig.rte(PIN, vector=VECTOR, level=1, dest=0xFF)
        for wait in WAITS:
            for after in AFTERS:
                met.append(await meet(lines, path, wait, pulse(after)))

    lines.rig.run(scenario)
    usual = min(delay for _, _, delay in met)
    assert max(delay for _, _, delay in met) == usual + 1
    rested = [(write, grant) for write, grant, delay in met if delay > usual]
    between = [grant[1] for write, grant in rested if grant and grant[0] == write + 1]
    if path == "lapic":
        assert between == [expected]
    else:
        # A write is put off while the event channels are at a target; the first that they take all
        # the same is taken in the cycle before the write.
        assert not between
        assert min(grant[0] - write for write, grant, _ in met
                   if grant and grant[0] >= write) == EVT_GRANT - 1
