"""What stands around a controller on the bench in hardware, so that agents wake for events alone.

Agents in Python cost far more than a cycle of the simulator. So time, the watch over an access and
the search for commits are registers and gates here, and agents read one plain signal each.
"""

from amaranth import Cat, Module, ResetInserter, Signal
from amaranth.hdl import Elaboratable, Value
from amaranth.lib import data

from vapic.config import Config
from vapic.controller import Controller
from vapic.layouts import SelectOp

from .bus import BusPort

__all__ = ["PERIOD", "UNITS", "Bench", "Fields"]

#: Clock period of the bench in seconds.
PERIOD = 10e-9
#: Units with a commit port, in the order of the bits of `Bench.valid`.
UNITS = ("access", "ioapic", "bank", "evt", "lines", "msi", "dispatch")


class Fields:
    """Cuts an integer into the fields of a layout, without a view of it.

    Parameters
    ----------
    layout : data.StructLayout
        Of flat fields.
    """

    def __init__(self, layout: data.StructLayout):
        self.place = {name: (field.offset, (1 << field.width) - 1) for name, field in layout}

    def named(self, word: int) -> dict[str, int]:
        """Values of all fields by name."""
        return {name: word >> offset & mask for name, (offset, mask) in self.place.items()}

    def cut(self, word: int, *names: str) -> list[int]:
        """Values of some fields, or of all in their order."""
        places = [self.place[name] for name in names] if names else self.place.values()
        return [word >> offset & mask for offset, mask in places]


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
    valid : Signal
        Valid bits of the commit records of `UNITS`, then that of the trace stream.
    records : list of Signal
        The commit records of `UNITS`.
    trace : Signal
        The trace record.
    happened : Signal
        Changes in every cycle with a bit of `valid`, and only then.
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
        self.valid = Signal(len(UNITS) + 1)
        self.records = [Value.cast(getattr(dut.commits, unit).record) for unit in UNITS]
        self.trace = Value.cast(dut.trace.payload)
        self.happened, self.selected = Signal(), Signal()
        wires = BusPort.of(dut.bus)
        self._wires, self._waits = wires, Signal(range(limit))
        self.port = BusPort(Signal(len(wires.request)),
                            Signal(len(wires.answer) + len(self._waits)), Signal())

    def elaborate(self, platform):
        m = Module()
        dut, bus = self.dut, self.dut.bus
        m.submodules.controller = ResetInserter(self.reset)(dut)
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

        # Events: a level that is another one in each cycle with the event.
        m.d.comb += self.valid.eq(Cat(
            *[getattr(dut.commits, unit).valid for unit in UNITS], dut.trace.valid))
        select = dut.commits.dispatch
        started = select.valid & (select.record.op == SelectOp.START)
        for event, level in ((self.valid.any(), self.happened), (started, self.selected)):
            before = Signal()
            m.d.comb += level.eq(before ^ event)
            m.d.sync += before.eq(level)
        return m
