"""Bus masters: registers read and written over a real bus port, alone or sharing it."""

from typing import Any

from ..world.port import ACK, DATA, ERR, PLACES, WORD, BusPort, Testbench, WatchedBus

__all__ = ["BusError", "BusMaster", "BusPort", "SharedBus", "WatchedBus"]

_SEL, _WE = PLACES["sel"], 1 << PLACES["we"]
_STROBE = 1 << PLACES["cyc"] | 1 << PLACES["stb"]


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
    """

    def __init__(self, port: Any, *, vmm: bool = True, dom: int = 0, vcpu: int = 0,
                 shared: "SharedBus | None" = None, limit: int = 20_000):
        self._port = port if isinstance(port, BusPort) else BusPort.of(port)
        self._shared, self._limit = shared, limit
        self.vmm, self.dom, self.vcpu = vmm, dom, vcpu
        self._side = (bool(vmm) << PLACES["vmm"] | (dom & 0xF) << PLACES["dom"]
                      | (vcpu & 0x1FF) << PLACES["vcpu"])

    def __str__(self) -> str:
        role = "VMM" if self.vmm else "guest"
        return f"{role} (domain {self.dom}, vCPU {self.vcpu})"

    async def write(self, ctx: Testbench, address: int, value: int, sel: int = 0xF) -> None:
        """Write a register.

        Raises
        ------
        BusError
            If the slave answers ``err``.
        """
        await self._access(ctx, address, value, sel)

    async def read(self, ctx: Testbench, address: int, sel: int = 0xF) -> int:
        """Read a register.

        Raises
        ------
        BusError
            If the slave answers ``err``.
        """
        return await self._access(ctx, address, None, sel)

    async def _access(self, ctx: Testbench, address: int, value: int | None, sel: int) -> int:
        if self._shared is None:
            return await self._transfer(ctx, address, value, sel)
        await self._shared.acquire(ctx)
        try:
            return await self._transfer(ctx, address, value, sel)
        finally:
            self._shared.release()

    async def _transfer(self, ctx: Testbench, address: int, value: int | None, sel: int) -> int:
        port = self._port
        word = self._side | (sel & 0xF) << _SEL | address & WORD
        if value is not None:
            word |= _WE | (value & WORD) << DATA
        port.begin(ctx, word | _STROBE)
        try:
            answer, waits = await port.answered(ctx, self._limit)
        finally:
            port.end(ctx, word)
        if not answer & (ACK | ERR):
            raise TimeoutError(f"{self._what(address, value)} not answered in {waits} cycles")
        if answer & ERR:
            raise BusError(f"{self._what(address, value)}: bus error", address)
        return answer & WORD

    def _what(self, address: int, value: int | None) -> str:
        return (f"{self}: read of {address:#x}" if value is None
                else f"{self}: write of {value:#x} to {address:#x}")


class SharedBus:
    """One bus port for several testbenches, first come first served.

    Each access draws a ticket and waits until it is called; so no master waits for more than one
    access of each other one. A ticket drawn in a cycle in which the
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

    async def acquire(self, ctx: Testbench) -> None:
        """Wait for the turn of an access."""
        ticket = self._drawn
        self._drawn += 1
        when = getattr(ctx, "when", None)
        if when is not None and self._called != ticket:
            await when(lambda: self._called == ticket)
        while self._called != ticket:
            await ctx.tick()

    def release(self) -> None:
        """End it."""
        self._called += 1
