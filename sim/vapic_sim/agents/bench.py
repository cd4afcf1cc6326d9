"""What stands around a controller on the bench in hardware, so that agents wake for events alone.

Agents in Python cost far more than a cycle of the simulator. So time, the watch over an access and
the search for commits are registers and gates here, and agents read one plain signal each.
"""

from amaranth import Cat, Module, ResetInserter, Signal
from amaranth.hdl import Elaboratable

from vapic.config import Config
from vapic.controller import Controller
from vapic.layouts import SelectOp

from .bus import BusPort
from .log import CommitLog

__all__ = ["PERIOD", "UNITS", "Bench"]

#: Clock period of the bench in seconds.
PERIOD = 10e-9
#: Units with a commit port, in the order of `Bench.log`.
UNITS = ("access", "ioapic", "bank", "evt", "lines", "msi", "dispatch")


class Bench(Elaboratable):
    """Top module of a `vapic_sim.agents.rig.Rig`.

    Parameters
    ----------
    config : Config
        Sizes; with ``commits``.
    limit : int
        Cycles that an access may go without an answer.

    Attributes
    ----------
    dut : Controller
        With a reset of its own; its trace stream is always ready.
    port : BusPort
        Its bus.
    reset, beside : Signal
        To be driven: resets the controller; lets `Rig.beside` begin.
    now : Signal
        Cycles since the start of the simulation, 32 bits (GEN-07).
    log : CommitLog
        The commit records of `UNITS`, then the trace records.
    selected : Signal
        Changes in every cycle in which a selection starts, and only then.
    begun : Signal
        `beside`.
    """

    def __init__(self, config: Config, *, limit: int = 20_000):
        self.dut = dut = Controller(config)
        self._limit = limit
        self.reset, self.beside, self.begun = Signal(), Signal(), Signal()
        self.now = Signal(32)
        ports = [getattr(dut.commits, unit) for unit in UNITS]
        self.log = CommitLog([(port.valid, port.record) for port in ports]
                             + [(dut.trace.valid, dut.trace.payload)], self.now)
        self.selected = Signal()
        wires = BusPort.of(dut.bus)
        self._wires, self._waits = wires, Signal(range(limit))
        self.port = BusPort(Signal(len(wires.request)),
                            Signal(len(wires.answer) + len(self._waits)), Signal())

    def elaborate(self, platform):
        m = Module()
        dut, bus = self.dut, self.dut.bus
        m.submodules.controller = ResetInserter(self.reset)(dut)
        m.submodules.log = self.log
        m.d.sync += self.now.eq(self.now + 1)
        m.d.comb += [dut.now.eq(self.now), dut.trace.ready.eq(1), self.begun.eq(self.beside)]

        # One access: how long it has gone without an answer.
        waits, answered = self._waits, bus.ack | bus.err
        m.d.comb += [
            self._wires.request.eq(self.port.request),
            self.port.answer.eq(Cat(self._wires.answer, waits)),
            self.port.done.eq(answered | (waits == self._limit - 1)),
        ]
        m.d.sync += waits.eq(0)
        with m.If(bus.cyc & bus.stb & ~self.port.done):
            m.d.sync += waits.eq(waits + 1)

        # An event: a level that is another one in each cycle with it.
        select, before = dut.commits.dispatch, Signal()
        started = select.valid & (select.record.op == SelectOp.START)
        m.d.comb += self.selected.eq(before ^ started)
        m.d.sync += before.eq(self.selected)
        return m
