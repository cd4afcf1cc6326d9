"""Stages 3 to 6: words of IRR, ISR and TMR in memory; stage 5: their summary in the head row."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Layouts
from ..rows import Read, RowMemory
from ..trees import decode, highest
from .head import head_layout, select, word_index
from .operation import pass_on, summed, updated

__all__ = ["BitmapStage", "BitmapSummary", "BitmapWords", "found_layout", "lookup_layout"]


def lookup_layout(config) -> data.StructLayout:
    """What an operation wants of the words of its vCPU."""
    return data.StructLayout({
        "v": config.vcpu_bits,
        "vector": 8,        # the bit it is about; for a read any bit of the word
        "edit": 1,          # change the bit: 0 for a register read
        "take": 1,          # INTA: clear it in IRR, set it in ISR
        "end": 1,           # EOI: clear it in ISR; neither: set it in IRR, TMR becomes `level`
        "level": 1,
        "irr_top": 3, "isr_top": 3,     # words of the highest vectors
        "irr_words": config.words, "isr_words": config.words, "tmr_words": config.words,
    })


def found_layout() -> data.StructLayout:
    """What was found there."""
    return data.StructLayout({
        "hit": 1,           # the bit was set in IRR
        "level": 1,         # it was set in TMR
        "emptied": 1,       # take or end: no bit is left in the word
        "left": 8,          # take or end: the highest vector left in the bitmap, 0 if none
    })


class BitmapWords(wiring.Component):
    """Read the words an operation needs, change one bit, find the highest bit left.

    Latency: a lookup in cycle N has its answer in N+2, from registers and an encoder, and is
    written in N+3 where the enables say so. Operations of one vCPU must not overlap. A word whose
    valid bit is 0 reads as zero whatever memory holds, so the memories need no initialisation.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    lookup : ``In(lookup_layout)``
        Cycle N.
    value : ``Out(32)``
        N+2: the word of the bitmap that ``pick`` (``In(3)``, N+2; IRR, ISR, TMR) names.
    found : ``Out(found_layout)``
        N+2.
    write_irr, write_isr, write_tmr : ``In(1)``
        N+3: write the changed word.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "lookup": In(lookup_layout(config)), "pick": In(3), "value": Out(32),
            "found": Out(found_layout()),
            "write_irr": In(1), "write_isr": In(1), "write_tmr": In(1),
        })
        depth = config.vcpus * config.words
        word, below = {"word": Read.APART}, {"below": Read.APART}
        self.irr = RowMemory(32, depth, reads=word | below)
        self.isr = RowMemory(32, depth, reads=word | below)
        self.tmr = RowMemory(32, depth, reads=word)

    def elaborate(self, platform):
        m = Module()
        config, lookup = self.config, self.lookup
        m.submodules.irr, m.submodules.isr, m.submodules.tmr = self.irr, self.isr, self.tmr

        # N: addresses of the word, and of the next valid one below the highest.
        word = lookup.vector[5:]
        row = Cat(word_index(config, word), lookup.v)
        irr_lower, isr_lower = (self._below(m, name) for name in ("irr", "isr"))
        for memory in (self.irr, self.isr, self.tmr):
            m.d.comb += memory.word.addr.eq(row)

        # N+1: words at the memory outputs, which are late. One that is not valid is 0: by `Mux`, as
        # synthesis takes the reset of the flip-flops for it.
        op_1, irr_lower_1, isr_lower_1 = Signal.like(lookup), Signal(4), Signal(4)
        irr_valid_1, isr_valid_1, tmr_valid_1 = (Signal(name=name) for name in (
            "irr_valid_1", "isr_valid_1", "tmr_valid_1"))
        m.d.sync += [
            op_1.eq(lookup), irr_lower_1.eq(irr_lower), isr_lower_1.eq(isr_lower),
            irr_valid_1.eq(select(lookup.irr_words, word)),
            isr_valid_1.eq(select(lookup.isr_words, word)),
            tmr_valid_1.eq(select(lookup.tmr_words, word)),
        ]
        irr_2, isr_2, tmr_2, rest_2, lower_2, bit_2 = (Signal(32, name=name) for name in (
            "irr_2", "isr_2", "tmr_2", "rest_2", "lower_2", "bit_2"))
        bit_1 = Mux(op_1.edit, decode(op_1.vector[:5], 32), 0)
        place_2, below_2, take_2, end_2, level_2 = (Signal(width, name=name) for name, width in (
            ("place_2", 3), ("below_2", 4), ("take_2", 1), ("end_2", 1), ("level_2", 1)))
        m.d.sync += [
            irr_2.eq(Mux(irr_valid_1, self.irr.word.data, 0)),
            isr_2.eq(Mux(isr_valid_1, self.isr.word.data, 0)),
            tmr_2.eq(Mux(tmr_valid_1, self.tmr.word.data, 0)),
            lower_2.eq(Mux(op_1.end, self.isr.below.data, self.irr.below.data)),
            bit_2.eq(bit_1),
            place_2.eq(op_1.vector[5:]), below_2.eq(Mux(op_1.end, isr_lower_1, irr_lower_1)),
            take_2.eq(op_1.take), end_2.eq(op_1.end), level_2.eq(op_1.level),
            rest_2.eq(Mux(Mux(op_1.end, isr_valid_1, irr_valid_1),
                          Mux(op_1.end, self.isr.word.data, self.irr.word.data) & ~bit_1, 0)),
        ]

        # N+2: the highest bit left, of this word or else of the one below; both are searched.
        found = self.found
        _, top = highest(m, rest_2, name="top")
        _, top_lower = highest(m, lower_2, name="top_lower")
        lower = Cat(top_lower, below_2[:3]) & below_2[3].replicate(8)
        m.d.comb += [
            found.hit.eq((irr_2 & bit_2).any()), found.level.eq((tmr_2 & bit_2).any()),
            found.emptied.eq(~rest_2.any()),
            found.left.eq(Mux(found.emptied, lower, Cat(top, place_2))),
            self.value.eq(irr_2 & self.pick[0].replicate(32) | isr_2 & self.pick[1].replicate(32)
                          | tmr_2 & self.pick[2].replicate(32)),
        ]

        # N+3: write.
        address_1, address_2, address_3 = (Signal(range(max(2, self.irr.depth)), name=name)
                                           for name in ("address_1", "address_2", "address_3"))
        m.d.comb += address_1.eq(Cat(word_index(config, op_1.vector[5:]), op_1.v))
        m.d.sync += [address_2.eq(address_1), address_3.eq(address_2)]
        changes = (("irr", self.irr, Mux(take_2, irr_2 & ~bit_2, irr_2 | bit_2)),
                   ("isr", self.isr, Mux(end_2, isr_2 & ~bit_2, isr_2 | bit_2)),
                   ("tmr", self.tmr, Mux(level_2, tmr_2 | bit_2, tmr_2 & ~bit_2)))
        for name, memory, changed in changes:
            changed_3 = Signal(32, name=f"{name}_3")
            m.d.sync += changed_3.eq(changed)
            m.d.comb += [memory.write.en.eq(getattr(self, f"write_{name}")),
                         memory.write.addr.eq(address_3), memory.write.data.eq(changed_3)]
        return m

    def _below(self, m: Module, name: str):
        """Read the word below the highest of a bitmap; its number, and whether there is one."""
        lookup, memory, words = self.lookup, getattr(self, name), self.config.words
        below = Signal(words, name=f"{name}_below")
        m.d.comb += below.eq(lookup[f"{name}_words"]
                             & Cat(lookup[f"{name}_top"] > i for i in range(words)))
        found, lower = highest(m, below, name=f"{name}_lower")
        m.d.comb += memory.below.addr.eq(Cat(word_index(self.config, lower), lookup.v))
        return Cat(lower, Const(0, 3 - len(lower)), found)


class BitmapStage(wiring.Component):
    """Bring the summary of the bitmaps in the head row up to date, and warn dispatch.

    Parameters
    ----------
    config : Config
        Sizes of the controller.

    Members
    -------
    i, o : ``In(updated)``, ``Out(summed)``
        The operation.
    found : ``In(found_layout)``
        What `BitmapWords` found, in this cycle.
    lane_note : ``Out(Layouts.lane_note)``
        In this cycle, the one before the decision.
    """

    def __init__(self, config):
        self.config = config
        super().__init__({
            "i": In(updated(config)), "o": Out(summed(config)), "found": In(found_layout()),
            "lane_note": Out(Layouts(config).lane_note),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.summary = summary = BitmapSummary(self.config)
        i, head, found, note = self.i, self.i.head, self.found, self.lane_note
        m.d.comb += [
            summary.head.eq(head), summary.vector.eq(i.vector), summary.put.eq(i.put),
            summary.take.eq(i.take), summary.end.eq(i.end), summary.reset.eq(i.reset),
            summary.hit.eq(found.hit), summary.emptied.eq(found.emptied),
            summary.left.eq(found.left),
            note.config.eq(i.changed), note.grew.eq(i.inject & ~found.hit),
            note.valid.eq(i.op.valid & (note.config | note.grew) & (head.online | i.old.online)),
            note.dom.eq(head.dom), note.k.eq(head.k),
        ]
        pass_on(m, self)
        m.d.sync += [
            self.o.head.eq(summary.head_next), self.o.hit.eq(found.hit),
            self.o.eoi.eq(i.end & found.level & ~head.suppress & (head.dom < self.config.domains)),
        ]
        return m


class BitmapSummary(wiring.Component):
    """Bring the summary fields of a head row up to date with one bit change; combinational.

    Members
    -------
    head, head_next : ``In(head_layout)``, ``Out(head_layout)``
        The row before and after; only the summary fields differ.
    vector : ``In(8)``
        The bit that changes.
    put, take, end, reset : ``In(1)``
        Set in IRR and recorded in TMR; moved from IRR to ISR; cleared in ISR; all cleared. At most
        one of them.
    hit : ``In(1)``
        ``put``: the bit was set already.
    emptied, left : ``In(1)``, ``In(8)``
        ``take`` and ``end``: no bit is left in the word, the highest vector left in the bitmap.
    """

    def __init__(self, config):
        self.config = config
        head = head_layout(config)
        super().__init__({
            "head": In(head), "head_next": Out(head), "vector": In(8),
            "put": In(1), "take": In(1), "end": In(1), "reset": In(1), "hit": In(1),
            "emptied": In(1), "left": In(8),
        })

    def elaborate(self, platform):
        m = Module()
        words, head, after = self.config.words, self.head, self.head_next
        word = Signal(words)
        m.d.comb += [word.eq(decode(self.vector[5:], words)), after.eq(head)]

        def with_word(old, put, drop):
            return (old | word & put.replicate(words)) & ~(word & drop.replicate(words))

        m.d.comb += [
            after.irr_words.eq(with_word(head.irr_words, self.put, self.take & self.emptied)),
            after.isr_words.eq(with_word(head.isr_words, self.take, self.end & self.emptied)),
            after.tmr_words.eq(head.tmr_words | word & self.put.replicate(words)),
            after.irr_count.eq(head.irr_count + Mux(self.take, 0xFF, self.put & ~self.hit)),
            after.isr_count.eq(head.isr_count + Mux(self.end, 0xF, self.take)),
        ]
        with m.If(self.put & (self.vector > head.irrv)):
            m.d.comb += after.irrv.eq(self.vector)
        with m.If(self.take):
            m.d.comb += [after.irrv.eq(self.left), after.isrv.eq(self.vector)]
        with m.If(self.end):
            m.d.comb += after.isrv.eq(self.left)
        with m.If(self.reset):
            m.d.comb += [after[name].eq(0) for name in (
                "irr_words", "isr_words", "tmr_words", "irrv", "isrv", "irr_count", "isr_count")]
        return m
