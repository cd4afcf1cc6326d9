"""The way to a controller: what can be asked of it, whatever it runs on."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from .port import BusPort

__all__ = ["Events", "Link"]


class Events(NamedTuple):
    """Outputs of a controller in one cycle.

    Attributes
    ----------
    irq, wake : int
        One bit a vCPU.
    ready : bool
        It has initialised itself (GEN-06).
    idle : bool
        Nothing changes before `next_event` if no input does (GEN-07).
    next_event : int or None
        Cycle, 32 bits, in which a timer of its own wants to act.
    grant : mapping of str to int, or None
        The trace record of this cycle, by field (GEN-08).
    """

    irq: int = 0
    wake: int = 0
    ready: bool = True
    idle: bool = True
    next_event: int | None = None
    grant: Mapping[str, int] | None = None


class Link(Protocol):
    """A controller that can be stepped; `vapic_sim.world.simulated` has one.

    ``bus`` is the port that bus masters use. `get` and `set` are for its own signals, whatever
    these are: nobody else asks for one.
    """

    bus: BusPort

    def set_pin(self, n: int, level: int) -> None:
        """Drive interrupt line n from now on."""
        ...

    def events(self) -> Events:
        """Outputs in this cycle."""
        ...

    def set(self, signal: Any, value: int) -> None:
        """Set a signal of the bus."""
        ...

    def get(self, signal: Any) -> Any:
        """Read a signal of the bus."""
        ...

    async def run(self, limit: int, idle: bool) -> int:
        """Clock edges: until an output may mean something to somebody, at least one and at most
        `limit`; how many.

        What may mean something is a change of ``irq`` or ``ready``, and every cycle with ``wake``,
        a trace record or an answer on the bus; with `idle` also every one with ``idle``.
        """
        ...

    def skip(self, now: int, cycles: int) -> None:
        """Let time pass without clock edges; `now` is the count after it."""
        ...
