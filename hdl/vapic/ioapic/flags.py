"""Flip-flops of every request: what is pending, what is gated."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..trees import decode, reduce_pairs

__all__ = ["Flags", "change_layout", "state_layout"]

#: Requests that are counted together in the first of two cycles.
_GROUP = 8

#: A register write as flags and EOI match see it: what the entry is after it.
change_layout = data.StructLayout({
    "valid": 1,     # some register of the entry is written
    "low": 1,       # its low word is
    "clear": 1,     # pend is cleared: an edge entry becomes level, or the owner changes
    "vector": 8, "polarity": 1, "level": 1, "mask": 1, "path": 1, "dom": 4,
})

#: State of one request but for its flights, as REQSTAT and the entry's RO bits need it.
state_layout = data.StructLayout({
    "pend": 1, "rirr": 1, "err": 1,
    "source": 1,    # pend, or the line of a level entry is active
})


class Flags(wiring.Component):
    """Latch, gate and mask of all requests in parallel.

    Things of one cycle happen in this order: register write, EOI or hand-back's clear, grant
    or configuration error, then whatever sets: an occurrence beats a clear of pend, the
    acceptance beats a clear of RIRR (GEN-04). A grant is told a cycle after its decision: pend
    stays if something occurred in between, and RIRR rises a cycle late, which no access sees, as
    accesses wait, and no other grant of the entry, as one is under way at a time. A message and
    an outcome are told a cycle late too, so that nothing need be known of what was before them.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    change, n : ``In``
        Register write of this cycle, and its entry, named at least a cycle before. Not in the cycle
        after ``hand_back.valid``, whose decoder it shares.
    at, changed : ``Out(pirqs)``
        Entry ``n`` of the cycle before, one-hot, unless there was a hand-back; the same if its
        registers are written.
    ended : ``In(pirqs)``
        RIRR bits that an EOI clears.
    hand_back, pirq_note : ``In``
        As `Ioapic` gets them, they act in the next cycle; ``set_pend`` is for edge and MSI table
        entries only.
    message : ``In``
        A message that was decided in the cycle before.
    line, edge : ``In(rtes)``
        The lines, and those about to become active, of `Lines`; no edge in a cycle with
        ``change.valid``.
    polarity, armed : ``Out(rtes)``
        As `Lines` needs them.
    latch_masked : ``In(1)``
        CTRL.latch_masked_edges.
    current, current_at : ``In(pirq_bits)``, ``In(pirqs)``
        The request under selection, and one-hot.
    first, fail : ``In(1)``
        First decision of its grant, or it was found to have a configuration error; a cycle ago.
    level, infl, stands : ``Out(pirqs)``
        Effective trigger; in flight; the request exists and is neither masked, gated by RIRR, nor
        erroneous: the terms of SEL-04 about it but for CTRL.enable.
    state : ``Out(state_layout)``
        Flags of the entry of ``at``.
    quiet : ``Out(1)``
        Nothing is to act in this cycle that came in the one before.
    coalesced : ``Out(range(rtes + 3))``
        Merges of the previous cycle (IOA-04).
    merged : ``Out(1)``
        One more, of two cycles ago: with the request under selection, which was not granted then.
    """

    def __init__(self, config):
        c = self._config = config
        layouts = Layouts(config)
        super().__init__({
            "change": In(change_layout), "n": In(c.pirq_bits),
            "at": Out(c.pirqs), "changed": Out(c.pirqs),
            "ended": In(c.pirqs), "hand_back": In(layouts.hand_back),
            "pirq_note": In(layouts.pirq_note), "message": In(layouts.message),
            "line": In(c.rtes), "edge": In(c.rtes),
            "polarity": Out(c.rtes), "armed": Out(c.rtes),
            "latch_masked": In(1),
            "current": In(c.pirq_bits), "current_at": In(c.pirqs), "first": In(1), "fail": In(1),
            "level": Out(c.pirqs), "infl": Out(c.pirqs), "stands": Out(c.pirqs),
            "state": Out(state_layout), "quiet": Out(1), "coalesced": Out(range(c.rtes + 3)),
            "merged": Out(1),
        })

    def _all(self, bit):
        return bit.replicate(self._config.pirqs)

    def elaborate(self, platform):
        m = Module()
        c, change = self._config, self.change
        back, note = Signal.like(self.hand_back), Signal.like(self.pirq_note)

        def vector(name, init=0):
            return Signal(c.pirqs, name=name, init=init)

        pend, rirr, err = (vector(name) for name in ("pend", "rirr", "err"))
        mask, polarity = vector("mask", -1), Signal(c.rtes)

        # Register write.
        at, armed = vector("at"), vector("armed")
        m.d.sync += [
            back.eq(self.hand_back), note.eq(self.pirq_note),
            at.eq(decode(Mux(self.hand_back.valid, self.hand_back.n, self.n), c.pirqs)),
        ]
        m.d.comb += [
            self.at.eq(at), self.changed.eq(at & self._all(change.valid)),
            armed.eq(~self.level & (~mask | self._all(self.latch_masked))),
            self.armed.eq(armed), self.polarity.eq(polarity),
        ]
        for i in range(c.pirqs):
            with m.If(self.changed[i]):
                m.d.sync += [mask[i].eq(change.mask), self.level[i].eq(change.level)]
                if i < c.rtes:
                    m.d.sync += polarity[i].eq(change.polarity)

        # Occurrences. The first decision of a grant ends the one that is granted: what comes before
        # the last is a new one and merges with nothing of this grant (SEL-20), so pend stays for
        # what came `again` in the cycle of the decision. A configuration error ends an occurrence
        # of an edge entry only (IOA-18).
        here, current_level, ends, again = self.current_at, Signal(), Signal(), Signal()
        kept, arrived = vector("kept"), vector("arrived")
        handed = at & self._all(back.valid & back.set_pend)
        m.d.sync += [
            current_level.eq((here & self.level).any()),
            pend.eq(kept | handed | arrived),
            again.eq((here[:c.rtes] & self.edge).any()
                     | back.valid & back.set_pend & (back.n == self.current)),
        ]
        m.d.comb += [
            ends.eq(self.first | self.fail & ~current_level),
            kept.eq(pend & ~(at & self._all(change.clear))
                    & ~(here & self._all(ends & ~again))),
            arrived.eq(self.edge),
        ]
        if c.irts:
            m.d.comb += arrived[c.rtes:].eq(
                decode(self.message.index, c.irts) & self.message.valid.replicate(c.irts))
        stays = Signal()
        # Of `again`, so of an edge or hand-back: none meets a write that clears.
        m.d.sync += stays.eq((pend & here).any() & ~(ends & ~again))
        m.d.sync += self.merged.eq(again & ~ends & stays)
        self._count(m, pend, handed, arrived, ends & ~again)

        # Gates.
        released = self._all(back.valid & back.clear_rirr | change.low & ~change.level)
        note_at = vector("note_at")
        m.d.sync += [
            note_at.eq(decode(self.pirq_note.n, c.pirqs) & self._all(self.pirq_note.valid)),
            rirr.eq(rirr & ~self.ended & ~(at & released)
                    | here & self.level & self._all(self.first)),
        ]
        for i in range(c.pirqs):
            with m.If(at[i] & change.low | here[i] & self.fail):
                m.d.sync += err[i].eq(here[i] & self.fail)
            with m.If(note_at[i]):
                m.d.sync += self.infl[i].eq(note.infl_any)

        source = vector("source")
        m.d.comb += [
            source.eq(pend | (self.line ^ polarity) & self.level[:c.rtes]),
            self.stands.eq(source & ~mask & ~rirr & ~err),
            *(self.state[name].eq((bits & at).any())
              for name, bits in {"pend": pend, "rirr": rirr, "err": err, "source": source}.items()),
            self.quiet.eq(~(back.valid | note.valid | self.hand_back.valid
                            | self.pirq_note.valid)),
        ]
        return m

    def _count(self, m, pend, handed, arrived, spent):
        """Merges, told in the next cycle (IOA-04): of each pin, of a message, of a hand-back.

        With an edge or hand-back the request under selection counts as granted. If it turns out not
        to be, one more has merged, which ``merged`` tells.
        """
        c, here = self._config, self.current_at
        before = pend & ~here       # no edge or hand-back meets a write, which could clear it
        messages = arrived[c.rtes:]
        old = messages & pend[c.rtes:] & ~(self.at & self._all(self.change.clear))[c.rtes:]
        # One at most of the messages, and of the hand-backs: kept by groups, put together after.
        told = (old & ~(here[c.rtes:] & self._all(spent)[c.rtes:]) | messages & handed[c.rtes:],
                handed & before)
        merged, counts = Signal(c.rtes), []
        m.d.sync += merged.eq(arrived[:c.rtes] & (before | handed)[:c.rtes])
        for number, bits in enumerate(told):
            groups = [bits[i:i + _GROUP].any() for i in range(0, len(bits), _GROUP)]
            some = Signal(len(groups), name=f"others_{number}")
            m.d.sync += some.eq(Cat(groups))
            counts.append(some.any())
        m.d.comb += self.coalesced.eq(reduce_pairs([*merged, *counts], lambda a, b: a + b))
