"""Who holds which lane: writes of VCPU.CTL (LAPIC-60, EVT-04)."""

from amaranth import Module, Signal

from ..layouts import Err, NoteOp
from .engine import Engine

__all__ = ["add_directory_states", "look_up"]


def look_up(m: Module, e: Engine) -> None:
    """Branch of state RUN: ask the bank, which decides; the lane named by CTL is here."""
    c, lane, request = e.config, e.store.lane, e.request
    inside = e.below(request.data[4:8], c.domains) & e.below(request.data[24:30], c.lanes)
    v = request.addr[6:15]
    m.d.sync += [
        e.note_valid.eq(1), e.note.op.eq(NoteOp.CTL), e.note.v.eq(v),
        e.note.held.eq(~inside | lane.online & (lane.v != v[:c.vcpu_bits])),
    ]
    m.next = "ASK"


def add_directory_states(m: Module, e: Engine) -> None:
    """States of a CTL write after it was sent to the bank.

    The lane that the vCPU leaves and the one it comes to are updated one after the other, and may
    be the same. A lane that does not exist (an offline vCPU may name it) is left out. When v came
    online its lane's upcall state is noted to the bank.
    """
    c, store, go, answer = e.config, e.store, e.go, e.unit.note_done
    lane = store.lane
    v = e.request.addr[6:6 + c.vcpu_bits]
    old_inside, new_inside, was_online, now_online = (Signal() for _ in range(4))
    new_dom, new_k = Signal(c.domain_bits), Signal(c.lane_bits)

    with m.State("ASK"):
        m.d.comb += [go.dom.eq(answer.old_dom), go.k.eq(answer.old_k)]
        m.d.sync += [
            new_dom.eq(answer.new_dom), new_k.eq(answer.new_k),
            was_online.eq(answer.old_online), now_online.eq(answer.new_online),
            old_inside.eq(e.below(answer.old_dom, c.domains) & e.below(answer.old_k, c.lanes)),
            new_inside.eq(e.below(answer.new_dom, c.domains) & e.below(answer.new_k, c.lanes)),
        ]
        with m.If(answer.valid & answer.applied):
            m.next = "LEAVE"
        with m.Elif(answer.valid):
            e.answer(m, err=Err.BUSY)
            m.next = "IDLE"

    with m.State("LEAVE"):
        m.d.comb += [
            store.write_lane.eq(old_inside),
            e.lane_next.names.eq(lane.names - 1),
            e.lane_next.online.eq(lane.online & ~was_online),
        ]
        m.next = "MOVE"

    with m.State("MOVE"):
        m.d.comb += [go.dom.eq(new_dom), go.k.eq(new_k)]
        m.next = "ENTER"

    with m.State("ENTER"):
        m.d.comb += [
            store.write_vcpu.eq(1), store.vcpu_v.eq(v), store.vcpu_data.eq(new_k),
            store.write_lane.eq(new_inside),
            e.lane_next.names.eq(lane.names + 1),
            e.lane_next.online.eq(lane.online | now_online),
        ]
        with m.If(now_online):
            m.d.comb += e.lane_next.v.eq(v)
        with m.If(now_online & ~was_online):
            m.d.comb += e.unit.changed.eq(1)
            m.d.sync += [
                e.note_valid.eq(1), e.note.op.eq(NoteOp.UPCALL), e.note.v.eq(v),
                e.note.pend.eq(lane.pending), e.note.line.eq(lane.pending & ~lane.mask),
                e.note.rise.eq(0),
            ]
        e.answer(m)
        m.next = "IDLE"
