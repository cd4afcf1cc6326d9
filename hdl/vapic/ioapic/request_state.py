"""Whose turn it is: the selection under way, and requests put off until something changes."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Outcome
from ..rows import Read, RowMemory
from ..trees import decode

__all__ = ["RequestState"]


class RequestState(wiring.Component):
    """Follow one selection from take to grant or outcome; remember requests found without target.

    An outcome is told a cycle after it was judged: by then it is known to count, that is the
    request stood in that cycle and its entry was not written since the selection started.

    A request put off is not ``live`` until ``recheck``, a write to its entry, or until it ends and
    a new one comes. If one of these happened since the start, it is ``live`` again at once.
    Parked and waiting are what the last selection found, for as long as the request stands
    (SEL-22).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    stands, enable : ``In(pirqs)``, ``In(1)``
        Requests that stand if CTRL.enable is 1: the terms of SEL-04 about the request itself.
    flips : ``In(pirqs)``
        In this cycle the line of that level entry is about to change, unless lines ``rest``.
    rest : ``In(1)``
        No line changes in this cycle.
    take, offer_n : ``In``
        A selection starts.
    granted, last : ``In(1)``
        First or last decision of its grant; the last one.
    outcome : ``In(Outcome)``
        It ended without one.
    recheck : ``In(1)``
        Targets may have changed; wins over an outcome of the same cycle.
    spoils, n : ``In``
        A register of entry ``n`` is written in the next cycle or, in which nothing is taken, in
        this one.
    at : ``In(pirqs)``
        Entry ``n`` one-hot, as of the cycle before.
    written_at : ``In(pirqs)``
        The entry written in this cycle, one-hot.
    current, current_at : ``Out``
        The request last taken, and one-hot.
    busy : ``Out(1)``
        Its selection is under way; from the cycle after ``take`` to the one that ends it.
    due, live : ``Out(pirqs)``
        Requests to be selected if CTRL.enable is 1; and if it is.
    good : ``Out(1)``
        The current request stands and its entry was not written since its start; valid from the
        second cycle after ``take`` until its grant or outcome. Comes from flip-flops: only a line
        and CTRL.enable can end (and revive) a request that is under selection and not written.
    fail : ``Out(1)``
        The current request becomes erroneous (IOA-18).
    parked : ``Out(1)``
        The current request became parked in the cycle before, and was not.
    held, status : ``Out(1)``, ``Out(Outcome)``
        Request ``n`` is put off, and why.
    """

    def __init__(self, config):
        c = self._config = config
        self.reasons = RowMemory(Outcome, c.pirqs, lut_ram=True,
                                 reads={"mine": Read.NOW, "asked": Read.NOW})
        super().__init__({
            "stands": In(c.pirqs), "flips": In(c.pirqs), "rest": In(1), "enable": In(1),
            "take": In(1), "offer_n": In(c.pirq_bits), "granted": In(1), "last": In(1),
            "outcome": In(Outcome), "recheck": In(1),
            "spoils": In(1), "at": In(c.pirqs), "n": In(c.pirq_bits), "written_at": In(c.pirqs),
            "current": Out(c.pirq_bits), "current_at": Out(c.pirqs, init=1), "busy": Out(1),
            "due": Out(c.pirqs), "live": Out(c.pirqs),
            "good": Out(1), "fail": Out(1), "parked": Out(1),
            "held": Out(1), "status": Out(Outcome),
        })

    def elaborate(self, platform):
        m = Module()
        c = self._config
        m.submodules.reasons = self.reasons
        reasons = self.reasons
        waits, held = Signal(c.pirqs), Signal(c.pirqs)
        ended = self.outcome
        stale, changed = Signal(), Signal()
        standing, was_held, put_off = Signal(), Signal(), Signal()

        def all_of(bit):
            return bit.replicate(c.pirqs)

        m.d.comb += [
            was_held.eq((held & self.current_at).any()),
            self.good.eq(standing & self.enable & ~stale),
            self.due.eq(self.stands & ~waits), self.live.eq(self.due & all_of(self.enable)),
            self.fail.eq(ended == Outcome.ERROR),
            put_off.eq((ended == Outcome.PARK) | (ended == Outcome.WAIT)
                       | (ended == Outcome.BLOCKED)),
            reasons.mine.addr.eq(self.current),
            reasons.write.en.eq(put_off), reasons.write.addr.eq(self.current),
            reasons.write.data.eq(ended),
            reasons.asked.addr.eq(self.n), self.status.eq(reasons.asked.data),
            self.held.eq((held & self.at).any()),
        ]
        here = self.current_at
        m.d.sync += [
            stale.eq(Mux(self.take, self.spoils & (self.n == self.offer_n),
                         stale | self.spoils & (self.n == self.current))),
            changed.eq(~self.take & changed | self.recheck),
            standing.eq((self.stands & self.current_at).any()
                        ^ (self.flips & self.current_at).any() & ~self.rest),
            held.eq((held | here & all_of(put_off)) & self.stands & all_of(self.enable)
                    & ~(here & all_of(self.granted))),
            waits.eq((waits | here & all_of(put_off & ~changed)) & self.stands & ~self.written_at
                     & all_of(self.enable & ~self.recheck)),
            self.busy.eq(self.take | self.busy & ~self.last & (ended == Outcome.NONE)),
            self.parked.eq(put_off & (ended == Outcome.PARK)
                           & ~(was_held & (reasons.mine.data == Outcome.PARK))),
        ]
        with m.If(self.take):
            m.d.sync += [self.current.eq(self.offer_n),
                         self.current_at.eq(decode(self.offer_n, c.pirqs))]
        return m
