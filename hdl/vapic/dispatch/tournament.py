"""C3 and on: the tournament of the lanes, the rounds that a policy plays, and whom it names."""

from math import ceil, log2

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..policy import Result, Terms, built, falls_back, key_bits
from ..trees import select
from .request import asked_layout, rule_of

__all__ = ["Rounds", "Tournament"]


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


class Rounds(wiring.Component):
    """Play one round, or two one cycle apart, and tell the winner in the cycle of the last result.

    The first round enters the tournament in the cycle after ``start`` and takes
    `Tournament.latency` cycles; a second one ends a cycle later. If no policy of two rounds is
    built, none is played and nothing is there for it.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    start : ``In(1)``
        Keys, ties and who plays stand from the next cycle on, until ``done``.
    keys, ties, plays : ``In(ArrayLayout)``
        Of a `LaneSnapshot`.
    early, hinted : ``In``
        The same; only if a policy built falls back.
    asked : ``In(asked_layout(config))``
        The request.
    done : ``Out(1)``
        The last result is there, in this cycle only.
    named : ``Out(1)``
        Somebody has won.
    k, key : ``Out(lane_bits)``, ``Out(key_bits(config))``
        Who, and with which key.
    own : ``Out(1)``
        The policy in force named it, not the fallback.
    """

    def __init__(self, config):
        self._config, self._policies = config, built(config)
        self._tournament = Tournament(lanes=config.lanes, tie_bits=config.vcpu_bits,
                                      key_bits=key_bits(config))
        self.latency = self._tournament.latency
        super().__init__({
            "start": In(1),
            "keys": In(data.ArrayLayout(key_bits(config), config.lanes)),
            "ties": In(data.ArrayLayout(config.vcpu_bits, config.lanes)),
            "plays": In(data.ArrayLayout(config.lanes, 2)),
            **({"early": In(data.ArrayLayout(8, config.lanes)), "hinted": In(config.lanes)}
               if falls_back(config) else {}),
            "asked": In(asked_layout(config)),
            "done": Out(1), "named": Out(1), "k": Out(config.lane_bits),
            "key": Out(key_bits(config)), "own": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.tournament = tournament = self._tournament
        # Bit i: the first round entered i + 1 cycles ago, counted from `start`.
        since = Signal(self.latency + 2)
        m.d.sync += since.eq(Cat(self.start, since))
        order = self.asked.order
        last = Result(tournament.found, tournament.k, tournament.key)
        m.d.comb += [
            tournament.keys.eq(self.keys), tournament.ties.eq(self.ties),
            tournament.pick.eq(self.plays[0]), self.done.eq(since[self.latency]),
            Cat(self.named, self.k, self.key).eq(Cat(*last)), self.own.eq(1),
        ]
        two = [(rule_of(order)[i], policy) for i, policy in enumerate(self._policies)
               if policy.rounds == 2]
        if two:
            first = Result(Signal(), Signal.like(self.k), Signal.like(self.key))
            m.d.sync += Cat(*first).eq(Cat(*last))
            m.d.comb += [
                tournament.pick.eq(Mux(since[1], self.plays[1], self.plays[0])),
                self.done.eq(Mux(order.two, since[self.latency + 1], since[self.latency])),
            ]
            terms = Terms(self.asked.settings, None, None)
            if falls_back(self._config):
                terms = Terms(self.asked.settings, *self._hint(m))
        for rule, policy in two:
            verdict = policy.verdict(first, last, terms)
            with m.If(rule):
                m.d.comb += [self.named.eq(verdict.named), self.k.eq(verdict.k),
                             self.key.eq(verdict.key), self.own.eq(verdict.own)]
        return m

    def _hint(self, m):
        """The hint as a result, there from the second cycle of a round on, and whether no key is
        smaller by more than the slack, from the third one on.
        """
        hint = Result(Signal(), self.asked.hint, Signal(8))
        m.d.sync += [hint.found.eq(self.hinted.any()),
                     hint.key.eq(select(zip(self.hinted, self.early, strict=True)))]
        slack, limit, near = self.asked.slack, Signal(8), Signal()
        m.d.comb += limit.eq(Mux(hint.key > slack, hint.key - slack, 0))
        m.d.sync += near.eq(~Cat(plays & (key < limit) for plays, key in zip(
            self.plays[0], self.early, strict=True)).any())
        return hint, near
