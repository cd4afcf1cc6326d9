"""A bus port as masters see it: words for requests and answers, and a watch in hardware."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol

from amaranth.hdl import Cat, Elaboratable, Module, Signal

__all__ = ["ACK", "DATA", "ERR", "PLACES", "WORD", "BusPort", "Testbench", "WatchedBus"]

#: A data word.
WORD = 0xFFFF_FFFF
_WIDTHS = {"adr": 32, "sel": 4, "we": 1, "vmm": 1, "dom": 4, "vcpu": 9, "cyc": 1, "stb": 1,
           "dat_w": 32}
#: Lowest bit of each field in the word of a request.
PLACES = dict(zip(_WIDTHS, accumulate(_WIDTHS.values(), initial=0), strict=False))
DATA = PLACES["dat_w"]
#: Bits of an answer, above ``dat_r``.
ACK, ERR = 1 << 32, 1 << 33
_WAITS = 34


class Testbench(Protocol):
    """What agents use of the context of a testbench; `World.ctx` gives the same."""

    def set(self, signal: Any, value: Any, /) -> None:
        """Set a signal."""
        ...

    def get(self, signal: Any, /) -> Any:
        """Read a signal."""
        ...

    def tick(self) -> Any:
        """Wait for a clock edge; with ``sample``, ``repeat`` and ``until``."""
        ...


class BusPort:
    """A bus port as masters use it: words for a request and its answer.

    Parameters
    ----------
    request : sequence of (Signal, int)
        Signals that make up the word of a request, each with the place of its lowest bit; the
        strobes are in the first ones.
    strobes : int
        How many signals these are.
    answer : Value
        ``dat_r``, ``ack`` and ``err``, and with `done` the cycles without an answer so far.
    done : Signal, optional
        The answer is there, or has not come for longer than it may; without it each master looks
        every cycle and counts itself.
    """

    def __init__(self, request: Sequence[tuple[Any, int]], strobes: int, answer: Any,
                 done: Any = None):
        self._request = [(signal, place, (1 << len(signal)) - 1) for signal, place in request]
        self._strobes = self._request[:strobes]
        self._answer, self._done = answer, done

    @property
    def outputs(self) -> tuple[Any, ...]:
        """What masters look at."""
        return (self._answer,) if self._done is None else (self._answer, self._done)

    @classmethod
    def of(cls, bus: Any) -> "BusPort":
        """Make one of an interface of ``Layouts.bus``."""
        names = sorted(PLACES, key=lambda name: name not in ("cyc", "stb"))
        return cls([(getattr(bus, name), PLACES[name]) for name in names], 2,
                   Cat(bus.dat_r, bus.ack, bus.err))

    def begin(self, ctx: Testbench, word: int) -> None:
        """Drive a request."""
        for signal, place, mask in self._request:
            ctx.set(signal, word >> place & mask)

    def end(self, ctx: Testbench, word: int) -> None:
        """Take its strobes back."""
        for signal, place, mask in self._strobes:
            ctx.set(signal, word >> place & mask)

    async def answered(self, ctx: Testbench, limit: int) -> tuple[int, int]:
        """Wait for the answer: its bits, and the cycles before it; too many if there is none."""
        if self._done is not None:
            (answer,) = await ctx.tick().sample(self._answer).until(self._done)
            return answer, (answer >> _WAITS) + (not answer & (ACK | ERR))
        trigger = ctx.tick().sample(self._answer)
        for waits in range(limit):
            _, _, answer = await trigger
            if answer & (ACK | ERR):
                return answer, waits
        return 0, limit


class WatchedBus(Elaboratable):
    """Drives a bus port, and watches over each access in hardware.

    Parameters
    ----------
    bus : interface of ``Layouts.bus``
        The port; nothing else may drive it.
    limit : int
        Cycles that an access may go without an answer.

    Attributes
    ----------
    port : BusPort
        For masters.
    """

    def __init__(self, bus: Any, limit: int):
        self._bus, self._limit = bus, limit
        self._head, self._data = Signal(DATA), Signal(32)
        self._waits, self._done = Signal(range(limit)), Signal()
        self._answer = Signal(_WAITS + len(self._waits))
        self.port = BusPort([(self._head, 0), (self._data, DATA)], 1, self._answer, self._done)

    def elaborate(self, platform):
        m = Module()
        bus, waits = self._bus, self._waits
        m.d.comb += [
            Cat(getattr(bus, name) for name in PLACES).eq(Cat(self._head, self._data)),
            self._answer.eq(Cat(bus.dat_r, bus.ack, bus.err, waits)),
            self._done.eq(bus.ack | bus.err | (waits == self._limit - 1)),
        ]
        m.d.sync += waits.eq(0)
        with m.If(bus.cyc & bus.stb & ~self._done):
            m.d.sync += waits.eq(waits + 1)
        return m
