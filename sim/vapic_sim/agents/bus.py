"""Bus masters: registers read and written over a real bus port, alone or sharing it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from amaranth.hdl import Cat

__all__ = ["BusError", "BusMaster", "BusPort", "SharedBus"]

# Places in the request and in the answer of a `BusPort`.
_WORD = 0xFFFF_FFFF
_WE, _STROBE = 1 << 68, 3 << 83
_ACK, _ERR, _ANSWER = 1 << 32, 1 << 33, (1 << 34) - 1


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
    """A bus port as masters use it: one value to set, one to look at.

    Parameters
    ----------
    request : Value
        Fields of a request, as `of` has them.
    answer : Value
        ``dat_r``, ``ack`` and ``err``, and with `done` the cycles without an answer so far.
    done : Signal, optional
        The answer is there, or has not come for longer than it may; without it each master looks
        every cycle and counts itself.
    """

    def __init__(self, request: Any, answer: Any, done: Any = None):
        self.request, self.answer, self.done = request, answer, done

    @classmethod
    def of(cls, bus: Any) -> "BusPort":
        """Make one of an interface of ``Layouts.bus``."""
        return cls(Cat(bus.dat_w, bus.adr, bus.sel, bus.we, bus.vmm, bus.dom, bus.vcpu, bus.cyc,
                       bus.stb), Cat(bus.dat_r, bus.ack, bus.err))

    async def answered(self, ctx: Any, limit: int) -> tuple[int, int]:
        """Wait for the answer: its bits, and the cycles before it; too many if there is none."""
        if self.done is not None:
            (answer,) = await ctx.tick().sample(self.answer).until(self.done)
            return answer & _ANSWER, answer >> 34 if answer & (_ACK | _ERR) else limit
        trigger = ctx.tick().sample(self.answer)
        for waits in range(limit):
            _, _, answer = await trigger
            if answer & (_ACK | _ERR):
                return answer, waits
        return 0, limit


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
        self._side = bool(vmm) << 69 | (dom & 0xF) << 70 | (vcpu & 0x1FF) << 74

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
        word = self._side | (sel & 0xF) << 64 | (address & _WORD) << 32
        if value is not None:
            word |= _WE | value & _WORD
        ctx.set(port.request, word | _STROBE)
        try:
            answer, waits = await port.answered(ctx, self._limit)
        finally:
            ctx.set(port.request, word)
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
        while self._called != ticket:
            await ctx.tick()

    def release(self) -> None:
        """End a turn."""
        self._called += 1
