"""The tables through which Python tells `runtime.c` what to do, and is told what happened."""

import ctypes
from array import array
from typing import Any

from .library import Model

__all__ = ["Tables"]

# Words of the control table, and of the rows of the others, as in runtime.c.
(NOW, CLOCKS, CLOCK_COUNT, ARMED, ARMED_COUNT, WAITERS, FIRED, FIRED_COUNT, WATCHES, WATCH_COUNT,
 WATCH_HIT, CAPTURES, CAPTURED, CODE, COLD, COLD_WORDS, EVENTS, ALL_COLD) = range(18)
(C_WORD, C_BIT, C_NEXT, C_HALF, C_RISE, C_FALL, C_SIZE) = range(7)
(W_WORD, W_BIT, W_LEVEL, W_COUNT, W_CODE, W_RESET, W_CAPTURES, W_FROM, W_STAYS, W_COLD,
 W_SIZE) = range(11)
H_SIZE = 3

#: Waiters that are kept before those nobody waits on are dropped.
_KEPT = 4096


def signed(value: int) -> int:
    """A 64-bit word as a signed number."""
    return value - (1 << 64) if value >> 63 else value


class Tables:
    """Clocks, waiters and watches of one model.

    Parameters
    ----------
    model : Model
        The model.

    Attributes
    ----------
    control, waiters, armed, fired : array of int
        See `runtime.c`.
    captured : array of int
        Words that were captured when a waiter fired; those of one lie one after the other.
    """

    def __init__(self, model: Model):
        self.model = model
        self.control = array("q", bytes(8 * 18))
        self.waiters, self.armed, self.fired = array("q"), array("q"), array("q")
        self.captured, self._captures, self._code = array("Q"), array("q"), array("q")
        self._clocks, self._watches = array("q"), array("q")
        self._places = ((ARMED, self.armed), (WAITERS, self.waiters), (FIRED, self.fired),
                        (CAPTURES, self._captures), (CAPTURED, self.captured),
                        (CODE, self._code))
        self.used_waiters = self._used_captures = self._used_code = 0
        self._kept = _KEPT
        self.control[COLD_WORDS] = model.cold_address
        self.address = self.control.buffer_info()[0]

    def reset(self) -> None:
        """Start time anew, with nothing armed."""
        for place in (NOW, ARMED_COUNT, FIRED_COUNT, WATCH_HIT, EVENTS):
            self.control[place] = 0

    def forget(self) -> None:
        """Drop all waiters, code and captures; none may be in use."""
        self.used_waiters = self._used_captures = self._used_code = 0

    def crowded(self) -> bool:
        """Whether it is time to drop waiters that nobody waits on."""
        return self.used_waiters >= self._kept

    def tidied(self) -> None:
        """Note how many waiters are left."""
        self._kept = max(_KEPT, 2 * self.used_waiters)

    def _grow(self, table: array, size: int) -> None:
        """Make a table at least so long."""
        if len(table) < size:
            table.extend([0] * max(size - len(table), len(table), 1024))
            for place, one in self._places:
                self.control[place] = one.buffer_info()[0]

    def set_clocks(self, rows: list[tuple[int, int, int, int, int, int]]) -> None:
        """Write the clocks: word, bit, next toggle, half period, rising and falling edge."""
        self._clocks = array("q", [field for row in rows for field in row])
        self.control[CLOCKS] = self._clocks.buffer_info()[0]
        self.control[CLOCK_COUNT] = len(rows)

    def next_toggle(self) -> int | None:
        """When a clock toggles next, in fs."""
        return min(self._clocks[C_NEXT::C_SIZE], default=None)

    def skip(self, interval: int) -> None:
        """Put off all clocks, and the time itself."""
        self.control[NOW] += interval
        for at in range(C_NEXT, len(self._clocks), C_SIZE):
            self._clocks[at] += interval

    def set_watches(self, rows: list[tuple[int, int, int]], *, cold: bool) -> None:
        """Write what is watched: index of a word, mask, and the word as it was last seen."""
        fields = []
        for word, mask, last in rows:
            fields += [self.model.address + 8 * word, signed(mask), signed(last)]
        self._watches = array("q", fields)
        self.control[WATCHES] = self._watches.buffer_info()[0]
        self.control[WATCH_COUNT] = len(rows)
        self.control[ALL_COLD] = int(cold)
        if cold:
            self.need_cold()

    def need_cold(self) -> None:
        """Values that aren't kept will be looked at."""
        self.control[COLD] = ctypes.cast(self.model.cold, ctypes.c_void_p).value or 0

    def add_code(self, code: list[int]) -> int:
        """Place a program; where it is."""
        start = self._used_code
        self._used_code += len(code)
        self._grow(self._code, self._used_code)
        self._code[start:self._used_code] = array("q", map(signed, code))
        return start

    def add_captures(self, words: list[int]) -> int:
        """Place a list of words to capture; where they will be in `captured`."""
        start = self._used_captures
        self._used_captures += len(words)
        self._grow(self._captures, self._used_captures)
        self._grow(self.captured, self._used_captures)
        self._captures[start:self._used_captures] = array(
            "q", [self.model.address + 8 * word for word in words])
        return start

    def add_waiter(self, row: list[int]) -> int:
        """Place a waiter; its number."""
        number = self.used_waiters
        self.used_waiters += 1
        self._grow(self.waiters, self.used_waiters * W_SIZE)
        self._grow(self.armed, self.used_waiters)
        self._grow(self.fired, self.used_waiters)
        self.waiters[number * W_SIZE:(number + 1) * W_SIZE] = array("q", row)
        return number

    def arm(self, number: int, count: int) -> None:
        """Let a waiter wait for its edge, so many times."""
        self.waiters[number * W_SIZE + W_COUNT] = count
        control = self.control
        self.armed[control[ARMED_COUNT]] = number
        control[ARMED_COUNT] += 1

    def disarm(self, number: int) -> None:
        """Let a waiter wait no longer."""
        count = self.control[ARMED_COUNT]
        rest = [n for n in self.armed[:count] if n != number]
        self.armed[:len(rest)] = array("q", rest)
        self.control[ARMED_COUNT] = len(rest)

    def take_fired(self) -> Any:
        """Numbers of the waiters that have fired since the last call."""
        count = self.control[FIRED_COUNT]
        if not count:
            return ()
        self.control[FIRED_COUNT] = 0
        return self.fired[:count]

    def take_armed(self) -> list[int]:
        """Numbers of the waiters that are armed, which they then no longer are."""
        count = self.control[ARMED_COUNT]
        self.control[ARMED_COUNT] = 0
        return list(self.armed[:count])

    def count_of(self, number: int) -> int:
        """Edges that a waiter still waits for."""
        return self.waiters[number * W_SIZE + W_COUNT]
