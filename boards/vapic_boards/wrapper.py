"""A component measured alone: a flip-flop at every port, and three pins whatever its width."""

from amaranth import Cat, ClockDomain, Const, DomainRenamer, Module, Signal
from amaranth.hdl import Elaboratable, Value
from amaranth.lib import data, wiring

__all__ = ["CORE", "OutOfContext"]

#: Name of the component's module below the wrapper.
CORE = "core"


class OutOfContext(Elaboratable):
    """Feed every input of a component from a shift register, and every output into flip-flops.

    Each bit of an input, its reset among them, is a flip-flop of one shift register that a pin
    feeds; each bit of an output goes into a flip-flop of its own, and from there through a tree
    of exclusive ors with a flip-flop at every node to one pin. So every path into, through and out
    of the component is from register to register, and nothing of it can be left out. Its module
    is called `CORE`; synthesis must keep it apart, so that its cells can be told from these.

    Parameters
    ----------
    component : wiring.Component
        What is measured, in the domain ``sync``.

    Attributes
    ----------
    scan, parity : Signal
        The pins, besides the clock.
    """

    def __init__(self, component: wiring.Component):
        self._component = component
        self.scan, self.parity = Signal(), Signal()
        self._sync = ClockDomain("sync", reset_less=True)

    def ports(self) -> list[Signal]:
        """The signals to be ports of the netlist: clock, scan, parity."""
        return [self._sync.clk, self.scan, self.parity]

    def elaborate(self, platform):
        m = Module()
        # The component's reset is an input like the others.
        domain = ClockDomain("core")
        m.domains += [self._sync, domain]
        m.d.comb += domain.clk.eq(self._sync.clk)
        setattr(m.submodules, CORE, DomainRenamer("core")(self._component))
        inputs, outputs = _bits(self._component)
        inputs = [domain.rst, *inputs]

        chain = Signal(sum(len(value) for value in inputs))
        m.d.sync += chain.eq(Cat(self.scan, chain))
        place = 0
        for value in inputs:
            m.d.comb += value.eq(chain[place:place + len(value)])
            place += len(value)

        level = Signal(max(1, sum(len(value) for value in outputs)), name="captured")
        m.d.sync += level.eq(Cat(outputs))
        while len(level) > 1:
            joined = Signal(-(-len(level) // 4))
            m.d.sync += joined.eq(Cat(level[i:i + 4].xor() for i in range(0, len(level), 4)))
            level = joined
        m.d.comb += self.parity.eq(level)
        return m


def _bits(component: wiring.Component) -> tuple[list[Value], list[Value]]:
    """Inputs and outputs of a component as plain values; constants are neither."""
    found: dict[wiring.Flow, list[Value]] = {wiring.Flow.In: [], wiring.Flow.Out: []}
    for _, member, value in component.signature.flatten(component):
        value = value.as_value() if isinstance(value, data.View) else Value.cast(value)
        if len(value) and not isinstance(value, Const):
            found[member.flow].append(value)
    return found[wiring.Flow.In], found[wiring.Flow.Out]
