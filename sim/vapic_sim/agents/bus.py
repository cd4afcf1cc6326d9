"""Bus masters: registers read and written over a real bus port, alone or sharing it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import accumulate
from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal

__all__ = ["BusError", "BusMaster", "BusPort", "SharedBus", "WatchedBus"]

# Places of the fields in the word of a request, and in that of an answer.
_WIDTHS = {"adr": 32, "sel": 4, "we": 1, "vmm": 1, "dom": 4, "vcpu": 9, "cyc": 1, "stb": 1,
           "dat_w": 32}
_PLACES = dict(zip(_WIDTHS, accumulate(_WIDTHS.values(), initial=0), strict=False))
_SEL, _WE, _DATA = _PLACES["sel"], 1 << _PLACES["we"], _PLACES["dat_w"]
_STROBE = 1 << _PLACES["cyc"] | 1 << _PLACES["stb"]
_WORD = 0xFFFF_FFFF
_ACK, _ERR, _WAITS = 1 << 32, 1 << 33, 34


class BusError(Exception):
    """The slave answered ``err``.

    Attributes
    ----------
    address : int
        Where.
    """

    def __init__(self, message: str, address: int):
        super().__init__(message)
        self.address = address


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
        names = sorted(_PLACES, key=lambda name: name not in ("cyc", "stb"))
        return cls([(getattr(bus, name), _PLACES[name]) for name in names], 2,
                   Cat(bus.dat_r, bus.ack, bus.err))

    def begin(self, ctx: Any, word: int) -> None:
        """Drive a request."""
        for signal, place, mask in self._request:
            ctx.set(signal, word >> place & mask)

    def end(self, ctx: Any, word: int) -> None:
        """Take its strobes back."""
        for signal, place, mask in self._strobes:
            ctx.set(signal, word >> place & mask)

    async def answered(self, ctx: Any, limit: int) -> tuple[int, int]:
        """Wait for the answer: its bits, and the cycles before it; too many if there is none."""
        if self._done is not None:
            (answer,) = await ctx.tick().sample(self._answer).until(self._done)
            return answer, answer >> _WAITS if answer & (_ACK | _ERR) else limit
        trigger = ctx.tick().sample(self._answer)
        for waits in range(limit):
            _, _, answer = await trigger
            if answer & (_ACK | _ERR):
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
        self._head, self._data = Signal(_DATA), Signal(32)
        self._waits, self._done = Signal(range(limit)), Signal()
        self._answer = Signal(_WAITS + len(self._waits))
        self.port = BusPort([(self._head, 0), (self._data, _DATA)], 1, self._answer, self._done)

    def elaborate(self, platform):
        m = Module()
        bus, waits = self._bus, self._waits
        m.d.comb += [
            Cat(getattr(bus, name) for name in _PLACES).eq(Cat(self._head, self._data)),
            self._answer.eq(Cat(bus.dat_r, bus.ack, bus.err, waits)),
            self._done.eq(bus.ack | bus.err | (waits == self._limit - 1)),
        ]
        m.d.sync += waits.eq(0)
        with m.If(bus.cyc & bus.stb & ~self._done):
            m.d.sync += waits.eq(waits + 1)
        return m


class BusMaster:
    """One bus master: a role, a domain and a vCPU.

    An access keeps ``stb`` until the clock edge that ends a cycle with ``ack`` or ``err``; one
    access is under way at a time. Several masters may be made on one port if only one testbench
    uses it, as the sideband is set anew for each access; several testbenches need a `SharedBus`.

    Parameters
    ----------
    port : BusPort or interface of ``Layouts.bus``
        Bus port of the component under test.
    vmm : bool
        VMM role.
    dom, vcpu : int
        Domain and vCPU number of the sideband.
    shared : SharedBus, optional
        Queue for the port; `SharedBus.master` sets it.
    limit : int
        Cycles after which an access without answer is a `TimeoutError`; a port with `BusPort.done`
        goes by its own.

    Attributes
    ----------
    accesses, waits, longest : int
        Accesses ended, their cycles in all beyond the first of each (without those in the
        queue), and those of the longest.
    """

    def __init__(self, port: Any, *, vmm: bool = True, dom: int = 0, vcpu: int = 0,
                 shared: "SharedBus | None" = None, limit: int = 20_000):
        self._port = port if isinstance(port, BusPort) else BusPort.of(port)
        self._shared, self._limit = shared, limit
        self.vmm, self.dom, self.vcpu = vmm, dom, vcpu
        self.accesses = self.waits = self.longest = 0
        self._turns = 0
        self._side = (bool(vmm) << _PLACES["vmm"] | (dom & 0xF) << _PLACES["dom"]
                      | (vcpu & 0x1FF) << _PLACES["vcpu"])

    def __str__(self) -> str:
        role = "VMM" if self.vmm else "guest"
        return f"{role} (domain {self.dom}, vCPU {self.vcpu})"

    async def write(self, ctx: Any, address: int, value: int, sel: int = 0xF) -> None:
        """Write a register.

        Raises
        ------
        BusError
            If the slave answers ``err``.
        """
        await self._access(ctx, address, value, sel)

    async def read(self, ctx: Any, address: int, sel: int = 0xF) -> int:
        """Read a register.

        Raises
        ------
        BusError
            If the slave answers ``err``.
        """
        return await self._access(ctx, address, None, sel)

    @asynccontextmanager
    async def turn(self, ctx: Any) -> AsyncIterator[None]:
        """Keep the port for several accesses that belong together; for the shared bus."""
        await self._acquire(ctx)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, ctx: Any) -> None:
        if self._shared is not None and not self._turns:
            await self._shared.acquire(ctx)
        self._turns += 1

    def _release(self) -> None:
        self._turns -= 1
        if self._shared is not None and not self._turns:
            self._shared.release()

    async def _access(self, ctx: Any, address: int, value: int | None, sel: int) -> int:
        if self._shared is None:
            return await self._transfer(ctx, address, value, sel)
        await self._acquire(ctx)
        try:
            return await self._transfer(ctx, address, value, sel)
        finally:
            self._release()

    async def _transfer(self, ctx: Any, address: int, value: int | None, sel: int) -> int:
        port = self._port
        word = self._side | (sel & 0xF) << _SEL | address & _WORD
        if value is not None:
            word |= _WE | (value & _WORD) << _DATA
        port.begin(ctx, word | _STROBE)
        try:
            answer, waits = await port.answered(ctx, self._limit)
        finally:
            port.end(ctx, word)
        if not answer & (_ACK | _ERR):
            raise TimeoutError(f"{self._what(address, value)} not answered in {waits} cycles")
        self.accesses += 1
        self.waits += waits
        if waits > self.longest:
            self.longest = waits
        if answer & _ERR:
            raise BusError(f"{self._what(address, value)}: bus error", address)
        return answer & _WORD

    def _what(self, address: int, value: int | None) -> str:
        return (f"{self}: read of {address:#x}" if value is None
                else f"{self}: write of {value:#x} to {address:#x}")


class SharedBus:
    """One bus port for several testbenches, first come first served.

    Each access, or each ``turn`` of a master, draws a ticket and waits until it is called; so no
    master waits for more than one turn of each other one. A ticket drawn in a cycle in which the
    port is free is called at once.

    Parameters
    ----------
    port : BusPort or interface of ``Layouts.bus``
        Bus port of the component under test.
    """

    def __init__(self, port: Any):
        self._port = port if isinstance(port, BusPort) else BusPort.of(port)
        self._drawn = self._called = 0

    def master(self, *, vmm: bool = True, dom: int = 0, vcpu: int = 0,
               limit: int = 20_000) -> BusMaster:
        """Make a master on this port, for one testbench."""
        return BusMaster(self._port, vmm=vmm, dom=dom, vcpu=vcpu, shared=self, limit=limit)

    async def acquire(self, ctx: Any) -> None:
        """Wait for a turn."""
        ticket = self._drawn
        self._drawn += 1
        when = getattr(ctx, "when", None)
        if when is not None and self._called != ticket:
            await when(lambda: self._called == ticket)
        while self._called != ticket:
            await ctx.tick()

    def release(self) -> None:
        """End a turn."""
        self._called += 1
