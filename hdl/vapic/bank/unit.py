"""The vAPIC bank: every vLAPIC and VCPU row of the controller behind one pipeline."""

from itertools import pairwise

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..layouts import Layouts
from ..record import Recorder, record_ports
from ..rows import Read, RowMemory
from .answer import BusAnswer
from .bitmaps import BitmapStage, BitmapWords
from .counters import VcpuCounters
from .decide import DecideStage, VcpuOutputs
from .head import head_layout
from .initialise import Initialise
from .issue import AcceptSource, BusSource, Issue, NoteSource
from .lane_view import LaneView
from .operation import Op
from .subject import LookupStage, SubjectStage
from .upcall import UpcallStage

__all__ = ["Bank"]

_STAGES = 6


class Bank(wiring.Component):
    """All virtual local APICs, as memory rows (spec 3; VCPU[v] and vLAPIC rows of table 1.1).

    An operation is issued in cycle 0 and decided in cycle 6: 1, 2 head row from memory, 3 which
    words, register changes, 4 words from memory, placement and upcall, 5 highest vectors and
    counts, 6 priority, decision, write. Commit, bus answer and outputs follow in cycle 7. A bus
    access is decoded in the cycle before issue. Different vCPUs overlap; an
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
        Initialisation is done (GEN-06), ``max(vcpus, domains) + 1`` cycles after reset; nothing is
        under way.
    commits : ``Out(Layouts.commit_port)``
        Only with ``config.commits``.

    Attributes
    ----------
    heads, irr, isr, tmr : RowMemory
        State of all vCPUs; a row of a bitmap is ``{v, word}``.
    from_bus : BusSource
        Where a bus access waits for issue.
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
        self.heads = RowMemory(head_layout(config), config.vcpus, reads={"pipeline": Read.APART},
                               sweep=True, quiet=True)
        self._words = BitmapWords(config)
        self.irr, self.isr, self.tmr = self._words.irr, self._words.isr, self._words.tmr
        self.from_bus, self._accept = BusSource(config), AcceptSource(config)
        self._note = NoteSource(config)
        self._lookup, self._subject = LookupStage(config), SubjectStage(config)
        self._upcall, self._bitmaps = UpcallStage(config), BitmapStage(config)
        self._decide, self._answer = DecideStage(config), BusAnswer(config)

    def elaborate(self, platform):
        m = Module()
        m.submodules.heads, m.submodules.words = self.heads, self._words
        m.submodules.lookup, m.submodules.subject = self._lookup, self._subject
        m.submodules.upcall_stage, m.submodules.bitmaps = self._upcall, self._bitmaps
        m.submodules.decide = self._decide
        stages = (self._lookup, self._subject, self._upcall, self._bitmaps, self._decide)
        for before, after in pairwise(stages):
            m.d.comb += after.i.eq(before.o)
        #: The operations in stages 1, 2, ...
        under_way = [*self._lookup.under_way, *(stage.i.op for stage in stages[1:])]
        start = self._add_start(m)
        self._add_issue(m, under_way)
        self._add_memories(m, start)
        self._add_stages(m, under_way)
        self._add_outputs(m, start)
        self._add_answer(m, start, under_way)
        Recorder.beside(m, self, self.config, "bank", **self._decisions())
        return m

    def _add_start(self, m) -> Initialise:
        m.submodules.initialise = start = Initialise(self.config)
        m.d.comb += [self.ready.eq(start.ready), self.heads.reset.eq(start.head),
                     self.heads.sweep.busy.eq(start.sweep.busy),
                     self.heads.sweep.row.eq(start.sweep.row),
                     self._lookup.clear.eq(start.sweep.busy)]
        return start

    def _add_issue(self, m, under_way):
        """0: the sources, and their turns."""
        sources = (self.from_bus, self._accept, self._note)
        m.submodules.from_bus, m.submodules.from_accept, m.submodules.from_note = sources
        m.submodules.issue = issue = Issue(self.config, sources=len(sources), stages=_STAGES)
        for source, port in zip(sources, issue.sources, strict=True):
            connect(m, source.o, port)
        connect(m, flipped(self.bus).req, self.from_bus.i)
        connect(m, flipped(self.accept.target), self._accept.i)
        connect(m, flipped(self.note), self._note.i)
        m.d.comb += [
            issue.enable.eq(self.ready), self._lookup.i.eq(issue.op),
            Cat(issue.under_way[i] for i in range(_STAGES)).eq(Cat(under_way)),
            self.from_bus.hold.eq(self.hold), self.from_bus.decided.eq(self._decide.i.bus),
            self._note.hold.eq(self.hold_notes),
            self._note.decided.eq(self._decide.note_done.valid),
            self._note.port_taken.eq(self._subject.i.bus),
            self.hold_ack.eq(~(self.from_bus.busy & self.from_bus.access.we)
                             & ~(self.hold_notes & self._note.busy)),
        ]

    def _add_memories(self, m, start):
        """1 to 6: head row and words, read and written."""
        words, decide, target = self._words, self._decide, self.from_bus.access.target
        m.d.comb += [
            self.heads.pipeline.addr.eq(self._lookup.v),
            self._lookup.row.eq(self.heads.pipeline.data),
            self.heads.write.en.eq(decide.commit), self.heads.write.addr.eq(decide.i.op.v),
            self.heads.write.data.eq(decide.row),
            words.lookup.eq(self._subject.lookup), self._bitmaps.found.eq(words.found),
            words.pick.eq(Cat(target.IRR, target.ISR, target.TMR)),
            words.write_irr.eq(decide.write_irr), words.write_isr.eq(decide.write_isr),
            words.write_tmr.eq(decide.write_tmr),
        ]

    def _add_stages(self, m, under_way):
        """3 to 6: what the stages ask of others."""
        access, upcall, decide = self.from_bus.access, self._upcall, self._decide
        head, now = self._subject.i.head, decide.i.head
        m.d.comb += [
            self._lookup.access.eq(access), self._subject.access.eq(access),
            upcall.ctl.eq(self._note.ctl),
            decide.unmapped.eq(access.target.UNMAPPED), decide.ok.eq(self.accept.ok),
            decide.retry.eq(self.globals.retry_on_irr),
        ]
        out = Signal.like(self.out_value)
        m.d.sync += out.eq(self.out_value)
        m.d.comb += upcall.outstanding.eq(out != 0)
        # Where the out count is read: see NoteSource for why the two uses never meet.
        asks = under_way[2].valid & (under_way[2].kind == Op.CTL)
        place = Mux(asks, Cat(head.dom, head.k), Cat(now.dom, now.k))
        m.d.comb += [self.out_dom.eq(place[:4]), self.out_k.eq(place[4:])]

    def _add_outputs(self, m, start):
        """6: what dispatch, event channels, I/O APIC and the vCPUs are told."""
        m.submodules.outputs = outputs = VcpuOutputs(self.config)
        m.submodules.lane_view = view = LaneView(self.config)
        decide = self._decide
        now, i = decide.i.head, decide.i
        m.d.comb += [
            self.lane_note.eq(self._bitmaps.lane_note),
            self.accept.done.eq(decide.done), self.note_done.eq(decide.note_done),
            self.eoi.eq(decide.eoi), self.merged.eq(decide.merged),
            self.spurious.eq(decide.spurious),
            view.write.eq(decide.commit & ~i.pure_read & (now.online | i.old.online)),
            view.v.eq(i.op.v), view.head.eq(now),
            view.ppr.eq(decide.ppr), view.apr.eq(decide.apr), view.load.eq(decide.load),
            view.clear.eq(start.lanes), view.clear_dom.eq(start.dom),
            self.lane_write.eq(view.lane_write),
            outputs.write.eq(decide.commit), outputs.v.eq(self._bitmaps.i.op.v),
            outputs.irq_new.eq(decide.irq), outputs.upcall_new.eq(decide.upcall),
            outputs.wake_new.eq(decide.wake), outputs.frozen_new.eq(now.freeze),
            self.irq.eq(outputs.irq), self.upcall.eq(outputs.upcall),
            self.wake.eq(outputs.wake), self.frozen.eq(outputs.frozen),
        ]

    def _add_answer(self, m, start, under_way):
        """3 to 7: counters, and the answer of a bus access."""
        m.submodules.counters = counters = VcpuCounters(self.config)
        m.submodules.answer = answer = self._answer
        decide, access = self._decide, self.from_bus.access
        m.d.sync += [counters.woken.valid.eq(decide.commit & decide.wake),
                     counters.woken.v.eq(decide.i.op.v)]
        on_bus = {stage: op.valid & (op.kind == Op.BUS)
                  for stage, op in enumerate(under_way, start=1)}
        m.d.comb += [
            counters.sweep.busy.eq(start.sweep.busy), counters.sweep.row.eq(start.sweep.row),
            counters.granted.eq(self.granted), counters.aborted.eq(self.aborted),
            counters.access.eq(access), counters.v.eq(self._upcall.i.op.v),
            answer.access.eq(access),
            answer.read.valid.eq(on_bus[3]), answer.read.value.eq(self._subject.value),
            answer.read.live.eq(self._subject.live), answer.read.berr.eq(self._subject.berr),
            answer.read.err.eq(self._subject.err),
            answer.word.valid.eq(on_bus[5]), answer.word.value.eq(self._words.value),
            answer.decided.valid.eq(on_bus[6]),
            answer.decided.ppr.eq(decide.ppr), answer.decided.apr.eq(decide.apr),
            answer.decided.load.eq(decide.load), answer.decided.out.eq(self.out_value),
            answer.word.count.eq(counters.count), answer.decided.late.eq(counters.late),
            self.quiet.eq(self.ready & ~Cat(op.valid for op in under_way).any()
                          & ~self.from_bus.waiting & ~answer.rsp.valid),
        ]
        connect(m, answer.rsp, flipped(self.bus).rsp)

    def _decisions(self) -> dict:
        """Told to the recorder in stage 6, answers in stage 7."""
        i, rsp = self._decide.i, self._answer.rsp.payload
        op, access = i.op, self.from_bus
        valid = {kind: op.valid & (op.kind == kind) for kind in (Op.BUS, Op.ACCEPT, Op.UPCALL)}
        return {
            "bus": {"valid": valid[Op.BUS], "v": op.v, "request": access.request,
                    "answer": rsp.data, "berr": rsp.berr},
            "accept": {"valid": valid[Op.ACCEPT], "result": self._decide.done.result, **{
                name: op[name] for name in ("v", "n", "vector", "level", "last", "first")}},
            "upcall": {"valid": valid[Op.UPCALL], "v": op.v, "line": op.line, "pend": op.pend,
                       "injected": i.inject},
            "ctl": {"valid": self.note_done.valid, "v": op.v,
                    "word": self._note.ctl.as_value()[:32], "applied": i.applied},
        }
