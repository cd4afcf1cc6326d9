"""Where the engine stands, and where it goes next."""

from amaranth import Cat, Module, Mux, Signal

from ..trees import decode

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
    lane_hot : ``lanes`` bits
        Lane of `now`, one-hot.
    at_word_hot, at_lane_hot : ``port_words``, ``lanes`` bits
        Word of the port, and lane, of `at`; from registers.
    """

    def __init__(self, m: Module, store, config):
        self.next, self.now, self.at = store.cursor_next, store.cursor, store.at
        self.lane_hot = Cat(decode(self.now.k, config.lanes))
        self.at_word_hot, self.at_lane_hot = Signal(config.port_words), Signal(config.lanes)
        self._planned = Signal.like(self.next)
        self._follows = {name: Signal(name=f"follows_{name}") for name in ("port", "k", "n")}
        rows = {"port": store.port_of, "k": store.port_early.notify, "n": store.port_early.tie.n}
        m.d.comb += [self._planned.eq(self.now), self.next.dom.eq(self._planned.dom)]
        m.d.comb += [self.next[name].eq(Mux(follows, rows[name], self._planned[name]))
                     for name, follows in self._follows.items()]
        with m.If(~store.stall):
            m.d.sync += [self.at_lane_hot.eq(self.lane_hot),
                         self.at_word_hot.eq(Cat(decode(self.now.port[5:], config.port_words)))]

    def move(self, m: Module, **places) -> None:
        """Go to another ``dom``, ``port``, ``k`` or ``n``; what is not named stays."""
        m.d.comb += [self._planned[name].eq(value) for name, value in places.items()]

    def follow(self, m: Module, *names: str) -> None:
        """Go where the row says that leaves its memory in this cycle.

        That is for ``k`` and ``n`` the port's, for ``port`` that of the PIRQ and lane. It comes
        late, and is chosen behind all that states plan.
        """
        m.d.comb += [self._follows[name].eq(1) for name in names]
