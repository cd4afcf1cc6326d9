"""C3 and on: the rounds that a policy plays, and whom it names."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..policy import Result, Terms, built, falls_back, key_bits
from ..trees import reduce_pairs
from .request import asked_layout, rule_of
from .tournament import Tournament

__all__ = ["Rounds"]


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
        keys = [Mux(bit, key, 0) for bit, key in zip(self.hinted, self.early, strict=True)]
        m.d.sync += [hint.found.eq(self.hinted.any()),
                     hint.key.eq(reduce_pairs(keys, lambda a, b: a | b))]
        slack, limit, near = self.asked.slack, Signal(8), Signal()
        m.d.comb += limit.eq(Mux(hint.key > slack, hint.key - slack, 0))
        m.d.sync += near.eq(~Cat(plays & (key < limit) for plays, key in zip(
            self.plays[0], self.early, strict=True)).any())
        return hint, near
