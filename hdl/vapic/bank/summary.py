"""Summary of the bitmaps in the head row: valid words, highest vectors, numbers of bits."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..trees import decode
from .head import head_layout

__all__ = ["BitmapSummary"]


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
        words = self.config.words
        head, after = self.head, self.head_next
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
