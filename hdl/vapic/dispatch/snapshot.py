"""C2 of a selection: every lane of the domain reduced to what the choice needs, terms and key."""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .. import rules
from ..policy import built, falls_back, key_bits
from ..trees import reduce_pairs
from .lanes import metrics_layout, seen
from .request import asked_layout, criteria, rule_of

__all__ = ["LaneKey", "LaneSnapshot", "LaneTest"]


class LaneTest(wiring.Component):
    """Test one lane for the terms E1 to E6 of SEL-03; combinational.

    Destination 0xFF is everyone, physical (LAPIC-30) and logical (LAPIC-31) alike. It is all that
    a lane matches whose DFR is neither flat nor cluster, as that is kept without its LDR. MDA 0
    matches nobody, since no bit of it can meet a bit of LDR.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    row, ask : ``In(seen(config))``, ``In(criteria)``
        The lane, and the request.
    open : ``In(1)``
        E6: path LAPIC, or a port is bound and open (and not in flight, if dynamic).
    candidate : ``Out(1)``
        E1 to E3: online, enabled and named by the destination (LAPIC-33).
    live : ``Out(1)``
        E1 to E4 and E6: what the static rule matches.
    eligible : ``Out(1)``
        E1 to E6.
    """

    def __init__(self, config):
        super().__init__({
            "row": In(seen(config)), "ask": In(criteria), "open": In(1),
            "candidate": Out(1), "live": Out(1), "eligible": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        row, ask, sched, allow = self.row, self.ask, self.row.sched.as_value(), self.ask.allow
        low, high, same = row.common_ldr[:2], row.common_ldr[2:], row.same_ldr
        named = Mux(row.flat, low.any() | high.any(), low.any() & same.all())
        match = Mux(ask.physical, ask.logical | row.same_id.all(), ask.logical & named)
        m.d.comb += [
            self.candidate.eq(match & row.present),
            self.live.eq(self.candidate & ~row.frozen & self.open),
            self.eligible.eq(self.live & Mux(
                sched[1], Mux(sched[0], allow[3], allow[2]), Mux(sched[0], allow[1], allow[0]))),
        ]
        return m


class LaneKey(wiring.Component):
    """Key, tie-break and rounds of one lane; combinational.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    lane : int
        Number k of the lane.

    Members
    -------
    row, out : ``In(seen(config))``, ``In(8)``
        The lane.
    asked : ``In(asked_layout(config))``
        The request.
    key : ``Out(key_bits(config))``
        Smallest wins.
    early : ``Out(8)``
        The key of its own of a policy that falls back, whose rounds are by ``key``.
    full, early_full : ``Out(1)``
        It has a load of more than 255: all of its low 8 bits are ones (SEL-10). They are set where
        the key is kept, as that takes a gate a lane and not one a bit.
    tie : ``Out(vcpu_bits)``
        Smallest wins among equal keys, then the lower lane.
    plays : ``Out(2)``
        The rounds that the lane takes part in, if it is eligible.

    Raises
    ------
    ValueError
        If there is no such lane.
    """

    def __init__(self, config, *, lane: int):
        if not 0 <= lane < config.lanes:
            raise ValueError(f"lane must be 0..{config.lanes - 1}, not {lane!r}")
        self._config, self._lane = config, lane
        super().__init__({
            "row": In(seen(config)), "out": In(8), "asked": In(asked_layout(config)),
            "key": Out(key_bits(config)), "early": Out(8), "tie": Out(config.vcpu_bits),
            "plays": Out(2), "full": Out(1), "early_full": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        row, order, settings = self.row, self.asked.order, self.asked.settings
        names = [name for name in row.shape().members if name != "count"]
        lane = Signal(data.StructLayout({name: row.shape().members[name] for name in names}
                                        | {"load": 8}))
        measured = metrics_layout(self._config).members
        metrics = {name: row[name] for name in names if name in measured}
        m.d.comb += [lane[name].eq(row[name]) for name in names]
        if "load" in measured:
            m.d.comb += lane.load.eq(rules.load(self.out, row.count))
            metrics["load"] = self.out + row.count
        rest, plays = Const(0, 1), (~order.two, 0)
        for i, policy in enumerate(built(self._config)):
            rule = rule_of(order)[i]
            if policy.falls_back:
                own = {name: metrics[name] for name in policy.metrics(settings)}
                m.d.comb += self._low(self.early, self.early_full, own)
            else:
                rest = rest | Mux(order.by[i], policy.key(lane, settings), 0)
            if policy.rounds == 2:
                plays = tuple(all_ | rule & this
                              for all_, this in zip(plays, policy.plays(lane), strict=True))
        low = Signal(8)
        m.d.comb += self._low(low, self.full, {
            name: value & used.replicate(len(value)) for name, value, used in self._used(metrics)})
        # In rotation the lanes from RRPTR on come first, and lower lanes first within each part.
        passed = self.asked.rrptr > self._lane
        m.d.comb += [
            self.key.eq(Cat(low | rest[:8], rest[8:])), self.plays.eq(Cat(*plays)),
            # The low bits are cleared in rotation where they are kept.
            self.tie.eq(Cat(row.v[:-1], Mux(order.by_v, row.v[-1], passed))),
        ]
        return m

    def _used(self, metrics):
        """The metrics that keys are made of, and when; one that nobody reads is 0 then."""
        policies, order, settings = built(self._config), self.asked.order, self.asked.settings
        for name, value in metrics.items():
            when = [order.by[i] & policy.metrics(settings)[name]
                    for i, policy in enumerate(policies)
                    if name in policy.metrics(settings) and not policy.falls_back]
            alone = all(name in policy.metrics(settings) and not policy.falls_back
                        for policy in policies if name in policy.lane)
            if when:
                yield name, value, Const(1, 1) if alone else Cat(*when).any()

    @staticmethod
    def _low(low, full, metrics):
        """Low bits of a key, of metrics of which one at most is not 0."""
        joined = reduce_pairs([Value.cast(value)[:8] for value in metrics.values()] or [Const(0)],
                              lambda a, b: a | b)
        load = metrics.get("load", Const(0, 9))
        return [low.eq(joined), full.eq(load[8])]


class LaneSnapshot(wiring.Component):
    """Keep of each lane its terms, key, tie-break and number as they are in C2.

    The rounds of the tournament read these registers and nothing else. A lane that answered RETRY
    is excluded from all further rounds.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    capture : ``In(1)``
        C2: take the lanes over at the end of this cycle.
    rows, outs : ``In(ArrayLayout)``
        Lane rows and out counts of the domain.
    asked : ``In(asked_layout(config))``
        The request.
    exclude, excluded : ``In(1)``, ``In(lane_bits)``
        That lane plays no more.
    candidates, eligible, live : ``Out(lanes)``
        Terms of the lanes, from the cycle after ``capture``; see `LaneTest`.
    frozen : ``Out(1)``
        A lane that matches (E1 to E3) is frozen; from the second cycle after ``capture``.
    v : ``Out(ArrayLayout(vcpu_bits, lanes))``
        The vCPU in each lane.
    keys, ties : ``Out(ArrayLayout)``
        Of each lane.
    rounds : ``Out(ArrayLayout(lanes, 2))``
        Who plays each round.
    early, hinted : ``Out(ArrayLayout(8, lanes))``, ``Out(lanes)``
        Only if a policy built falls back: its own keys, and the lane of the hint, if that is
        eligible.
    """

    def __init__(self, config):
        self._config = config
        lanes = config.lanes
        super().__init__({
            "capture": In(1), "rows": In(data.ArrayLayout(seen(config), lanes)),
            "outs": In(data.ArrayLayout(8, lanes)), "asked": In(asked_layout(config)),
            "exclude": In(1), "excluded": In(config.lane_bits),
            "candidates": Out(lanes), "eligible": Out(lanes), "live": Out(lanes),
            "frozen": Out(1), "v": Out(data.ArrayLayout(config.vcpu_bits, lanes)),
            # Ones after reset, as they are set rather than cleared.
            "keys": Out(data.ArrayLayout(key_bits(config), lanes), init=[0xFF] * lanes),
            "ties": Out(data.ArrayLayout(config.vcpu_bits, lanes)),
            "rounds": Out(data.ArrayLayout(lanes, 2)),
            **({"early": Out(data.ArrayLayout(8, lanes), init=[0xFF] * lanes),
                "hinted": Out(lanes)} if falls_back(config) else {}),
        })

    def elaborate(self, platform):
        m = Module()
        frozen = Signal(self._config.lanes)
        asked = self.asked
        for k, row in enumerate(self.rows):
            m.submodules[f"test_{k}"] = test = LaneTest(self._config)
            m.submodules[f"key_{k}"] = key = LaneKey(self._config, lane=k)
            m.d.comb += [
                test.row.eq(row), test.ask.eq(asked.ask), test.open.eq(asked.open[k]),
                key.row.eq(row), key.out.eq(self.outs[k]), key.asked.eq(asked),
            ]
            with m.If(self.capture):
                m.d.sync += [
                    self.candidates[k].eq(test.candidate), frozen[k].eq(row.frozen),
                    self.live[k].eq(test.live), self.eligible[k].eq(test.eligible),
                    self.keys[k].eq(key.key), self.ties[k].eq(key.tie), self.v[k].eq(row.v),
                ]
                m.d.sync += [self.rounds[i][k].eq(test.eligible & key.plays[i]) for i in range(2)]
                if falls_back(self._config):
                    m.d.sync += [self.early[k].eq(key.early), self.hinted[k].eq(
                        test.eligible & asked.hint_valid & (asked.hint == k))]
            with m.Elif(self.exclude & (self.excluded == k)):
                m.d.sync += [self.rounds[i][k].eq(0) for i in range(2)]
                if falls_back(self._config):
                    m.d.sync += self.hinted[k].eq(0)
            # What beats a capture stands last, so that it is a set or a reset of the flip-flops.
            with m.If(self.capture & key.full):
                m.d.sync += self.keys[k][:8].eq(0xFF)
            with m.If(self.capture & ~asked.order.by_v):
                m.d.sync += self.ties[k][:-1].eq(0)
            if falls_back(self._config):
                with m.If(self.capture & key.early_full):
                    m.d.sync += self.early[k].eq(0xFF)
        m.d.sync += self.frozen.eq((self.candidates & frozen).any())
        return m
