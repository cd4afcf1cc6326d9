"""A whole controller on the bench: masters, lines, time, and the golden model looking on."""

from collections.abc import Awaitable, Callable
from typing import Any

from vapic.config import Config
from vapic.layouts import SchedState
from vapic.regs import address, mask, pack

from ..drivers import (
    bind,
    entry_write,
    eoi,
    fast_result,
    indirect_read,
    indirect_write,
    inta,
    issue,
    lapic_init,
    result,
    vmm_init,
)
from ..engine import Simulator
from ..machine.bus import BusMaster
from ..model import Model, Params
from ..model.selection import Selection
from .bench import PERIOD, Bench
from .log import KEPT
from .monitor import Monitor, TraceRecord

__all__ = ["MASKED", "Rig", "Role"]

#: Mask bit of a redirection entry.
MASKED = mask("RTE_LOW", "mask")


class Rig:
    """One controller, compiled once, in which scenarios run from reset.

    Every commit of the hardware is replayed on the golden model; a disagreement ends the scenario
    with `vapic_sim.model.Mismatch`. A scenario is an ``async def scenario(rig)``; within it the
    methods below are the VMM's or a vCPU's acts, each a real bus access or line change.

    Parameters
    ----------
    config : Config
        Sizes; ``commits`` is switched on.
    """

    def __init__(self, config: Config):
        self.config = Config(**(config.to_dict() | {"commits": True}))
        self.bench = Bench(self.config)
        self.dut = self.bench.dut
        self.params = Params.of(self.config.to_dict())
        self.vmm = BusMaster(self.bench.port, vmm=True)
        self._masters: dict[tuple[int, int], BusMaster] = {}
        self._scenario: Callable[[Rig], Awaitable[Any]] | None = None
        self._base = 0
        self.sim = Simulator(self.bench)
        self.sim.add_clock(PERIOD)
        self.sim.add_testbench(self._watch, background=True)
        self.sim.add_testbench(self._main)
        self._fresh = True

    def run(self, scenario: Callable[["Rig"], Awaitable[Any]]) -> None:
        """Run a scenario from reset to its end."""
        self._scenario, self._base = scenario, 0
        self._restart(-1, 0)
        if not self._fresh:
            self.sim.reset()
        self._fresh = False
        self.sim.run()

    def _restart(self, start: int, end: int) -> None:
        self._start, self._model = start, Model(self.params)
        self._monitor = Monitor(self.bench, self._model, start, end)

    @property
    def model(self) -> Model:
        """The golden model after all that was committed up to this cycle.

        Its state goes on only when the model is asked for, here or by `monitor`.
        """
        self._monitor.step(self.ctx)
        return self._model

    @property
    def monitor(self) -> Monitor:
        """The monitor, with all that was committed up to this cycle."""
        self._monitor.step(self.ctx)
        return self._monitor

    @property
    def traces(self) -> list[TraceRecord]:
        """Records of the trace stream so far."""
        return self.monitor.traces

    @property
    def cycle(self) -> int:
        """Cycles so far, the present one among them; that is cycle - 1 in `Monitor.history`."""
        return self.ctx.get(self.bench.now) - self._start

    @property
    def now(self) -> int:
        """Cycles since the start of the simulation."""
        return self.ctx.get(self.bench.now)

    async def reset(self) -> None:
        """Reset the hardware and start the model anew; returns when it is ready."""
        self.ctx.set(self.bench.reset, 1)
        await self.ctx.tick()
        self._monitor.step(self.ctx)
        self._restart(self.now, self.ctx.get(self.bench.log.ends))
        self.ctx.set(self.bench.reset, 0)
        await self._until_ready()

    async def _until_ready(self) -> None:
        if not self.ctx.get(self.dut.ready):
            await self.ctx.tick().until(self.dut.ready)

    async def _watch(self, ctx):
        # The scenario looks more often; this keeps the log from running over.
        while True:
            await ctx.delay(KEPT * PERIOD)
            self._monitor.step(ctx)

    async def _main(self, ctx):
        self.ctx = ctx
        await self._until_ready()
        assert self._scenario is not None
        await self._scenario(self)
        await self.settle()
        self.model.check_quiet()

    # Time.

    async def ticks(self, count: int) -> None:
        """Let `count` cycles pass; none is allowed."""
        if count:
            await self.ctx.tick().repeat(count)

    async def settle(self, limit: int = 20_000) -> None:
        """Wait until the controller is idle; AssertionError after `limit` cycles."""
        await self.ticks(4)
        end = self.now + limit
        while not self.ctx.get(self.dut.idle):
            if not await self._until(self.bench.settled, end):
                raise AssertionError(f"not idle after {limit} cycles")

    async def selection(self, limit: int) -> Selection | None:
        """The selection under way, or the next that starts within `limit` cycles, if one does.

        It returns one cycle after the start of a selection that was not under way.
        """
        end = self.now + limit
        while (selection := self.model.core.selection) is None:
            if not await self._until(self.bench.selected, end):
                return None
        return selection

    async def _until(self, condition: Any, end: int) -> bool:
        """Wait until a cycle with one of the conditions of the bench is over, but not beyond `end`.

        Whether the cycle `end` has not come yet.
        """
        if self.now >= end:
            return False
        self.ctx.set(self.bench.deadline, end - 1 & 0xFFFFFFFF)
        await self.ctx.tick().until(condition)
        return self.now < end

    # Registers.

    def master(self, v: int) -> BusMaster:
        """Bus master with the rights of vCPU v, in the domain its CTL names now."""
        dom = self.model.core.vcpus[v].dom
        master = self._masters.get((v, dom))
        if master is None:
            master = self._masters[v, dom] = BusMaster(self.bench.port, vmm=False, dom=dom, vcpu=v)
        return master

    async def write(self, name: str, *index: int, value: int, v: int | None = None,
                    sel: int = 0xF) -> None:
        """Write a register by its name in the address map, as the VMM or as vCPU v."""
        master = self.vmm if v is None else self.master(v)
        await master.write(self.ctx, address(name, *index), value, sel=sel)

    async def read(self, name: str, *index: int, v: int | None = None) -> int:
        """Read a register by its name in the address map, as the VMM or as vCPU v."""
        master = self.vmm if v is None else self.master(v)
        return await master.read(self.ctx, address(name, *index))

    def role(self, v: int | None) -> "Role":
        """Registers as the VMM or as vCPU v, for drivers."""
        return Role(self, v)

    async def ioa_write(self, index: int, value: int) -> None:
        """Write an indirect I/O APIC register."""
        await indirect_write(self, index, value)

    async def ioa_read(self, index: int) -> int:
        """Read an indirect I/O APIC register."""
        return await indirect_read(self, index)

    async def rte(self, n: int, vector: int, *, mode: int = 0, logical: int = 0, low: int = 0,
                  level: int = 0, mask: int = 0, dest: int = 0) -> None:
        """Set up redirection entry n, high word first."""
        await entry_write(
            self, n, rtes=self.config.rtes, high=pack("RTE_HIGH", dest=dest),
            low=pack("RTE_LOW", vector=vector, mode=mode, logical=logical, polarity=low,
                     trigger=level, mask=mask))

    # Lines.

    def line(self, n: int, level: int) -> None:
        """Drive pin n."""
        shaker, bit = self.bench.shaker, 1 << n
        flipped = self.ctx.get(shaker.flips) >> n & 1
        self._base = self._base | bit if level != flipped else self._base & ~bit
        self.ctx.set(shaker.base, self._base)

    def level(self, n: int) -> int:
        """What pin n is driven to."""
        return self.ctx.get(self.dut.pin) >> n & 1

    async def pulse(self, n: int, cycles: int = 3) -> None:
        """Raise pin n for some cycles, then wait as long with it low."""
        self.line(n, 1)
        await self.ticks(cycles)
        self.line(n, 0)
        await self.ticks(cycles)

    # vCPUs.

    async def setup(self, vcpus: int = 4, *, domain: int = 0) -> None:
        """Bring vCPUs 0.. online as lanes 0.. of one domain: running, xAPIC enabled by SVR."""
        for v in range(vcpus):
            await vmm_init(self, v, dom=domain, k=v, sched=SchedState.RUNNING.value)
            await lapic_init(self.role(v), v, flat=True)

    async def inta(self, v: int) -> int | None:
        """Acknowledge as vCPU v: the vector, or None if it was spurious."""
        return await inta(self.role(v), v)

    async def eoi(self, v: int) -> None:
        """End of interrupt at the vLAPIC, as vCPU v."""
        await eoi(self.role(v), v)

    async def bitmap(self, name: str, v: int) -> int:
        """LAPIC_IRR, LAPIC_ISR or LAPIC_TMR of vCPU v as one integer."""
        return sum([await self.read(name, v, word) << 32 * word
                    for word in range(self.config.words)])

    def irq(self, v: int) -> int:
        """Output irq[v]."""
        return self.ctx.get(self.dut.irq) >> v & 1

    # Event channels.

    async def command(self, dom: int, command: int, *arguments: int,
                      v: int | None = None) -> tuple[int, int, int]:
        """Run an event-channel command: (RESULT as a signed number, OUT0, OUT1)."""
        regs = self.role(v)
        await issue(regs, dom, command, *arguments)
        return (await result(regs, dom), await regs.read("EVT_OUT", dom, 0),
                await regs.read("EVT_OUT", dom, 1))

    async def fast(self, dom: int, name: str, value: int, v: int | None = None) -> int:
        """EVT_SEND, EVT_UNMASK, EVT_PIRQ_EOI or EVT_CLAIM: FASTRES as a signed number."""
        await self.write(name, dom, value=value, v=v)
        return await fast_result(self.role(v), dom)

    async def bind(self, n: int, k: int, dom: int = 0) -> int:
        """Bind PIRQ n to lane k by a port of its own; the port."""
        return await bind(self, dom, n, k)


class Role:
    """Registers of a rig as one role reads and writes them.

    Parameters
    ----------
    rig : Rig
        Whose.
    v : int or None
        A vCPU, in the domain where it is at each access; None is the VMM.
    """

    def __init__(self, rig: Rig, v: int | None):
        self._rig, self._v = rig, v

    async def read(self, name: str, *index: int) -> int:
        """Read a register."""
        return await self._rig.read(name, *index, v=self._v)

    async def write(self, name: str, *index: int, value: int = 0) -> None:
        """Write a register."""
        await self._rig.write(name, *index, value=value, v=self._v)
