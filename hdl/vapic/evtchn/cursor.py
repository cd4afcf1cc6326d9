"""Where the engine stands, and where it goes next."""

from operator import or_

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value

from ..trees import decode, reduce_pairs, select

__all__ = ["Cursor"]


class Cursor:
    """One domain, port, lane and PIRQ at a time, whose rows the store shows and writes.

    It stays where it is unless a state moves it; the rows of the new place leave the memories in
    the cycle after the move, and are in registers one cycle later (`Store`).

    Parameters
    ----------
    m : Module
        Where the logic goes.
    store : Store
        Whose ``cursor_next`` and ``cursor`` it is.
    config : Config
        Sizes of the controller.

    Attributes
    ----------
    next, now, at : ``RowLayouts.at``
        Where the engine is in the next cycle, in this one, and was in the one before: the rows in
        registers, and writes, are those of `at`.
    query_n : ``pirq_bits``
        PIRQ of `next`, unless its table entry is not looked at.
    lane_hot : ``lanes`` bits
        Lane of `now`, one-hot.
    at_word_hot, at_lane_hot : ``port_words``, ``lanes`` bits
        Word of the port, and lane, of `at`; from registers. No lane until the store is ready.
    """

    def __init__(self, m: Module, store, config):
        self.next, self.now, self.at = store.cursor_next, store.cursor, store.at
        self.lane_hot = Cat(decode(self.now.k, config.lanes))
        self.at_word_hot, self.at_lane_hot = Signal(config.port_words), Signal(config.lanes)
        self._row, self.query_n = store.port, Signal.like(self.next.n)
        #: Of each place: the strobes of the moves to each value, by the identity of that.
        self._moves: dict[str, dict[int, tuple[Value, list[Value]]]] = {
            name: {} for name, _ in self.next.shape()}
        self._queries: dict[int, tuple[Value, list[Value]]] = {}
        self._notify, self._tied = self._row.notify, self._row.tie.n
        with m.If(~store.stall):
            m.d.sync += [self.at_lane_hot.eq(self.lane_hot),
                         self.at_word_hot.eq(Cat(decode(self.now.port[5:], config.port_words)))]
        with m.If(~store.ready):
            m.d.sync += self.at_lane_hot.eq(0)

    def move(self, m: Module, *, entry: bool = True, **places) -> None:
        """Go to another ``dom``, ``port``, ``k`` or ``n``; what is not named stays.

        Without `entry`, the table entry of PIRQ ``n`` is not looked at.

        In one cycle at most one call for each of them may be reached: the new place is a sum over
        all values, as it is the address of most memories. Calls with the same object share a term.
        """
        goes = _strobe(m)
        for name, value in places.items():
            self._moves[name].setdefault(id(value), (value, []))[1].append(goes)
        if entry and "n" in places:
            self._queries.setdefault(id(places["n"]), (places["n"], []))[1].append(goes)

    def follow(self, m: Module, *, pirq: bool) -> None:
        """Go to the lane, and to the PIRQ if wanted, of the port whose row is in its register."""
        self.move(m, k=self._notify)
        if pirq:
            self.move(m, n=self._tied)

    def finish(self, m: Module) -> None:
        """Add the sums, after all calls of `move` and `follow`."""
        for name, moves in self._moves.items():
            m.d.comb += self.next[name].eq(_sum(moves, self.now[name]))
        m.d.comb += self.query_n.eq(_sum(self._queries, self.now.n))


def _sum(moves: dict[int, tuple[Value, list[Value]]], stays: Value) -> Value:
    """The value that has a strobe; without one the last."""
    terms = [(reduce_pairs(strobes, or_), value) for value, strobes in moves.values()]
    return Mux(reduce_pairs([goes for goes, _ in terms], or_), select(terms), stays)


def _strobe(m: Module) -> Signal:
    """1 in the cycles in which this place of the states is reached."""
    goes = Signal(name="goes")
    m.d.comb += goes.eq(1)
    return goes
