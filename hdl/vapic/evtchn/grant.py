"""Grants: one target of a physical interrupt that goes to an event-channel port (SEL-30)."""

from amaranth import Module, Mux, Signal

from ..layouts import AcceptResult, Layouts
from ..onehot import OneHot
from .bus import BusSide
from .cursor import Cursor
from .notes import BankNotes
from .step import PirqStep, PortStep, look_at_bits
from .store import Store

__all__ = ["Grant"]


class Grant:
    """The target under way, and whose turn is next.

    Parameters
    ----------
    unit : EventChannels
        Whose ``grant`` is used.

    Attributes
    ----------
    active : 1
        The step that is led up to is a grant's.
    multi : 1
        Between the targets of a static grant: nothing else is done.
    more : 1
        The target under way is neither the first nor the last of its grant.
    granted : 1
        The last thing done was a grant: an access or a bit of a walk goes first.
    waits : 1
        A target was offered in the cycle before, and it was its turn.
    refused : 1
        The target here may not be granted.
    """

    def __init__(self, m: Module, unit, pirq: PirqStep):
        self._unit = unit
        self._target = target = Signal(Layouts(unit.config).evt_grant)
        # Kept, as calls of `Cursor.move` with the same object share a term.
        named = unit.grant.target.payload
        self._place = {name: named[name] for name in ("dom", "k", "n")}
        self.active, self.multi, self.granted = Signal(), Signal(), Signal()
        self.waits, self.refused, self.more = Signal(), Signal(), Signal()
        m.d.sync += self.waits.eq(unit.grant.target.valid & ~self.granted)
        m.d.comb += self.refused.eq(self.active & (
            ~pirq.was_open | target.dynamic & pirq.was_infl | target.first & ~unit.grant.ok))

    def look(self, m: Module, cursor: Cursor) -> None:
        """Go to the lane and PIRQ of the target that is offered, if there is one."""
        target = self._unit.grant.target.payload
        cursor.move(m, **self._place, entry=False)
        m.d.sync += [self._target.eq(target), self.more.eq(~target.first & ~target.last)]

    def take(self, m: Module, states: OneHot) -> None:
        """It is taken in this cycle."""
        m.d.sync += [self.active.eq(1), self.granted.eq(1)]
        states.go("RD_PORT")

    def add_states(self, m: Module, states: OneHot, bus: BusSide, cursor: Cursor, store: Store,
                   step: PortStep, notes: BankNotes, *, mask_now) -> None:
        """State GRANT: it commits or is refused, four cycles after it was taken (SEL-20).

        The next target of a grant may be taken in that cycle already, as its rows are others but
        for the PIRQ's: the bits of its lane are not changed by this step, and the row is read
        again before its own.
        """
        done, target, port = self._unit.grant.done, self._target, cursor.now.port
        pending = store.word.pending.bit_select(port[:5], 1)
        # Result and port are looked at if `valid` is 1.
        m.d.comb += [
            done.port.eq(port), done.result.eq(Mux(
                self.refused, Mux(target.first, AcceptResult.ABORT, AcceptResult.SKIP),
                Mux(pending, AcceptResult.MERGED, AcceptResult.SET))),
        ]
        with states.state("GRANT"):
            with m.If(notes.free):
                look_at_bits(m, cursor, store, step, to_pirq=0, mask_now=mask_now)
                step.decide(m, ~self.refused)
                m.d.comb += done.valid.eq(1)
                m.d.sync += [self.active.eq(0),
                             self.multi.eq(~target.last & ~(target.first & self.refused))]
                bus.record(m, "grant", v=target.v, n=target.n, last=target.last,
                           first=target.first, result=done.result, port=port)
                states.go("GRANTED")

                with m.If(self.more):
                    m.d.comb += self._unit.grant.target.ready.eq(1)
                    self.look(m, cursor)
                    with m.If(self._unit.grant.target.valid):
                        self.take(m, states)

        with states.state("GRANTED"):
            # The step.
            states.go("IDLE")
