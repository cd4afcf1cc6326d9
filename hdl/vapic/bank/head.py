"""Head row of a vCPU: all that the bank keeps of it but the words of its bitmaps."""

from amaranth import Cat, Value
from amaranth.lib import data

from ..regs import Keep, Register, lapic, vcpu
from ..regs.layout import kept, resets

__all__ = [
    "head_layout", "head_registers", "reset_row", "select", "terms", "terms_layout", "word_index",
]

#: What eligibility rests on, load excepted.
_TERMS = ("online", "freeze", "en", "svr_enabled", "id", "ldr", "dfr", "sched")


def head_registers(config) -> list[Register]:
    """Registers of a vCPU that this configuration has."""
    return [register for register in (*vcpu.REGISTERS, *lapic.REGISTERS)
            if register.exists(config)]


def head_layout(config) -> data.StructLayout:
    """Everything the bank keeps of one vCPU but the bitmap words."""
    words = config.words
    return data.StructLayout({
        **kept(head_registers(config), Keep.HEAD),
        "recvill": 1, "illrega": 1,             # accumulator of ESR
        # Upcall (EVT-05): `owed` = an injection is due as soon as the vCPU can accept it
        "up_pend": 1, "up_line": 1, "owed": 1,
        # Bitmaps: valid bit a word, highest vector (0 = none), number of bits
        "irr_words": words, "isr_words": words, "tmr_words": words,
        "irrv": 8, "isrv": 8, "irr_count": 8, "isr_count": 4,
        # Outputs as of the last operation: irq, and the condition of wake (LAPIC-63)
        "intr": 1, "wake": 1,
    })


def reset_row(config, *, v: Value, dom: Value, k: Value) -> dict:
    """Reset values of vCPU `v`, which begins in lane `k` of domain `dom`: fields that are not 0."""
    row = resets((*vcpu.REGISTERS, *lapic.REGISTERS), Keep.HEAD)
    row |= {"dom": dom, "k": k, "apicid": v, "id": v}
    return {name: row[name] for name in head_layout(config).members if name in row}


def terms_layout(config) -> data.StructLayout:
    """Terms of eligibility, load excepted."""
    members = head_layout(config).members
    return data.StructLayout({name: members[name] for name in _TERMS})


def terms(head) -> Value:
    """Those of a head row, as bits."""
    return Cat(head[name] for name in _TERMS)


def word_index(config, word: Value) -> Value:
    """Word number cut to the words that exist (width 0 if there is one)."""
    return word[:(config.words - 1).bit_length()]


def select(words: Value, index: Value) -> Value:
    """Bit `index` of the valid bits `words`, 0 for a word beyond them."""
    bits = [words[i] & (index == i) for i in range(len(words))]
    result = bits[0]
    for bit in bits[1:]:
        result = result | bit
    return result
