"""The vAPIC bank: every vLAPIC and VCPU row of the controller behind one pipeline."""

from itertools import pairwise

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..layouts import AcceptResult, Err, Layouts, SchedState
from ..record import Recorder, record_ports
from ..trees import decode
from .counts import BitmapSummary
from .head import (
    Kind,
    head_layout,
    interlocked_memory,
    op_layout,
    read_interlocked,
    reset_row,
    saturate,
)
from .issue import Issue
from .pins import VcpuPins
from .priority import Priority
from .registers import RegisterRead, RegisterUpdate
from .stats import VcpuCounter
from .words import BitmapWords

__all__ = ["Bank"]

_STAGES = 6


class Bank(wiring.Component):
    """All virtual local APICs, as memory rows (spec 3; VCPU[v] and vLAPIC rows of table 1.1).

    An operation is issued in cycle 0 and decided in cycle 6: 1, 2 head row from memory, 3 which
    words, 4 words from memory and register changes, 5 highest vectors and counts, 6 priority,
    decision, write. Commit, bus answer and outputs follow in cycle 7. Different vCPUs overlap; an
    operation waits at issue for the decision of the earlier one on its vCPU, and bus, accept and
    note take turns (LAPIC-12). INTA and EOI act on the state before them (GEN-04); a register write
    that enables an owed upcall vector injects it in the same operation (EVT-05, LAPIC-19).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    bus : ``In(Layouts.unit_bus)``
        Registers of VCPU[v] (writes of CTL excepted) and both vLAPIC pages; answered in the commit
        cycle.
    accept : ``In(Layouts.sink(Layouts.accept))``
        Targets of grants (LAPIC-13). RETRY (IOA-20) and ABORT change nothing.
    note : ``In(stream.Signature(Layouts.note))``
        Upcall changes and CTL writes (LAPIC-60).
    note_done : ``Out(Layouts.note_done)``
        Decision of a CTL write; new equals old if it is not applied.
    out_dom, out_k : ``Out(domain_bits)``, ``Out(lane_bits)``
        Lane whose out count is asked for: decision cycle of a bus access (LOAD), but cycle 3 of a
        CTL write.
    out_value : ``In(8)``
        That count, in the same cycle.
    hold, hold_notes : ``In(1)``
        Keep bus writes, or CTL notes, from being issued.
    hold_ack : ``Out(1)``
        No held kind of operation is in the pipeline.
    globals : ``In(Layouts.globals)``
        ``retry_on_irr`` counts in the decision cycle.
    eoi : ``Out(Layouts.eoi)``
        EOI broadcast, decision cycle (LAPIC-17).
    lane_write, lane_note : ``Out``
        Lane state for dispatch, in the decision cycle, and notice of a change of it, in the cycle
        before; not for plain reads nor for offline vCPUs. At initialisation all lanes of every
        domain are written offline.
    irq, upcall, wake, frozen : ``Out(vcpus)``
        From the commit cycle on; ``wake`` is one cycle long (LAPIC-62, 63).
    spurious, merged : ``Out(1)``
        Decision cycle: a spurious INTA (LAPIC-15), an acceptance that merged (IOA-20).
    granted, aborted : ``In(Layouts.vcpu_strobe)``
        Counted in GRANTS and ABORTS; those of one vCPU at least five cycles apart.
    ready, quiet : ``Out(1)``
        Initialisation is done (GEN-06), ``max(vcpus, domains) + 2`` cycles after reset; nothing is
        under way.
    commits : ``Out(Layouts.commit_port)``
        Only with ``config.commits``.

    Attributes
    ----------
    heads, irr, isr, tmr : Memory
        State of all vCPUs; a row of a bitmap is ``{v, word}``.
    """

    def __init__(self, config):
        self.config = config
        self._layouts = layouts = Layouts(config)
        ports = {
            "bus": In(layouts.unit_bus),
            "accept": In(layouts.sink(layouts.accept)),
            "note": In(stream.Signature(layouts.note)), "note_done": Out(layouts.note_done),
            "out_dom": Out(config.domain_bits), "out_k": Out(config.lane_bits),
            "out_value": In(8),
            "hold": In(1), "hold_notes": In(1), "hold_ack": Out(1),
            "globals": In(layouts.globals), "eoi": Out(layouts.eoi),
            "lane_write": Out(layouts.lane_write), "lane_note": Out(layouts.lane_note),
            "irq": Out(config.vcpus), "upcall": Out(config.vcpus), "wake": Out(config.vcpus),
            "frozen": Out(config.vcpus), "spurious": Out(1), "merged": Out(1),
            "granted": In(layouts.vcpu_strobe), "aborted": In(layouts.vcpu_strobe),
            "ready": Out(1), "quiet": Out(1),
        }
        super().__init__(ports | record_ports(config))
        self._head = head_layout(config)
        self.heads = interlocked_memory(self._head, config.vcpus)
        self._words = BitmapWords(config)
        self.irr, self.isr, self.tmr = self._words.irr, self._words.isr, self._words.tmr

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.heads = heads = self.heads
        m.submodules.words = words = self._words
        m.submodules.issue = issue = Issue(config, stages=_STAGES)
        m.submodules.read = read = RegisterRead(config)
        m.submodules.update = update = RegisterUpdate(config)
        m.submodules.summary = summary = BitmapSummary(config)
        m.submodules.priority = priority = Priority(config)
        m.submodules.pins = pins = VcpuPins(config)
        access, target = issue.access, issue.access.target

        # Operations and head rows by stage; a head row is first there in stage 3.
        op_shape = op_layout(config)
        op = [issue.op] + [Signal(op_shape, name=f"op_{i}") for i in range(1, _STAGES + 1)]
        head = {i: Signal(self._head, name=f"head_{i}") for i in range(3, _STAGES + 1)}
        on_bus = [stage.valid & (stage.kind == Kind.BUS) for stage in op]
        on_accept = [stage.valid & (stage.kind == Kind.ACCEPT) for stage in op]
        for before, after in pairwise(op):
            m.d.sync += after.eq(before)
        head_2 = read_interlocked(m, heads, op[1].v, "head_2")
        head_write = heads.write_port()
        m.d.sync += [head[3].eq(head_2), head[4].eq(head[3])]

        # 0: issue.
        connect(m, flipped(self.bus).req, issue.request)
        connect(m, flipped(self.accept.target), issue.accept)
        connect(m, flipped(self.note), issue.note)
        m.d.comb += [
            issue.enable.eq(self.ready),
            issue.hold.eq(self.hold), issue.hold_notes.eq(self.hold_notes),
            self.hold_ack.eq(issue.hold_ack),
            Cat(issue.under_way[i] for i in range(_STAGES)).eq(Cat(op[1:])),
        ]

        # 3: the vector that the operation is about, register values.
        take, end, spurious, dull = (_trail(m, name, 3) for name in (
            "take", "end", "spurious", "dull"))
        vector = _trail(m, "vector", 3, 8)
        bitmap = target.IRR | target.ISR | target.TMR
        inta = on_bus[3] & target.INTA & ~access.we & read.live
        lookup = words.lookup
        m.d.comb += [
            read.access.eq(access), read.head.eq(head[3]),
            take[3].eq(inta & head[3].intr),
            spurious[3].eq(inta & ~head[3].intr & ~head[3].freeze),
            end[3].eq(on_bus[3] & target.EOI & access.we & access.whole & read.live
                      & head[3].isr_words.any()),
            dull[3].eq(on_bus[3] & ~access.we & ~take[3]),
            vector[3].eq(_choose(
                (on_accept[3], op[3].vector), (take[3], head[3].irrv), (end[3], head[3].isrv),
                (on_bus[3] & bitmap, Cat(Const(0, 5), access.word)),
                (on_bus[3] & target.UPVEC, access.data[:8]), default=head[3].upvec)),
            lookup.v.eq(op[3].v), lookup.vector.eq(vector[3]),
            lookup.edit.eq(~(on_bus[3] & bitmap)),
            lookup.take.eq(take[3]), lookup.end.eq(end[3]),
            lookup.level.eq(on_accept[3] & op[3].level),
            lookup.irr_words.eq(head[3].irr_words), lookup.isr_words.eq(head[3].isr_words),
            lookup.tmr_words.eq(head[3].tmr_words),
        ]
        answer, live, outstanding = Signal(32), Signal(), Signal()
        m.d.sync += outstanding.eq(self.out_value != 0)
        with m.If(on_bus[3]):
            m.d.sync += [answer.eq(read.value), live.eq(read.live)]

        # 4: registers.
        put, applied, inject, changed, reset = (_trail(m, name, 4) for name in (
            "put", "applied", "inject", "changed", "reset"))
        m.d.comb += [
            update.op.eq(op[4]), update.access.eq(access), update.ctl.eq(issue.ctl),
            update.live.eq(live), update.outstanding.eq(outstanding), update.head.eq(head[4]),
            applied[4].eq(update.applied), reset[4].eq(update.reset),
            changed[4].eq(update.changed), inject[4].eq(op[4].valid & update.inject),
            put[4].eq(inject[4] | on_accept[4] & ~op[4].illegal),
        ]
        old_shape = data.StructLayout({"online": 1, "dom": 4, "k": 6})
        old_5, old_6 = Signal(old_shape), Signal(old_shape)
        m.d.sync += [
            head[5].eq(update.head_next), old_6.eq(old_5), old_5.online.eq(head[4].online),
            old_5.dom.eq(head[4].dom), old_5.k.eq(head[4].k),
        ]
        berr, err = Signal(), Signal(Err)
        with m.If(on_bus[4]):
            m.d.sync += [berr.eq(update.berr), err.eq(update.err)]

        # 5: bitmaps.
        hit_6, eoi_6 = Signal(), Signal()
        m.d.comb += [
            summary.head.eq(head[5]), summary.vector.eq(vector[5]), summary.put.eq(put[5]),
            summary.take.eq(take[5]), summary.end.eq(end[5]), summary.reset.eq(reset[5]),
            summary.hit.eq(words.hit), summary.emptied.eq(words.emptied),
            summary.left.eq(words.left),
            words.pick.eq(Cat(target.IRR, target.ISR, target.TMR)),
        ]
        m.d.sync += [hit_6.eq(words.hit), head[6].eq(summary.head_next)]
        was = head[5]
        m.d.sync += eoi_6.eq(end[5] & words.level & ~was.suppress & (was.dom < config.domains))
        note = self.lane_note
        m.d.comb += [
            note.config.eq(changed[5]), note.grew.eq(inject[5] & ~words.hit),
            note.valid.eq(op[5].valid & (note.config | note.grew)
                          & (was.online | old_5.online)),
            note.dom.eq(was.dom), note.k.eq(was.k),
        ]
        with m.If(on_bus[5] & bitmap & live & ~access.we):
            m.d.sync += answer.eq(words.value)

        # 6: decision.
        now, row = head[6], op[6]
        commit, unmapped = Signal(), on_bus[6] & target.UNMAPPED
        retry = self.globals.retry_on_irr & row.single & hit_6
        m.d.comb += [
            commit.eq(row.valid & ~unmapped
                      & ~(on_accept[6] & ~row.illegal & (~self.accept.ok | retry))),
            priority.head.eq(now),
            self.accept.done.valid.eq(on_accept[6]),
            self.accept.done.result.eq(
                Mux(row.illegal, AcceptResult.RECVILL,
                    Mux(~self.accept.ok, AcceptResult.ABORT,
                        Mux(retry, AcceptResult.RETRY,
                            Mux(hit_6, AcceptResult.MERGED, AcceptResult.SET))))),
            self.merged.eq(commit & on_accept[6] & put[6] & hit_6),
            self.spurious.eq(spurious[6]),
            words.write_irr.eq(commit & (put[6] | take[6])), words.write_tmr.eq(commit & put[6]),
            words.write_isr.eq(take[6] | end[6]),
            self.eoi.valid.eq(eoi_6),
            self.eoi.dom.eq(now.dom), self.eoi.vector.eq(vector[6]),
            self.note_done.valid.eq(row.valid & (row.kind == Kind.CTL)),
            self.note_done.applied.eq(applied[6]),
            self.note_done.old_dom.eq(old_6.dom), self.note_done.old_k.eq(old_6.k),
            self.note_done.old_online.eq(old_6.online),
            self.note_done.new_dom.eq(now.dom), self.note_done.new_k.eq(now.k),
            self.note_done.new_online.eq(now.online),
        ]
        m.d.comb += [
            pins.write.eq(commit), pins.v.eq(op[5].v),
            pins.irq_new.eq(priority.irq), pins.upcall_new.eq(priority.upcall),
            pins.wake_new.eq(priority.wake & ~now.wake), pins.frozen_new.eq(now.freeze),
            self.irq.eq(pins.irq), self.upcall.eq(pins.upcall), self.wake.eq(pins.wake),
            self.frozen.eq(pins.frozen),
        ]

        # Where the out count is read: see Issue for why the two uses never meet.
        place = Mux((op[3].valid & (op[3].kind == Kind.CTL)), Cat(head[3].dom, head[3].k),
                    Cat(now.dom, now.k))
        m.d.comb += [self.out_dom.eq(place[:4]), self.out_k.eq(place[4:])]

        # Initialisation rows go through the register of stage 6.
        index = Signal(range(max(config.vcpus, config.domains) + 1))
        filling, lanes_filled, begun = Signal(), Signal(), Signal()
        in_lane, dom = Signal(range(config.lanes + 1)), Signal(4)
        m.d.sync += [filling.eq(0), lanes_filled.eq(0)]
        with m.If(~begun):
            m.d.sync += [
                *reset_row(head[6], v=index, dom=dom, k=in_lane), op[6].v.eq(index),
                filling.eq(index < config.vcpus), lanes_filled.eq(index < config.domains),
                index.eq(index + 1), in_lane.eq(in_lane + 1),
                begun.eq(index == max(config.vcpus, config.domains) - 1),
            ]
            with m.If(in_lane == config.lanes - 1):
                m.d.sync += [in_lane.eq(0), dom.eq(dom + 1)]
        dom_filled = Signal(config.domain_bits)
        m.d.sync += [dom_filled.eq(index), self.ready.eq(begun & ~filling & ~lanes_filled)]

        m.d.comb += [
            head_write.en.eq(commit | filling), head_write.addr.eq(row.v),
            head_write.data.eq(now),
            head_write.data.intr.eq(priority.irq),
            head_write.data.wake.eq(priority.wake),
        ]

        # What dispatch sees.
        lane, load = self.lane_write.row, saturate(now.irr_count + now.isr_count, 8)
        m.d.comb += [
            self.lane_write.en.eq(lanes_filled | commit & ~dull[6] & (now.online | old_6.online)),
            self.lane_write.dom.eq(Mux(lanes_filled, dom_filled, now.dom)),
            self.lane_write.lanes.eq(decode(now.k, config.lanes)
                                     | lanes_filled.replicate(config.lanes)),
            lane.online.eq(now.online), lane.frozen.eq(now.freeze), lane.enabled.eq(now.en),
            lane.svr_enabled.eq(now.svr_enabled), lane.id.eq(now.id), lane.ldr.eq(now.ldr),
            lane.flat.eq(now.dfr == 0xF), lane.cluster.eq(now.dfr == 0), lane.sched.eq(now.sched),
            lane.tpr.eq(now.tpr), lane.ppr.eq(priority.ppr), lane.apr.eq(priority.apr),
            lane.count.eq(load), lane.v.eq(row.v),
        ]

        if "rqpos" in now.shape().members:
            m.d.comb += lane.rqpos.eq(
                Mux(now.sched == SchedState.RUNNABLE.value, now.rqpos, 0))

        # 4 to 6: the counters; what they count in cycles before the decision is in the answer.
        wakes, reading = Signal(self._layouts.vcpu_strobe), ~access.we
        m.d.comb += [wakes.valid.eq(commit & pins.wake_new), wakes.v.eq(row.v)]
        counted, late = Const(0, 32), Const(0, 1)
        for name, strobe in (("GRANTS", self.granted), ("ABORTS", self.aborted), ("WAKES", wakes)):
            m.submodules[name.lower()] = counter = VcpuCounter(config)
            m.d.comb += [counter.strobe.eq(strobe), counter.read_v.eq(op[4].v),
                         counter.clear.eq(~begun & (index < config.vcpus)),
                         counter.clear_v.eq(index)]
            counted = counted | (counter.count & (target[name] & reading).replicate(32))
            late = late | (counter.late & target[name] & reading)
        counted_6 = Signal(32)
        m.d.sync += counted_6.eq(counted)

        # 7: bus answer.
        response, answer_7, load_7, out_7 = Signal(), Signal(32), Signal(8), Signal(8)
        reads_load = Signal()
        live_read = live & reading
        m.d.sync += [
            response.eq(on_bus[6]), load_7.eq(load), out_7.eq(self.out_value),
            reads_load.eq(target.LOAD & reading),
            answer_7.eq(answer | (counted_6 + late)[:32]
                        | Mux(live_read & target.PPR, priority.ppr, 0)
                        | Mux(live_read & target.APR, priority.apr, 0)),
        ]
        total = saturate(load_7 + out_7, 8) & reads_load.replicate(8)
        payload = self.bus.rsp.payload
        m.d.comb += [
            self.bus.rsp.valid.eq(response),
            payload.data.eq(answer_7 | total),
            payload.berr.eq(berr), payload.err.eq(err),
            self.quiet.eq(self.ready & ~Cat(stage.valid for stage in op[1:]).any() & ~response),
        ]

        Recorder.beside(
            m, self, config, "bank",
            bus={"valid": on_bus[6], "v": row.v, "request": issue.request_held,
                 "answer": payload.data, "berr": payload.berr},
            accept={"valid": on_accept[6], "result": self.accept.done.result, **{
                name: row[name] for name in ("v", "n", "vector", "level", "last", "first")}},
            upcall={"valid": row.valid & (row.kind == Kind.UPCALL), "v": row.v, "line": row.line,
                    "pend": row.pend, "injected": inject[6]},
            ctl={"valid": self.note_done.valid, "v": row.v, "word": issue.ctl.as_value()[:32],
                 "applied": applied[6]})
        return m


def _trail(m: Module, name: str, first: int, width: int = 1) -> dict[int, Signal]:
    """A value of stage `first`, handed on from stage to stage: by stage number."""
    trail = {i: Signal(width, name=f"{name}_{i}") for i in range(first, _STAGES + 1)}
    for i in range(first, _STAGES):
        m.d.sync += trail[i + 1].eq(trail[i])
    return trail


def _choose(*cases, default):
    """Value of the first case whose condition holds."""
    for condition, value in reversed(cases):
        default = Mux(condition, value, default)
    return default
