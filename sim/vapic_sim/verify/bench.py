"""What stands around a controller on the bench in hardware, so that agents wake for events alone.

Agents in Python cost far more than a cycle of the simulator. So time, the watch over an access and
the search for commits are registers and gates here, and agents read one plain signal each.
"""

from amaranth import Module, ResetInserter, Signal
from amaranth.hdl import Elaboratable

from vapic.config import Config
from vapic.controller import Controller
from vapic.record import UNITS, Op

from ..world.port import WatchedBus
from .log import CommitLog
from .shaker import Shaker

__all__ = ["PERIOD", "Bench"]

#: Clock period of the bench in seconds.
PERIOD = 10e-9


class Bench(Elaboratable):
    """Top module of a `vapic_sim.verify.rig.Rig`.

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
    reset : Signal
        To be driven: resets the controller.
    shaker : Shaker
        Its pins.
    deadline : Signal
        To be driven: the last cycle that `settled` and `selected` wait for.
    now : Signal
        Cycles since the start of the simulation, 32 bits (GEN-07).
    log : CommitLog
        The commit records of `UNITS`, then the trace records.
    settled, selected : Signal
        The controller is idle, or a selection starts; or it is the cycle `deadline`.
    """

    def __init__(self, config: Config, *, limit: int = 20_000):
        self.dut = dut = Controller(config)
        self.reset, self.now = Signal(), Signal(32)
        ports = [getattr(dut.commits, unit) for unit in UNITS]
        self.log = CommitLog([(port.valid, port.record) for port in ports]
                             + [(dut.trace.valid, dut.trace.payload)], self.now)
        self.deadline, self.settled, self.selected = Signal(32), Signal(), Signal()
        self.shaker = Shaker(dut.pin, dut.idle)
        self._bus = WatchedBus(dut.bus, limit)
        self.port = self._bus.port

    def elaborate(self, platform):
        m, dut = Module(), self.dut
        m.submodules.controller = ResetInserter(self.reset)(dut)
        m.submodules.log, m.submodules.bus = self.log, self._bus
        m.submodules.shaker = self.shaker
        m.d.sync += self.now.eq(self.now + 1)
        m.d.comb += [dut.now.eq(self.now), dut.trace.ready.eq(1)]

        select, late = dut.commits.dispatch, Signal()
        started = select.valid & (select.record.op == Op.START)
        m.d.comb += [late.eq(self.now == self.deadline), self.settled.eq(dut.idle | late),
                     self.selected.eq(started | late)]
        return m
