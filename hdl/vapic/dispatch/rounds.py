"""C3 and on: the rounds that a policy plays, and whom it names."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from .order import ordering
from .policy import Result, built
from .snapshot import key_bits
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
    order, settings : ``In``
        The order in force, and the settings as of the start.
    done : ``Out(1)``
        The last result is there, in this cycle only.
    named : ``Out(1)``
        Somebody has won.
    k, key : ``Out(lane_bits)``, ``Out(key_bits(config))``
        Who, and with which key.
    """

    def __init__(self, config):
        self._policies = built(config)
        self._tournament = Tournament(lanes=config.lanes, tie_bits=config.vcpu_bits,
                                      key_bits=key_bits(config))
        self.latency = self._tournament.latency
        super().__init__({
            "start": In(1),
            "keys": In(data.ArrayLayout(key_bits(config), config.lanes)),
            "ties": In(data.ArrayLayout(config.vcpu_bits, config.lanes)),
            "plays": In(data.ArrayLayout(config.lanes, 2)),
            "order": In(ordering(config)), "settings": In(Layouts(config).globals),
            "done": Out(1), "named": Out(1), "k": Out(config.lane_bits),
            "key": Out(key_bits(config)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.tournament = tournament = self._tournament
        # Bit i: the first round entered i + 1 cycles ago, counted from `start`.
        since = Signal(self.latency + 2)
        m.d.sync += since.eq(Cat(self.start, since))
        last = Result(tournament.found, tournament.k, tournament.key)
        m.d.comb += [
            tournament.keys.eq(self.keys), tournament.ties.eq(self.ties),
            tournament.pick.eq(self.plays[0]), self.done.eq(since[self.latency]),
            Cat(self.named, self.k, self.key).eq(Cat(*last)),
        ]
        two = [(self.order.by[i], policy) for i, policy in enumerate(self._policies)
               if policy.rounds == 2]
        if two:
            first = Result(Signal(), Signal.like(self.k), Signal.like(self.key))
            m.d.sync += Cat(*first).eq(Cat(*last))
            m.d.comb += [
                tournament.pick.eq(Mux(since[1], self.plays[1], self.plays[0])),
                self.done.eq(Mux(self.order.two, since[self.latency + 1], since[self.latency])),
            ]
        for by, policy in two:
            verdict = policy.verdict(first, last, self.settings)
            with m.If(by):
                m.d.comb += [self.named.eq(verdict.named), self.k.eq(verdict.k),
                             self.key.eq(verdict.key)]
        return m
