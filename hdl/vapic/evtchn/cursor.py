"""Where the engine stands, and where it goes next."""

from amaranth import Cat, Module

from ..trees import decode

__all__ = ["Cursor"]


class Cursor:
    """One domain, port, lane and PIRQ at a time, whose rows the store shows and writes.

    It stays where it is unless a state moves it; the rows of the new place are there in the cycle
    after the move.

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
    next, now : ``RowLayouts.at``
        Where the engine is in the next cycle, and in this one.
    word_hot, lane_hot : ``port_words``, ``lanes`` bits
        Word of the port, and lane, one-hot.
    """

    def __init__(self, m: Module, store, config):
        self.next, self.now = store.cursor_next, store.cursor
        self.word_hot = Cat(decode(self.now.port[5:], config.port_words))
        self.lane_hot = Cat(decode(self.now.k, config.lanes))
        m.d.comb += self.next.eq(self.now)

    def move(self, m: Module, **places) -> None:
        """Go to another ``dom``, ``port``, ``k`` or ``n``; what is not named stays."""
        m.d.comb += [self.next[name].eq(value) for name, value in places.items()]
