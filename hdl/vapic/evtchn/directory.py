"""Who holds which lane: writes of VCPU.CTL (LAPIC-60, EVT-04)."""

from amaranth import Module, Signal

from ..layouts import Err
from ..onehot import OneHot
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

    def add_states(self, m: Module, states: OneHot, bus: BusSide, cursor: Cursor, store: Store,
                   notes: BankNotes) -> None:
        """States from the one in which the lane named by CTL is here and the bank is asked.

        The lane that the vCPU leaves and the one it comes to are updated one after the other, and
        may be the same. A lane that does not exist (an offline vCPU may name it) is left out. When
        v came online its lane's upcall state is noted to the bank.
        """
        c, answer, data = self._unit.config, self._unit.note_done, bus.request.data
        lane, lane_next, v = store.lane, store.lane_data, self._v[:c.vcpu_bits]
        old_inside, new_inside, was_online, now_online = (Signal() for _ in range(4))
        new_dom, new_k = Signal(c.domain_bits), Signal(c.lane_bits)

        with states.state("CTL"):
            inside = below(data[4:8], c.domains) & below(data[24:30], c.lanes)
            notes.ctl(m, self._v, held=~inside | lane.online & (lane.v != v))
            states.go("ASK")

        with states.state("ASK"):
            cursor.move(m, dom=answer.old_dom, k=answer.old_k)
            m.d.sync += [
                new_dom.eq(answer.new_dom), new_k.eq(answer.new_k),
                was_online.eq(answer.old_online), now_online.eq(answer.new_online),
                old_inside.eq(below(answer.old_dom, c.domains) & below(answer.old_k, c.lanes)),
                new_inside.eq(below(answer.new_dom, c.domains) & below(answer.new_k, c.lanes)),
            ]
            with m.If(answer.valid & answer.applied):
                states.go("LEAVE_ROW")
            with m.Elif(answer.valid):
                bus.answer(m, err=Err.BUSY)
                states.go("IDLE")

        with states.state("LEAVE_ROW"):
            states.go("LEAVE")

        with states.state("LEAVE", writes=(store.write_lane,)):
            states.write(store.write_lane, old_inside)
            m.d.comb += [lane_next.names.eq(lane.names - 1),
                         lane_next.online.eq(lane.online & ~was_online)]
            states.go("MOVE")

        with states.state("MOVE"):
            cursor.move(m, dom=new_dom, k=new_k)
            states.go("ENTER_ROW")

        with states.state("ENTER_ROW"):
            states.go("ENTER")

        with states.state("ENTER", writes=(store.write_vcpu, store.write_lane)):
            states.write(store.write_vcpu)
            states.write(store.write_lane, new_inside)
            m.d.comb += [
                store.vcpu_v.eq(v), store.vcpu_data.eq(new_k), lane_next.names.eq(lane.names + 1),
                lane_next.online.eq(lane.online | now_online),
            ]
            with m.If(now_online):
                m.d.comb += lane_next.v.eq(v)
            with m.If(now_online & ~was_online):
                m.d.comb += self._unit.changed.eq(1)
                notes.upcall(m, v, pending=lane.pending, mask=lane.mask, rise=0)
            bus.answer(m)
            states.go("IDLE")
