"""The states of the engine, each declared with the shared rows that it may write."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import or_

from amaranth import Module, Signal, Value
from amaranth.hdl import ValueLike

from ..trees import reduce_pairs

__all__ = ["States"]


class States:
    """One state machine whose states stand in several files.

    The rows of lanes and PIRQs are read beside a write of another row, and dispatch reads PIRQ
    rows at any time; so the store must know beforehand in which cycles they may be written
    (`Store`, ``row_busy``). Who declares a state says so, and nobody keeps a list.

    Parameters
    ----------
    m : Module
        Where the state machine is; `state` is to be used within its ``m.FSM()``.
    """

    def __init__(self, m: Module):
        self._m = m
        self._writing: list[tuple[Signal, ValueLike]] = []

    @contextmanager
    def state(self, name: str, *, writes_rows: ValueLike = 0) -> Iterator[None]:
        """Declare a state.

        Parameters
        ----------
        name : str
            For ``m.next``.
        writes_rows : 1 bit
            1, or when: the row of the lane or of the PIRQ here may be written.
        """
        with self._m.State(name):
            if not (isinstance(writes_rows, int) and not writes_rows):
                here = Signal(name=f"in_{name.lower()}")
                self._m.d.comb += here.eq(1)
                self._writing.append((here, writes_rows))
            yield

    def writing(self) -> Value:
        """Whether the state of this cycle may write the row of a lane or PIRQ."""
        return reduce_pairs([here & when for here, when in self._writing], or_)
