"""Grants: one target of a physical interrupt that goes to an event-channel port (SEL-30)."""

from amaranth import Module, Mux, Signal

from ..layouts import AcceptResult, Layouts
from .bus import BusSide
from .cursor import Cursor
from .notes import BankNotes
from .pirq_step import PirqStep
from .port_step import PortStep, look_at_bits
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
    granted : 1
        The last thing done was a grant: an access or a bit of a walk goes first.
    waits : 1
        A target is offered, and it is its turn.
    refused : 1
        The target here may not be granted.
    """

    def __init__(self, m: Module, unit, pirq: PirqStep):
        self._unit = unit
        self._target = target = Signal(Layouts(unit.config).evt_grant)
        self.active, self.multi, self.granted = Signal(), Signal(), Signal()
        self.waits, self.refused = Signal(), Signal()
        m.d.comb += [
            self.waits.eq(unit.grant.target.valid & ~self.granted),
            self.refused.eq(self.active & (
                ~pirq.was_open | target.dynamic & pirq.was_infl
                | target.first & ~unit.grant.ok)),
        ]

    def take(self, m: Module, cursor: Cursor, step: PortStep) -> None:
        """Stand at the lane and PIRQ of the target that is taken in this cycle."""
        stream = self._unit.grant.target
        cursor.move(m, dom=stream.payload.dom, k=stream.payload.k, n=stream.payload.n)
        m.d.sync += [self._target.eq(stream.payload), self.active.eq(1), self.granted.eq(1)]
        step.prepare(m, notify=1, begin=1, bitwise=1)
        m.next = "RD_PORT"

    def add_states(self, m: Module, bus: BusSide, cursor: Cursor, store: Store, step: PortStep,
                   notes: BankNotes, *, mask_now) -> None:
        """State GRANT: it commits or is refused, four cycles after it was taken (SEL-20).

        The next target of a grant may be taken in that cycle already, as its rows are others but
        for the PIRQ's: the bits of its lane are not changed by this step, and the row is read
        again before its own.
        """
        done, target, port = self._unit.grant.done, self._target, cursor.now.port
        with m.State("GRANT"):
            with m.If(notes.free):
                pending = look_at_bits(m, cursor, store, step, to_pirq=0, mask_now=mask_now)
                step.decide(m, ~self.refused)
                m.d.comb += [done.valid.eq(1), done.port.eq(port)]
                with m.If(self.refused):
                    m.d.comb += done.result.eq(
                        Mux(target.first, AcceptResult.ABORT, AcceptResult.SKIP))
                with m.Else():
                    m.d.comb += done.result.eq(
                        Mux(pending, AcceptResult.MERGED, AcceptResult.SET))
                m.d.sync += [self.active.eq(0),
                             self.multi.eq(~target.last & ~(target.first & self.refused))]
                bus.record(m, "grant", v=target.v, n=target.n, last=target.last,
                           first=target.first, result=done.result, port=port)
                m.next = "GRANTED"

                with m.If(~target.first & ~target.last):
                    m.d.comb += self._unit.grant.target.ready.eq(1)
                    with m.If(self._unit.grant.target.valid):
                        self.take(m, cursor, step)

        with m.State("GRANTED"):
            # The step.
            m.next = "IDLE"
