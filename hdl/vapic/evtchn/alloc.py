"""Allocation: the lowest free port of a domain (EVT-20)."""

from amaranth import C, Cat, Module, Signal

from ..regs.events import Errno
from ..trees import lowest
from .cursor import Cursor
from .store import Store

__all__ = ["add_alloc_states"]


def add_alloc_states(m: Module, cursor: Cursor, store: Store, fail) -> None:
    """States from the domain here to its lowest free port, at which the step is led up to.

    First the lowest word with a free port is found, then the bit: two searches over 32 at most
    instead of one over all ports.

    Parameters
    ----------
    fail : callable
        ``fail(errno)`` ends the operation.
    """
    port = Signal.like(cursor.now.port)

    with m.State("ALLOC"):
        # The domain's row is on its way.
        m.next = "ALLOC_WORD"

    with m.State("ALLOC_WORD"):
        found, word = lowest(m, ~store.full, name="full")
        m.d.sync += port.eq(Cat(C(0, 5), word))
        m.next = "ALLOC_ROW"
        with m.If(~found):
            fail(Errno.ENOSPC)

    with m.State("ALLOC_ROW"):
        cursor.move(m, port=port)
        m.next = "RD_ALLOC"

    with m.State("RD_ALLOC"):
        m.next = "ALLOC_BIT"

    with m.State("ALLOC_BIT"):
        _, bit = lowest(m, ~store.word.used, name="free")
        m.d.sync += port[:5].eq(bit)
        m.next = "ALLOC_PORT"

    with m.State("ALLOC_PORT"):
        cursor.move(m, port=port)
        m.next = "RD_BITS"
