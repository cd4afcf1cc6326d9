"""The vAPIC bank: every vLAPIC and VCPU row of the controller behind one pipeline."""

from itertools import pairwise

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..layouts import AcceptResult, Err, Layouts
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
from .record import CommitRecord
from .registers import RegisterRead, RegisterUpdate
from .stats import VcpuCounter
from .words import BitmapWords

__all__ = ["Bank"]

_STAGES = 5


class Bank(wiring.Component):
    """All virtual local APICs, as memory rows (spec 3; VCPU[v] and vLAPIC rows of table 1.1).

    An operation is issued in cycle 0 and decided in cycle 5: 1 head row from memory, 2 which words,
    3 words from memory and register changes, 4 highest vectors and counts, 5 priority, decision,
    write. Commit, bus answer and outputs follow in cycle 6. Different vCPUs overlap; an operation
    waits at issue until the earlier one on its vCPU is written, and bus, accept and note take turns
    (LAPIC-12). Software's INTA and EOI act on the state before them (GEN-04); a register write that
    enables an owed upcall vector injects it in the same operation (EVT-05, LAPIC-19).

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    bus : ``In(Layouts.unit_bus)``
        Registers of VCPU[v] (writes of CTL excepted) and both vLAPIC pages; answered in the commit
        cycle.
    accept : ``In(stream.Signature(Layouts.accept))``
        One target of a grant (LAPIC-13).
    accept_ok : ``In(1)``
        The commit check of SEL-20, for the target that is decided in this cycle.
    accept_done : ``Out(Layouts.decision)``
        Decision of a target; RETRY (IOA-20) and ABORT change nothing.
    note : ``In(stream.Signature(Layouts.note))``
        Upcall changes and CTL writes (LAPIC-60).
    note_done : ``Out(Layouts.note_done)``
        Decision of a CTL write; new equals old if it is not applied.
    out_dom, out_k : ``Out(domain_bits)``, ``Out(lane_bits)``
        Lane whose out count is asked for: decision cycle of a bus access (LOAD), else cycle 2 of a
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
        Lane state for dispatch, decision cycle; not for plain reads nor for offline vCPUs. At
        initialisation all lanes of every domain are written offline.
    irq, upcall, wake, frozen : ``Out(vcpus)``
        From the commit cycle on; ``wake`` is one cycle long (LAPIC-62, 63).
    spurious, merged : ``Out(1)``
        Decision cycle: a spurious INTA (LAPIC-15), an acceptance that merged (IOA-20).
    granted, aborted : ``In(Layouts.vcpu_strobe)``
        Counted in GRANTS and ABORTS; those of one vCPU at least three cycles apart.
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
            "accept": In(stream.Signature(layouts.accept)), "accept_ok": In(1),
            "accept_done": Out(layouts.decision),
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
        if config.commits:
            ports["commits"] = Out(layouts.commit_port)
        super().__init__(ports)
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

        # Operations and head rows by stage; a head row is first there in stage 2.
        op_shape = op_layout(config)
        op = [issue.op] + [Signal(op_shape, name=f"op_{i}") for i in range(1, _STAGES + 1)]
        head = [None, None] + [Signal(self._head, name=f"head_{i}") for i in range(2, _STAGES + 1)]
        on_bus = [stage.valid & (stage.kind == Kind.BUS) for stage in op]
        on_accept = [stage.valid & (stage.kind == Kind.ACCEPT) for stage in op]
        for before, after in pairwise(op):
            m.d.sync += after.eq(before)
        head_1 = read_interlocked(m, heads, issue.op.v, "head_1")
        head_write = heads.write_port()
        m.d.sync += [head[2].eq(head_1), head[3].eq(head[2])]

        # 0: issue.
        connect(m, flipped(self.bus).req, issue.request)
        connect(m, flipped(self.accept), issue.accept)
        connect(m, flipped(self.note), issue.note)
        m.d.comb += [
            issue.enable.eq(self.ready),
            issue.hold.eq(self.hold), issue.hold_notes.eq(self.hold_notes),
            self.hold_ack.eq(issue.hold_ack),
            Cat(issue.under_way[i] for i in range(_STAGES)).eq(Cat(op[1:])),
        ]

        # 2: the vector that the operation is about, register values.
        take, end, spurious, dull = (_trail(m, name, 2) for name in (
            "take", "end", "spurious", "dull"))
        vector = _trail(m, "vector", 2, 8)
        bitmap = target.IRR | target.ISR | target.TMR
        inta = on_bus[2] & target.INTA & ~access.we & read.live
        lookup = words.lookup
        m.d.comb += [
            read.access.eq(access), read.head.eq(head[2]),
            take[2].eq(inta & head[2].intr),
            spurious[2].eq(inta & ~head[2].intr & ~head[2].freeze),
            end[2].eq(on_bus[2] & target.EOI & access.we & access.whole & read.live
                      & head[2].isr_words.any()),
            dull[2].eq(on_bus[2] & ~access.we & ~take[2]),
            vector[2].eq(_choose(
                (on_accept[2], op[2].vector), (take[2], head[2].irrv), (end[2], head[2].isrv),
                (on_bus[2] & bitmap, Cat(Const(0, 5), access.word)),
                (on_bus[2] & target.UPVEC, access.data[:8]), default=head[2].upvec)),
            lookup.v.eq(op[2].v), lookup.vector.eq(vector[2]),
            lookup.edit.eq(~(on_bus[2] & bitmap)),
            lookup.take.eq(take[2]), lookup.end.eq(end[2]),
            lookup.level.eq(on_accept[2] & op[2].level),
            lookup.irr_words.eq(head[2].irr_words), lookup.isr_words.eq(head[2].isr_words),
            lookup.tmr_words.eq(head[2].tmr_words),
        ]
        answer, live, outstanding = Signal(32), Signal(), Signal()
        m.d.sync += outstanding.eq(self.out_value != 0)
        with m.If(on_bus[2]):
            m.d.sync += [answer.eq(read.value), live.eq(read.live)]

        # 3: registers.
        put, applied, inject, changed, reset = (_trail(m, name, 3) for name in (
            "put", "applied", "inject", "changed", "reset"))
        m.d.comb += [
            update.op.eq(op[3]), update.access.eq(access), update.ctl.eq(issue.ctl),
            update.live.eq(live), update.outstanding.eq(outstanding), update.head.eq(head[3]),
            applied[3].eq(update.applied), reset[3].eq(update.reset),
            changed[3].eq(update.changed), inject[3].eq(op[3].valid & update.inject),
            put[3].eq(inject[3] | on_accept[3] & ~op[3].illegal),
        ]
        old_shape = data.StructLayout({"online": 1, "dom": 4, "k": 6})
        old_4, old_5 = Signal(old_shape), Signal(old_shape)
        m.d.sync += [
            head[4].eq(update.head_next), old_5.eq(old_4), old_4.online.eq(head[3].online),
            old_4.dom.eq(head[3].dom), old_4.k.eq(head[3].k),
        ]
        berr, err = Signal(), Signal(Err)
        with m.If(on_bus[3]):
            m.d.sync += [berr.eq(update.berr), err.eq(update.err)]

        # 4: bitmaps.
        hit_5, level_5 = Signal(), Signal()
        m.d.comb += [
            summary.head.eq(head[4]), summary.vector.eq(vector[4]), summary.put.eq(put[4]),
            summary.take.eq(take[4]), summary.end.eq(end[4]), summary.reset.eq(reset[4]),
            summary.hit.eq(words.hit), summary.emptied.eq(words.emptied),
            summary.left.eq(words.left),
            words.pick.eq(Cat(target.IRR, target.ISR, target.TMR)),
        ]
        m.d.sync += [hit_5.eq(words.hit), level_5.eq(words.level), head[5].eq(summary.head_next)]
        with m.If(on_bus[4] & bitmap & live & ~access.we):
            m.d.sync += answer.eq(words.value)

        # 5: decision.
        now, row = head[5], op[5]
        commit, unmapped = Signal(), on_bus[5] & target.UNMAPPED
        retry = self.globals.retry_on_irr & row.single & hit_5
        m.d.comb += [
            commit.eq(row.valid & ~unmapped
                      & ~(on_accept[5] & ~row.illegal & (~self.accept_ok | retry))),
            priority.head.eq(now),
            self.accept_done.valid.eq(on_accept[5]),
            self.accept_done.result.eq(
                Mux(row.illegal, AcceptResult.RECVILL,
                    Mux(~self.accept_ok, AcceptResult.ABORT,
                        Mux(retry, AcceptResult.RETRY,
                            Mux(hit_5, AcceptResult.MERGED, AcceptResult.SET))))),
            self.merged.eq(commit & on_accept[5] & put[5] & hit_5),
            self.spurious.eq(spurious[5]),
            words.write_irr.eq(commit & (put[5] | take[5])), words.write_tmr.eq(commit & put[5]),
            words.write_isr.eq(take[5] | end[5]),
            self.eoi.valid.eq(end[5] & level_5 & ~now.suppress & (now.dom < config.domains)),
            self.eoi.dom.eq(now.dom), self.eoi.vector.eq(vector[5]),
            self.note_done.valid.eq(row.valid & (row.kind == Kind.CTL)),
            self.note_done.applied.eq(applied[5]),
            self.note_done.old_dom.eq(old_5.dom), self.note_done.old_k.eq(old_5.k),
            self.note_done.old_online.eq(old_5.online),
            self.note_done.new_dom.eq(now.dom), self.note_done.new_k.eq(now.k),
            self.note_done.new_online.eq(now.online),
        ]
        m.d.comb += [
            pins.write.eq(commit), pins.v.eq(op[4].v),
            pins.irq_new.eq(priority.irq), pins.upcall_new.eq(priority.upcall),
            pins.wake_new.eq(priority.wake & ~now.wake), pins.frozen_new.eq(now.freeze),
            self.irq.eq(pins.irq), self.upcall.eq(pins.upcall), self.wake.eq(pins.wake),
            self.frozen.eq(pins.frozen),
        ]

        # Where the out count is read: see Issue for why the two uses never meet.
        place = Mux((op[2].valid & (op[2].kind == Kind.CTL)), Cat(head[2].dom, head[2].k),
                    Cat(now.dom, now.k))
        m.d.comb += [self.out_dom.eq(place[:4]), self.out_k.eq(place[4:])]

        # Initialisation rows go through the register of stage 5.
        index = Signal(range(max(config.vcpus, config.domains) + 1))
        filling, lanes_filled, begun = Signal(), Signal(), Signal()
        in_lane, dom = Signal(range(config.lanes + 1)), Signal(4)
        m.d.sync += [filling.eq(0), lanes_filled.eq(0)]
        with m.If(~begun):
            m.d.sync += [
                *reset_row(head[5], v=index, dom=dom, k=in_lane), op[5].v.eq(index),
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
        grew = inject[5] & ~hit_5
        m.d.comb += [
            self.lane_write.en.eq(lanes_filled | commit & ~dull[5] & (now.online | old_5.online)),
            self.lane_write.dom.eq(Mux(lanes_filled, dom_filled, now.dom)),
            self.lane_write.lanes.eq(decode(now.k, config.lanes)
                                     | lanes_filled.replicate(config.lanes)),
            lane.online.eq(now.online), lane.frozen.eq(now.freeze), lane.enabled.eq(now.en),
            lane.svr_enabled.eq(now.svr_enabled), lane.id.eq(now.id), lane.ldr.eq(now.ldr),
            lane.flat.eq(now.dfr == 0xF), lane.cluster.eq(now.dfr == 0), lane.sched.eq(now.sched),
            lane.tpr.eq(now.tpr), lane.ppr.eq(priority.ppr), lane.apr.eq(priority.apr),
            lane.count.eq(load), lane.v.eq(row.v),
            self.lane_note.valid.eq(row.valid & (changed[5] | grew)
                                    & (now.online | old_5.online)),
            self.lane_note.config.eq(changed[5]), self.lane_note.grew.eq(grew),
            self.lane_note.dom.eq(now.dom), self.lane_note.k.eq(now.k),
        ]

        # 6: bus answer, from registers and the counters' memories.
        wakes = Signal(self._layouts.vcpu_strobe)
        m.d.comb += [wakes.valid.eq(commit & pins.wake_new), wakes.v.eq(row.v)]
        counters = {}
        for name, strobe in (("GRANTS", self.granted), ("ABORTS", self.aborted), ("WAKES", wakes)):
            m.submodules[name.lower()] = counters[name] = counter = VcpuCounter(config)
            m.d.comb += [counter.strobe.eq(strobe), counter.read_v.eq(row.v),
                         counter.clear.eq(~begun & (index < config.vcpus)),
                         counter.clear_v.eq(index)]
        response, load_6, reads_load, out_6 = Signal(), Signal(8), Signal(), Signal(8)
        picked = {name: Signal(name=f"picked_{name}") for name in counters}
        m.d.sync += [response.eq(on_bus[5]), load_6.eq(load), out_6.eq(self.out_value),
                     reads_load.eq(target.LOAD & ~access.we)]
        m.d.sync += [picked[name].eq(target[name] & ~access.we) for name in counters]
        level_6 = Signal(32)
        m.d.sync += level_6.eq(Mux(live & ~access.we & target.PPR, priority.ppr,
                                   Mux(live & ~access.we & target.APR, priority.apr, answer)))
        counted = Const(0, 32)
        for name, counter in counters.items():
            counted = counted | (counter.count & picked[name].replicate(32))
        late = Cat(counter.late & picked[name] for name, counter in counters.items()).any()
        total = saturate(load_6 + out_6, 8) & reads_load.replicate(8)
        payload = self.bus.rsp.payload
        m.d.comb += [
            self.bus.rsp.valid.eq(response),
            payload.data.eq((counted + late)[:32] | level_6 | total),
            payload.berr.eq(berr), payload.err.eq(err),
            self.quiet.eq(self.ready & ~Cat(stage.valid for stage in op[1:]).any() & ~response),
        ]

        if config.commits:
            m.submodules.record = record = CommitRecord(config)
            connect(m, record.commits, flipped(self.commits))
            m.d.comb += [
                record.op.eq(row), record.request.eq(issue.request_held), record.ctl.eq(issue.ctl),
                record.result.eq(_choose(
                    (on_accept[5], self.accept_done.result),
                    (row.kind == Kind.CTL, applied[5]), default=inject[5])),
                record.response.eq(payload),
            ]
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
