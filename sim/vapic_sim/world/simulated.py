"""A controller on a simulator, with hardware beside it that tells when to look."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from amaranth import Cat, ClockDomain, Module, Signal, Value

from ..engine import Simulator
from .fields import Fields
from .link import Events
from .port import WatchedBus

__all__ = ["SimulatedLink", "simulate"]

#: Cycles that an access may take.
_LIMIT = 20_000
_MASK = (1 << 32) - 1


class SimulatedLink:
    """A `vapic_sim.world.link.Link` to a component that is simulated.

    Outputs are looked at in the middle of a cycle, at the falling edge of the clock, and inputs
    are set there.

    Parameters
    ----------
    dut : wiring.Component
        With the ports of `vapic.controller.Controller`.
    hz : float
        Clock frequency.

    Attributes
    ----------
    bus : BusPort
        For bus masters.
    top : Module
        What is simulated: the component, with what tells when to look.
    probes : list
        What the link itself looks at.
    """

    def __init__(self, dut: Any, hz: float):
        self._pin, self._period = dut.pin, 1 / hz
        self._levels = 0
        self.top = top = Module()
        top.domains.sync = clock = ClockDomain()
        self._middle = ClockDomain("middle", clk_edge="neg", reset_less=True, local=True)
        self._middle.clk = clock.clk
        top.submodules.controller = dut
        top.submodules.bus = bus = WatchedBus(dut.bus, _LIMIT)
        self.bus = bus.port
        self._now, self._stop = Signal(32), Signal(32)
        self._look, self._idle = Signal(), Signal()
        # What changed since the cycle before.
        outputs = Cat(dut.irq, dut.ready)
        before = Signal(len(outputs))
        top.d.sync += [self._now.eq(self._now + 1), before.eq(outputs)]
        self._width, self._vcpus = len(dut.irq), (1 << len(dut.irq)) - 1
        self._outputs = Signal(2 * len(dut.irq) + 4)
        self._next_event, self._record = dut.next_event, Value.cast(dut.trace.payload)
        self._fields = Fields(dut.trace.payload.shape())
        self.probes = [dut, self._now, self._look, self._outputs, *self.bus.outputs]
        top.d.comb += [
            dut.now.eq(self._now), dut.trace.ready.eq(1),
            self._outputs.eq(Cat(dut.ready, dut.idle, dut.next_valid, dut.trace.valid,
                                 dut.irq, dut.wake)),
            self._look.eq((outputs != before) | dut.wake.any() | dut.trace.valid | dut.bus.ack
                          | dut.bus.err | dut.idle & self._idle | (self._now == self._stop)),
        ]
        self._ctx: Any = None

    def bind(self, ctx: Any) -> None:
        """Take the context of the only testbench."""
        self._ctx, self.get, self.set = ctx, ctx.get, ctx.set
        self._edge = ctx.tick(self._middle)
        self.set(self._now, 0)
        self._count, self._stops = 0, False

    def set_pin(self, n: int, level: int) -> None:
        """Drive interrupt line n from now on."""
        if not 0 <= n < len(self._pin):
            raise ValueError(f"line must be 0..{len(self._pin) - 1}, not {n!r}")
        self._levels = self._levels & ~(1 << n) | bool(level) << n
        self.set(self._pin, self._levels)

    def events(self) -> Events:
        """Outputs in this cycle."""
        word, get = self.get(self._outputs), self.get
        vcpus = word >> 4
        return Events(
            vcpus & self._vcpus, vcpus >> self._width, bool(word & 1), bool(word & 2),
            get(self._next_event) if word & 4 else None,
            self._fields.named(get(self._record)) if word & 8 else None)

    async def run(self, limit: int, idle: bool) -> int:
        """Let clock edges come until there is something to look at, at most `limit`; how many."""
        before = self._count
        if idle != self._stops:
            self._stops = idle
            self.set(self._idle, int(idle))
        self.set(self._stop, before + limit & _MASK)
        await self._edge.until(self._look)
        self._count = self.get(self._now)
        return self._count - before & _MASK

    def skip(self, now: int, cycles: int) -> None:
        """Set the cycle counter and the simulated time forward."""
        self._count = now & _MASK
        self.set(self._now, self._count)
        self._ctx.skip_time(cycles * self._period)


def simulate(dut: Any, body: Callable[[SimulatedLink], Awaitable[None]], *,
             hz: float = 100e6, vcd: str | Path | None = None) -> str:
    """Run `body` with a link to `dut`; the name of the engine that it ran on.

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
    link = SimulatedLink(dut, hz)
    sim = Simulator(link.top, probes=link.probes)
    sim.add_clock(1 / hz)

    async def bench(ctx: Any) -> None:
        await ctx.tick(link._middle)
        link.bind(ctx)
        await body(link)

    sim.add_testbench(bench)
    if vcd is None:
        sim.run()
    else:
        with sim.write_vcd(str(vcd)):
            sim.run()
    return sim.engine
