"""A controller on Amaranth's simulator, its clock stepped by hand, so that it can stand still."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from amaranth import ClockDomain, Module
from amaranth.sim import Simulator

__all__ = ["SimulatedLink", "simulate_by_hand"]


class SimulatedLink:
    """A `vapic_sim.workload.world.Link` to a component on Amaranth's simulator.

    Parameters
    ----------
    ctx : amaranth.sim.SimulatorContext
        Of the only testbench.
    dut : wiring.Component
        With the ports of `vapic.controller.Controller`.
    clock : Signal
        Its clock.
    hz : float
        Frequency that simulated time is counted by.
    """

    def __init__(self, ctx: Any, dut: Any, clock: Any, hz: float):
        self.dut, self.get, self.set = dut, ctx.get, ctx.set
        self._ctx, self._clock, self._half = ctx, clock, 0.5 / hz

    async def tick(self, now: int) -> None:
        """One clock edge, and the time of one cycle; `now` counts as a register does."""
        self.set(self._clock, 1)
        self.set(self.dut.now, now & 0xFFFFFFFF)
        await self._ctx.delay(self._half)
        self.set(self._clock, 0)
        await self._ctx.delay(self._half)

    async def skip(self, now: int, cycles: int) -> None:
        """Advance `now` and simulated time alone."""
        self.set(self.dut.now, now & 0xFFFFFFFF)
        await self._ctx.delay(2 * self._half * cycles)


def simulate_by_hand(dut: Any, body: Callable[[SimulatedLink], Awaitable[None]], *,
                     hz: float = 100e6, vcd: str | Path | None = None) -> None:
    """Run `body` with a link to `dut` on Amaranth's simulator.

    Parameters
    ----------
    dut : wiring.Component
        With the ports of `vapic.controller.Controller`.
    body : async function of a SimulatedLink
        Ends the simulation by returning.
    hz : float
        Clock frequency.
    vcd : path, optional
        Where to write a waveform.
    """
    top = Module()
    top.domains.sync = domain = ClockDomain()
    top.submodules.controller = dut
    sim = Simulator(top)

    async def bench(ctx: Any) -> None:
        await body(SimulatedLink(ctx, dut, domain.clk, hz))

    sim.add_testbench(bench)
    if vcd is None:
        sim.run()
    else:
        with sim.write_vcd(str(vcd)):
            sim.run()
