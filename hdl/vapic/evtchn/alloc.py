"""Allocation: the lowest free port of a domain (EVT-20)."""

from amaranth import C, Cat, Module, Signal

from ..onehot import OneHot
from ..regs.events import Errno
from ..trees import lowest
from .cursor import Cursor
from .store import Store

__all__ = ["add_alloc_states"]


def add_alloc_states(m: Module, states: OneHot, cursor: Cursor, store: Store, fail) -> None:
    """States from the domain here to its lowest free port, at which the step is led up to.

    First the lowest word with a free port is found, then the bit: two searches over 32 at most
    instead of one over all ports.

    Parameters
    ----------
    fail : callable
        ``fail(errno)`` ends the operation.
    """
    port, some = Signal.like(cursor.now.port), Signal()

    with states.state("ALLOC"):
        # The domain's row is on its way.
        states.go("ALLOC_WORD")

    with states.state("ALLOC_WORD"):
        found, word = lowest(m, ~store.full, name="full")
        m.d.sync += [port.eq(Cat(C(0, 5), word)), some.eq(found)]
        states.go("ALLOC_ROW")

    with states.state("ALLOC_ROW"):
        cursor.move(m, port=port)
        states.go("RD_ALLOC")
        with m.If(~some):
            fail(Errno.ENOSPC)

    with states.state("RD_ALLOC"):
        states.go("ALLOC_BIT")

    with states.state("ALLOC_BIT"):
        _, bit = lowest(m, ~store.word.used, name="free")
        m.d.sync += port[:5].eq(bit)
        states.go("ALLOC_PORT")

    with states.state("ALLOC_PORT"):
        cursor.move(m, port=port)
        states.go("RD_BITS")
