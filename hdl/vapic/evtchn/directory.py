"""Who holds which lane: writes of VCPU.CTL (LAPIC-60, EVT-04)."""

from amaranth import Module, Signal

from ..layouts import Err
from .bus import BusSide
from .cursor import Cursor
from .notes import BankNotes
from .operands import below
from .store import Store

__all__ = ["Directory"]


class Directory:
    """A write of CTL is decided by the bank, and then moves the vCPU between lanes here.

    Parameters
    ----------
    unit : EventChannels
        Whose ``note_done`` and ``changed`` are used.
    """

    def __init__(self, unit):
        self._unit = unit
        self._v = unit.bus.req.payload.addr[6:15]

    def ask(self, m: Module, bus: BusSide, store: Store, notes: BankNotes) -> None:
        """Branch of state RUN: ask the bank, which decides; the lane named by CTL is here."""
        c, lane, data = self._unit.config, store.lane_early, bus.request.data
        inside = below(data[4:8], c.domains) & below(data[24:30], c.lanes)
        notes.ctl(m, self._v,
                  held=~inside | lane.online & (lane.v != self._v[:c.vcpu_bits]))
        m.next = "ASK"

    def add_states(self, m: Module, bus: BusSide, cursor: Cursor, store: Store,
                   notes: BankNotes) -> None:
        """States after it was sent to the bank.

        The lane that the vCPU leaves and the one it comes to are updated one after the other, and
        may be the same. A lane that does not exist (an offline vCPU may name it) is left out. When
        v came online its lane's upcall state is noted to the bank.
        """
        c, answer = self._unit.config, self._unit.note_done
        lane, lane_next, v = store.lane, store.lane_data, self._v[:c.vcpu_bits]
        old_inside, new_inside, was_online, now_online = (Signal() for _ in range(4))
        new_dom, new_k = Signal(c.domain_bits), Signal(c.lane_bits)

        with m.State("ASK"):
            cursor.move(m, dom=answer.old_dom, k=answer.old_k)
            m.d.sync += [
                new_dom.eq(answer.new_dom), new_k.eq(answer.new_k),
                was_online.eq(answer.old_online), now_online.eq(answer.new_online),
                old_inside.eq(below(answer.old_dom, c.domains) & below(answer.old_k, c.lanes)),
                new_inside.eq(below(answer.new_dom, c.domains) & below(answer.new_k, c.lanes)),
            ]
            with m.If(answer.valid & answer.applied):
                m.next = "LEAVE_ROW"
            with m.Elif(answer.valid):
                bus.answer(m, err=Err.BUSY)
                m.next = "IDLE"

        with m.State("LEAVE_ROW"):
            m.next = "LEAVE"

        with m.State("LEAVE"):
            m.d.comb += [store.write_lane.eq(old_inside), lane_next.names.eq(lane.names - 1),
                         lane_next.online.eq(lane.online & ~was_online)]
            m.next = "MOVE"

        with m.State("MOVE"):
            cursor.move(m, dom=new_dom, k=new_k)
            m.next = "ENTER_ROW"

        with m.State("ENTER_ROW"):
            m.next = "ENTER"

        with m.State("ENTER"):
            m.d.comb += [
                store.write_vcpu.eq(1), store.vcpu_v.eq(v), store.vcpu_data.eq(new_k),
                store.write_lane.eq(new_inside), lane_next.names.eq(lane.names + 1),
                lane_next.online.eq(lane.online | now_online),
            ]
            with m.If(now_online):
                m.d.comb += lane_next.v.eq(v)
            with m.If(now_online & ~was_online):
                m.d.comb += self._unit.changed.eq(1)
                notes.upcall(m, v, pending=lane.pending, mask=lane.mask, rise=0)
            bus.answer(m)
            m.next = "IDLE"
