"""Where the engine stands, and where it goes next."""

from amaranth import Cat, Module, Signal

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
        m.d.comb += self.next.eq(self.now)
        with m.If(~store.stall):
            m.d.sync += [self.at_lane_hot.eq(self.lane_hot),
                         self.at_word_hot.eq(Cat(decode(self.now.port[5:], config.port_words)))]

    def move(self, m: Module, **places) -> None:
        """Go to another ``dom``, ``port``, ``k`` or ``n``; what is not named stays."""
        m.d.comb += [self.next[name].eq(value) for name, value in places.items()]
