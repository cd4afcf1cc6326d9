"""Interrupt lines as devices drive them."""

from typing import Any

__all__ = ["Lines"]


class Lines:
    """All pins of a controller; several testbenches may use one object.

    Parameters
    ----------
    pin : Signal
        The input ``pin``, one bit a line.
    """

    def __init__(self, pin: Any):
        self._pin = pin
        self._levels = 0

    def level(self, n: int) -> int:
        """Level that line n is driven to."""
        self._check(n)
        return self._levels >> n & 1

    def set(self, ctx: Any, n: int, level: int) -> None:
        """Drive line n from now on."""
        self._check(n)
        self.drive(ctx, self._levels & ~(1 << n) | bool(level) << n)

    def drive(self, ctx: Any, levels: int) -> None:
        """Drive all lines from now on, line n to bit n."""
        if levels >> len(self._pin):
            raise ValueError(f"{levels:#x} has more than {len(self._pin)} lines")
        self._levels = levels
        ctx.set(self._pin, levels)

    async def pulse(self, ctx: Any, n: int, cycles: int = 3) -> None:
        """Invert line n for some cycles, then leave it back for as many.

        Fewer than 2 cycles need not be seen (IOA-03).
        """
        for _ in range(2):
            self.set(ctx, n, 1 - self.level(n))
            await ctx.tick().repeat(cycles)

    def _check(self, n: int) -> None:
        if not 0 <= n < len(self._pin):
            raise ValueError(f"line must be 0..{len(self._pin) - 1}, not {n!r}")
