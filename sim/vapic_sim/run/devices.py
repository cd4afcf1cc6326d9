"""The devices of a run: they interrupt when those in the recording did."""

from collections.abc import Callable

from ..machine.bus import SharedBus
from ..machine.msi import MsiDevice
from ..traces.trace import Trace
from ..world.world import World
from .ledger import Ledger

__all__ = ["Devices"]

#: High time of a pulse, and low time after it, in cycles.
_PULSE = 4


class Devices:
    """Pulses on pins, and message writes for sources beyond them.

    Parameters
    ----------
    world : World
        Time and lines.
    bus : SharedBus
        Way of the messages.
    ledger : Ledger
        Told of every arrival.
    rtes : int
        Pins; sources beyond them are MSI table entries.
    progress : callable, optional
        Called with the number of arrivals so far, now and then.
    """

    def __init__(self, world: World, bus: SharedBus, ledger: Ledger, *, rtes: int,
                 progress: Callable[[int], None] | None = None):
        self._world, self._bus, self._ledger = world, bus, ledger
        self._rtes, self._progress = rtes, progress

    def start(self, trace: Trace, cycles: Callable[[float], int]) -> int:
        """Start them all; the cycle in which the last pulse is over.

        Parameters
        ----------
        trace : Trace
            Whose arrivals; source number n, by share, is interrupt n.
        cycles : callable
            From microseconds.
        """
        world, numbers = self._world, {s: n for n, s in enumerate(trace.sources)}
        start, due = world.now + 10, {}
        pins: list[tuple[int, int, int, int]] = []
        messages: dict[int, list[tuple[int, int]]] = {}
        last = start
        for index, arrival in enumerate(trace.arrivals):
            n = numbers[arrival.source]
            cycle = max(start + cycles(arrival.time_us), due.get(n, 0))
            due[n] = cycle + 2 * _PULSE
            last = max(last, cycle)
            if n < self._rtes:
                pins += [(cycle, n, 1, index), (cycle + _PULSE, n, 0, index)]
            else:
                messages.setdefault(n, []).append((cycle, index))
        world.add(self._drive_pins(sorted(pins)))
        for n, times in messages.items():
            world.add(self._write_messages(n, times))
        return last + 2 * _PULSE

    async def _drive_pins(self, changes: list[tuple[int, int, int, int]]) -> None:
        for cycle, n, level, index in changes:
            await self._world.until(cycle)
            self._world.set_pin(n, level)
            if level:
                self._ledger.edge(index, n)
                self._tell()

    async def _write_messages(self, n: int, times: list[tuple[int, int]]) -> None:
        device = MsiDevice(self._bus.master(), handle=n - self._rtes)
        for cycle, index in times:
            await self._world.until(cycle)
            edge = self._ledger.message(index, n)
            self._tell()
            await device.send(self._world.ctx)
            self._ledger.acknowledged(edge)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(len(self._ledger.edges))
