"""The choice itself: from the snapshot of all lanes to the targets of a request."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from .eligible import LaneTest, criteria
from .keys import LaneKey, ordering
from .tournament import Tournament

__all__ = ["Chooser"]


class Chooser(wiring.Component):
    """Capture what matters of every lane, then find the winner.

    In the cycle of ``capture`` each lane is reduced to its terms, key, tie-break and number, which
    are all that is kept of the snapshot. Rounds of the tournament read these registers.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Attributes
    ----------
    latency : int
        Cycles from the start of a round to its result.

    Members
    -------
    capture : ``In(1)``
        Take the lanes over at the end of this cycle.
    rows, outs : ``In(ArrayLayout)``
        Lane rows and out counts of the domain.
    ask : ``In(criteria)``
        The request.
    open : ``In(lanes)``
        Term E6.
    order : ``In(ordering)``
        Policy in force.
    rrptr : ``In(lane_bits)``
        Rotation pointer of the domain.
    second : ``In(1)``
        The round that begins in this cycle is PULL's second one.
    exclude : ``In(1)``, ``excluded`` : ``In(lane_bits)``
        That lane takes part in no further round.
    candidates, eligible, live : ``Out(lanes)``
        Terms of the snapshot, from the cycle after ``capture``; see `LaneTest`.
    frozen : ``Out(1)``
        A lane that matches (E1 to E3) is frozen.
    v : ``Out(ArrayLayout(vcpu_bits, lanes))``
        The vCPU in each lane.
    found, k, key : ``Out``
        Result of a round.
    """

    def __init__(self, config):
        self._config = config
        layouts = Layouts(config)
        self._tournament = Tournament(lanes=config.lanes, tie_bits=config.vcpu_bits)
        self.latency = self._tournament.latency
        super().__init__({
            "capture": In(1),
            "rows": In(data.ArrayLayout(layouts.lane, config.lanes)),
            "outs": In(data.ArrayLayout(8, config.lanes)),
            "ask": In(criteria), "open": In(config.lanes), "order": In(ordering),
            "rrptr": In(config.lane_bits),
            "second": In(1), "exclude": In(1), "excluded": In(config.lane_bits),
            "candidates": Out(config.lanes), "eligible": Out(config.lanes),
            "live": Out(config.lanes), "frozen": Out(1),
            "v": Out(data.ArrayLayout(config.vcpu_bits, config.lanes)),
            "found": Out(1), "k": Out(config.lane_bits), "key": Out(8),
        })

    def elaborate(self, platform):
        m = Module()
        lanes = self._config.lanes
        m.submodules.tournament = tournament = self._tournament
        frozen, rounds = Signal(lanes), (Signal(lanes, name="first"), Signal(lanes, name="second"))
        keys, ties = Signal.like(tournament.keys), Signal.like(tournament.ties)
        for k in range(lanes):
            m.submodules[f"test_{k}"] = test = LaneTest(self._config)
            m.submodules[f"key_{k}"] = key = LaneKey(self._config, lane=k)
            m.d.comb += [
                test.row.eq(self.rows[k]), test.ask.eq(self.ask), test.open.eq(self.open[k]),
                key.row.eq(self.rows[k]), key.out.eq(self.outs[k]), key.order.eq(self.order),
                key.rrptr.eq(self.rrptr),
            ]
            with m.If(self.capture):
                m.d.sync += [
                    self.candidates[k].eq(test.candidate), frozen[k].eq(test.frozen),
                    self.live[k].eq(test.live), self.eligible[k].eq(test.eligible),
                    rounds[0][k].eq(test.eligible & key.first),
                    rounds[1][k].eq(test.eligible & key.second),
                    keys[k].eq(key.key), ties[k].eq(key.tie), self.v[k].eq(self.rows[k].v),
                ]
            with m.Elif(self.exclude & (self.excluded == k)):
                m.d.sync += [bits[k].eq(0) for bits in rounds]
        m.d.comb += [
            self.frozen.eq(frozen.any()),
            tournament.pick.eq(Mux(self.second, rounds[1], rounds[0])),
            tournament.keys.eq(keys), tournament.ties.eq(ties),
            Cat(self.found, self.k, self.key).eq(
                Cat(tournament.found, tournament.k, tournament.key)),
        ]
        return m
