"""Flip-flops of every request: what is pending, what is gated."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..trees import decode, reduce_pairs

__all__ = ["Flags", "change_layout", "state_layout"]

#: A register write as flags and EOI match see it: what the entry is after it.
change_layout = data.StructLayout({
    "valid": 1,     # some register of the entry is written
    "low": 1,       # its low word is
    "clear": 1,     # pend is cleared: an edge entry becomes level, or the owner changes
    "vector": 8, "polarity": 1, "level": 1, "mask": 1, "path": 1, "dom": 4,
})

#: State of one request, as REQSTAT and the entry's RO bits need it.
state_layout = data.StructLayout({
    "pend": 1, "rirr": 1, "err": 1, "infl": 1, "bound": 1,
    "source": 1,    # pend, or the line of a level entry is active
})


class Flags(wiring.Component):
    """Latch, gate and mask of all requests in parallel.

    Things of one cycle happen in this order: register write, EOI or hand-back's clear, grant
    or configuration error, then whatever sets: an occurrence beats a clear of pend, the
    acceptance beats a clear of RIRR (GEN-04).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    change, n : ``In``
        Register write of this cycle, and its entry, named at least a cycle before. Not in the cycle
        after ``hand_back.valid``, whose decoder it shares.
    changed : ``Out(pirqs)``
        The entry written, one-hot.
    ended : ``In(pirqs)``
        RIRR bits that an EOI clears.
    hand_back, pirq_note : ``In``
        As `Ioapic` gets them, they act in the next cycle; ``set_pend`` is for edge and MSI table
        entries only.
    message : ``In``
        A message.
    line, edge : ``In(rtes)``
        The lines, and those about to become active, of `Lines`.
    polarity_now, armed_now : ``Out(rtes)``
        As `Lines` needs them.
    latch_masked : ``In(1)``
        CTRL.latch_masked_edges.
    current_at : ``In(pirqs)``
        The request under selection, one-hot.
    first, last, fail : ``In(1)``
        First and last decision of its grant; it has a configuration error.
    level, infl, stands : ``Out(pirqs)``
        Effective trigger; in flight; the request exists and is neither masked, gated by RIRR, nor
        erroneous: the terms of SEL-04 about it but for CTRL.enable.
    state : ``Out(state_layout)``
        Flags of entry ``n``.
    quiet : ``Out(1)``
        Nothing is to act in this cycle that came in the one before.
    merged : ``Out(1)``
        The message of the previous cycle merged with one that was pending.
    coalesced : ``Out(range(rtes + 3))``
        Merges decided in the previous cycle (IOA-04).
    """

    def __init__(self, config, message):
        c = self._config = config
        layouts = Layouts(config)
        super().__init__({
            "change": In(change_layout), "n": In(c.pirq_bits), "changed": Out(c.pirqs),
            "ended": In(c.pirqs), "hand_back": In(layouts.hand_back),
            "pirq_note": In(layouts.pirq_note), "message": In(message),
            "line": In(c.rtes), "edge": In(c.rtes),
            "polarity_now": Out(c.rtes), "armed_now": Out(c.rtes),
            "latch_masked": In(1),
            "current_at": In(c.pirqs), "first": In(1), "last": In(1), "fail": In(1),
            "level": Out(c.pirqs), "infl": Out(c.pirqs), "stands": Out(c.pirqs),
            "state": Out(state_layout), "quiet": Out(1),
            "merged": Out(1), "coalesced": Out(range(c.rtes + 3)),
        })

    def _all(self, bit):
        return bit.replicate(self._config.pirqs)

    def elaborate(self, platform):
        m = Module()
        c, change = self._config, self.change
        back, note = Signal.like(self.hand_back), Signal.like(self.pirq_note)

        def vector(name, init=0):
            return Signal(c.pirqs, name=name, init=init)

        pend, rirr, err, bound = (vector(name) for name in ("pend", "rirr", "err", "bound"))
        mask, polarity = vector("mask", -1), Signal(c.rtes)

        # Register write. What it makes of a pin's mask, trigger and polarity counts at once.
        at, arms = vector("at"), Signal()
        armed = ~self.level & (~mask | self._all(self.latch_masked))
        m.d.sync += [
            back.eq(self.hand_back), note.eq(self.pirq_note),
            at.eq(decode(Mux(self.hand_back.valid, self.hand_back.n, self.n), c.pirqs)),
        ]
        m.d.comb += [
            self.changed.eq(at & self._all(change.valid)),
            self.polarity_now.eq(polarity & ~self.changed
                                 | self.changed & self._all(change.polarity)),
            arms.eq(~change.level & (~change.mask | self.latch_masked)),
            self.armed_now.eq(armed & ~self.changed | self.changed & self._all(arms)),
        ]
        for i in range(c.pirqs):
            with m.If(self.changed[i]):
                m.d.sync += [mask[i].eq(change.mask), self.level[i].eq(change.level)]
                if i < c.rtes:
                    m.d.sync += polarity[i].eq(change.polarity)

        # Occurrences, and what they merge with. Between the first and the last decision of a grant
        # `kept` stands for the pend bit of its request (SEL-20).
        within, kept = Signal(), Signal()
        handed, arrived, edges = (vector(name) for name in ("handed", "arrived", "edges"))
        written, before, own = (vector(name) for name in ("written", "before", "own"))
        occurred, fails, current_level = vector("occurred"), Signal(), Signal()
        m.d.sync += current_level.eq((self.current_at & self.level).any())
        m.d.comb += [
            # A configuration error ends an occurrence of an edge entry only (IOA-18).
            fails.eq(self.fail & ~current_level),
            handed.eq(at & self._all(back.valid & back.set_pend)),
            edges.eq(self.edge),
            own.eq(self.current_at & self._all(within | self.first | self.last | fails)),
            written.eq(pend & ~(at & self._all(change.clear))),
            before.eq(written & ~own | own & self._all(kept)),
            occurred.eq(handed | edges | arrived),
        ]
        if c.irts:
            m.d.comb += arrived[c.rtes:].eq(
                decode(self.message.index, c.irts) & self.message.valid.replicate(c.irts))
        merged, merged_back = vector("merged"), vector("merged_back")
        merges = [*merged[:c.rtes], self.merged, merged_back.any()]
        m.d.comb += [
            self.merged.eq(merged[c.rtes:].any()),      # one message a cycle
            self.coalesced.eq(reduce_pairs(merges, lambda a, b: a + b)),
        ]
        m.d.sync += [merged.eq((edges | arrived) & (before | handed)),
                     merged_back.eq(handed & before)]
        spent = fails | self.last & ~kept
        m.d.sync += [
            pend.eq(written & ~(self.current_at & self._all(spent)) | occurred),
            within.eq((within | self.first) & ~self.last),
            kept.eq((within | self.first) & ~self.last
                    & (kept | (occurred & self.current_at).any())),
        ]

        # Gates.
        released = self._all(back.valid & back.clear_rirr | change.low & ~change.level)
        note_at = vector("note_at")
        m.d.sync += [
            note_at.eq(decode(self.pirq_note.n, c.pirqs) & self._all(self.pirq_note.valid)),
            rirr.eq(rirr & ~self.ended & ~(at & released)
                    | self.current_at & self.level & self._all(self.first)),
        ]
        for i in range(c.pirqs):
            with m.If(at[i] & change.low | self.current_at[i] & self.fail):
                m.d.sync += err[i].eq(self.fail)
            with m.If(note_at[i]):
                m.d.sync += [self.infl[i].eq(note.infl_any), bound[i].eq(note.bound_any)]

        source = vector("source")
        m.d.comb += [
            source.eq(pend | (self.line ^ polarity) & self.level[:c.rtes]),
            self.stands.eq(source & ~mask & ~rirr & ~err),
        ]
        for name, bits in {"pend": pend, "rirr": rirr, "err": err, "infl": self.infl,
                           "bound": bound, "source": source}.items():
            m.d.comb += self.state[name].eq(bits.bit_select(self.n, 1))
        m.d.comb += self.quiet.eq(~(back.valid | note.valid))
        return m
