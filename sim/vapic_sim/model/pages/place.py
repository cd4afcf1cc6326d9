"""What an address resolves to: how to read and write there."""

from collections.abc import Callable
from dataclasses import dataclass

from ..records import Err
from ..registers import Kept, Kind, Register

__all__ = ["Access", "BusError", "Place", "constant", "register", "tabled", "unmapped"]


class BusError(Exception):
    """Bus error response; `err` is logged unless None (ERR-11)."""

    def __init__(self, err: Err | None) -> None:
        super().__init__(err)
        self.err = err


@dataclass(slots=True)
class Access:
    """One bus access with its master's sideband."""

    vmm: bool
    dom: int
    vcpu: int
    address: int
    write: bool
    data: int
    sel: int


def _ignore(_: int) -> int:
    return 0


@dataclass(slots=True)
class Place:
    """A register.

    Parameters
    ----------
    read : callable
        Its value; reading may have an effect.
    write : callable
        Takes the data; the answer is what the access carries back, 0 but for commands.
    selects : tuple of int or None
        Byte selects other than 0b1111 that are allowed; None allows all.
    """

    read: Callable[[], int]
    write: Callable[[int], int] = _ignore
    selects: tuple[int, ...] | None = ()


def constant(value: int = 0) -> Place:
    """A register that is read only, or not built: writes are ignored (ERR-15)."""
    return Place(lambda: value)


def register(read: Callable[[], int], write: Callable[[int], object]) -> Place:
    """A plain register."""
    def put(data: int) -> int:
        write(data)
        return 0
    return Place(read, put)


def tabled(row: Register, kept: Kept, follow_up: Callable[[], object] | None = None) -> Place:
    """A register that its row in the tables describes in full.

    Parameters
    ----------
    row : Register
        Any but one of kind OWN.
    kept : dict of Register to int
        Where its value is.
    follow_up : callable or None
        Called after a write.
    """
    def put(data: int) -> int:
        kept[row] = data >> row.low & row.mask
        if follow_up:
            follow_up()
        return 0

    if row.kind == Kind.ZERO:
        return constant()
    if row.kind == Kind.HELD:
        return constant(kept[row] & row.mask)
    return Place(lambda: kept[row] << row.low | row.ones, put)


def unmapped() -> BusError:
    """Error of an offset that is not there (ERR-02)."""
    return BusError(Err.UNMAPPED)
