"""Layouts of the vAPIC bank: the head row of a vCPU, and an operation on its way to it."""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import data, enum
from amaranth.lib.memory import Memory

from ..regs import Keep, Register, lapic, vcpu
from ..regs.layout import kept, resets

__all__ = [
    "Kind", "ctl_layout", "head_layout", "head_registers", "interlocked_memory", "legal",
    "op_layout", "read_interlocked", "reset_row", "saturate", "select", "word_index",
]


class Kind(enum.Enum, shape=2):
    """Where an operation comes from."""

    BUS = 0
    ACCEPT = 1
    UPCALL = 2
    CTL = 3


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


def reset_row(head, *, v, dom, k) -> list:
    """Assignments that give `head` the reset value of vCPU `v`."""
    row = resets((*vcpu.REGISTERS, *lapic.REGISTERS), Keep.HEAD)
    row |= {"dom": dom, "k": k, "apicid": v, "id": v}
    return [head[name].eq(row.get(name, 0)) for name in head.shape().members]


def op_layout(config) -> data.StructLayout:
    """An operation in the pipeline; data of bus accesses and CTL writes are held elsewhere."""
    return data.StructLayout({
        "valid": 1, "kind": Kind, "v": config.vcpu_bits,
        "vector": 8, "level": 1, "single": 1, "illegal": 1,     # ACCEPT
        "n": config.pirq_bits, "first": 1, "last": 1,           # ACCEPT, read by its record alone
        "pend": 1, "line": 1, "rise": 1,                        # UPCALL
    })


def ctl_layout() -> data.StructLayout:
    """Value written to VCPU.CTL, and what the event channels know of the lane it names."""
    return data.StructLayout({
        "online": 1, "freeze": 1, "pad2": 2, "dom": 4, "apicid": 8, "pad16": 8, "k": 6, "pad30": 2,
        "held": 1,
    })


def legal(config, vector: Value) -> Value:
    """Whether `vector` can be requested: 16 up to the number of vectors."""
    above = vector[(config.vectors - 1).bit_length():]
    return (vector[4:] != 0) & (~above.any() if len(above) else 1)


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


def saturate(value: Value, bits: int) -> Value:
    """Value cut to `bits` bits, all ones if it does not fit."""
    return Mux(value[bits:].any(), (1 << bits) - 1, value[:bits])


def interlocked_memory(shape, depth: int) -> Memory:
    """Memory of which no row is read for use in the cycle in which it is written.

    Issue keeps two operations of one vCPU apart. Synthesis is told, and leaves out the bypass that
    would otherwise stand beside every block RAM (about two LUTs a bit).
    """
    return Memory(shape=shape, depth=depth, init=[], attrs={"no_rw_check": 1})


def read_interlocked(m: Module, memory: Memory, address: Value, name: str):
    """Row of `memory`, one cycle after its address.

    An asynchronous port with a register behind it: synthesis makes the two one synchronous port,
    and only then honours the promise of `interlocked_memory`.
    """
    port = memory.read_port(domain="comb")
    row = Signal(memory.shape, name=name, reset_less=True)
    m.d.comb += port.addr.eq(address)
    m.d.sync += row.eq(port.data)
    return row
