"""Bitmaps of all vLAPICs: IRR, ISR and TMR as memories of 32-bit words."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..rows import Read, RowMemory
from ..trees import decode, highest
from .head import select, word_index

__all__ = ["BitmapWords", "found_layout", "lookup_layout"]


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
