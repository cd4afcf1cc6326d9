"""Smallest key of all lanes: a pipelined tree of groups of four."""

from math import ceil, log2

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Tournament"]


class Tournament(wiring.Component):
    """Find the picked lane with the smallest (key, tie); the lower lane wins if both are equal.

    A new round may begin every cycle; its result stands on the outputs `latency` cycles later,
    for one cycle. Groups of four share a stage.

    Parameters
    ----------
    lanes : int
        Number of lanes, at least 1.
    tie_bits : int
        Width of the tie-break, at least 1.
    key_bits : int
        Width of a key, at least 1.

    Attributes
    ----------
    latency : int
        Cycles from ``pick`` to the result: 1 up to 4 lanes, 2 up to 16, 3 up to 64.

    Members
    -------
    pick : ``In(lanes)``
        Lanes that take part.
    keys : ``In(ArrayLayout(key_bits, lanes))``
        First thing compared.
    ties : ``In(ArrayLayout(tie_bits, lanes))``
        Second thing compared.
    found : ``Out(1)``
        Somebody took part.
    k, key : ``Out(range(lanes))``, ``Out(key_bits)``
        The winner and its key, if ``found``.

    Raises
    ------
    ValueError
        If there are no lanes or tie-break or key have no width.
    """

    def __init__(self, *, lanes: int, tie_bits: int, key_bits: int):
        if lanes < 1:
            raise ValueError(f"lanes must be at least 1, not {lanes!r}")
        if tie_bits < 1:
            raise ValueError(f"tie_bits must be at least 1, not {tie_bits!r}")
        if key_bits < 1:
            raise ValueError(f"key_bits must be at least 1, not {key_bits!r}")
        self._lanes, self._tie_bits, self._key_bits = lanes, tie_bits, key_bits
        self._k_bits = max(1, (lanes - 1).bit_length())
        self.latency = max(1, ceil(log2(lanes) / 2))
        super().__init__({
            "pick": In(lanes), "keys": In(data.ArrayLayout(key_bits, lanes)),
            "ties": In(data.ArrayLayout(tie_bits, lanes)),
            "found": Out(1), "k": Out(self._k_bits), "key": Out(key_bits),
        })

    def elaborate(self, platform):
        m = Module()
        node = data.StructLayout({"tie": self._tie_bits, "key": self._key_bits, "absent": 1,
                                  "k": self._k_bits})
        # Compared as one number, absent lanes last.
        rank = slice(0, self._tie_bits + self._key_bits + 1)

        def less(a, b):
            return a.as_value()[rank] < b.as_value()[rank]

        def best(group):
            """The best of up to four: all pairs are compared at once, then one is selected."""
            if len(group) == 1:
                return group[0]
            a, b, rest = group[0], group[1], group[2:]
            b_wins = less(b, a)
            upper = Mux(b_wins, b, a)
            if not rest:
                return upper
            c = lower = rest[0]
            beats_upper = Mux(b_wins, less(c, b), less(c, a))
            if len(rest) == 2:
                d = rest[1]
                d_wins = less(d, c)
                lower = Mux(d_wins, d, c)
                beats_upper = Mux(d_wins, Mux(b_wins, less(d, b), less(d, a)), beats_upper)
            return Mux(beats_upper, lower, upper)

        nodes = []
        for i in range(self._lanes):
            leaf = Signal(node, name=f"leaf_{i}")
            m.d.comb += leaf.eq(Cat(self.ties[i], self.keys[i], ~self.pick[i],
                                    Const(i, self._k_bits)))
            nodes.append(leaf)
        for stage in range(self.latency):
            winners = []
            for i in range(0, len(nodes), 4):
                winner = Signal(node, name=f"stage_{stage}_{i // 4}")
                m.d.sync += winner.eq(best(nodes[i:i + 4]))
                winners.append(winner)
            nodes = winners
        winner, = nodes
        m.d.comb += [self.found.eq(~winner.absent), self.k.eq(winner.k), self.key.eq(winner.key)]
        return m
