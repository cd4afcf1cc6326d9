"""A state machine with a flip-flop for each state."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import or_

from amaranth import Module, Signal
from amaranth.hdl import ValueLike

from .trees import reduce_pairs

__all__ = ["OneHot"]


class OneHot:
    """States and their order, as of `Module.FSM`, but with one flip-flop a state.

    What a state does hangs on one flip-flop instead of a number to be decoded. The next state is
    a sum of strobes, one for each assignment to `next`: the last one that is reached in a cycle
    counts, and without one the state stays.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    init : str
        State after reset.
    """

    def __init__(self, m: Module, *, init: str):
        self._m, self._init = m, init
        self._ongoing: dict[str, Signal] = {}
        self._arrivals: dict[str, list[Signal]] = {}
        self._departures: dict[str, list[Signal]] = {}
        self._here, self._may_write = "", ()

    def ongoing(self, name: str) -> Signal:
        """Whether it is in this state; a flip-flop."""
        if name not in self._ongoing:
            self._ongoing[name] = Signal(name=f"in_{name.lower()}", init=name == self._init)
        return self._ongoing[name]

    @contextmanager
    def state(self, name: str, *, writes: tuple[Signal, ...] = ()) -> Iterator[None]:
        """What is done in a state.

        Parameters
        ----------
        name : str
            Of the state.
        writes : tuple of Signal
            Strobes that `write` may set in it: the rows of memories that the state writes itself.

        Raises
        ------
        NameError
            If there is this state already.
        """
        if name in self._departures:
            raise NameError(f"state {name!r} is already defined")
        self._here, self._departures[name], self._may_write = name, [], writes
        with self._m.If(self.ongoing(name)):
            yield
        self._here, self._may_write = "", ()

    def write(self, strobe: Signal, value: ValueLike = 1) -> None:
        """Set the write strobe of a row, or of its parts, in this state.

        Raises
        ------
        NameError
            If the state was not declared to write it.
        """
        if not any(strobe is declared for declared in self._may_write):
            raise NameError(f"state {self._here!r} does not say that it writes {strobe.name!r}: "
                            f"name it in writes= where the state begins")
        self._m.d.comb += strobe.eq(value)

    def go(self, name: str) -> None:
        """Go to this state, unless a later call that is reached says otherwise; within a state.

        Raises
        ------
        SyntaxError
            Outside of a state.
        """
        if not self._here:
            raise SyntaxError(f"no state to go to {name!r} from")
        ways = self._departures[self._here]
        way = Signal(name=f"{self._here.lower()}_to_{name.lower()}_{len(ways)}")
        self._m.d.comb += [way.eq(1), *(other.eq(0) for other in ways)]
        ways.append(way)
        self._arrivals.setdefault(name, []).append(way)

    def finish(self) -> None:
        """Add the flip-flops, when all states are defined.

        Raises
        ------
        NameError
            If a state is named that is not defined.
        """
        for name in (*self._ongoing, *self._arrivals):
            if name not in self._departures:
                raise NameError(f"state {name!r} is not defined")
        for name, ways in self._departures.items():
            state = self.ongoing(name)
            stays = state & ~reduce_pairs(ways, or_) if ways else state
            self._m.d.sync += state.eq(reduce_pairs([*self._arrivals.get(name, ()), stays], or_))
