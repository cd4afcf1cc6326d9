"""Rules of the specification that more than one block applies; one function each, combinational.

A rule stands here once it has two users, so that they cannot come to differ. What one block alone
decides stays in that block.
"""

from amaranth import Cat, Const, Mux
from amaranth.hdl import Value, ValueLike

from .layouts import Mode

__all__ = ["dynamic", "effective_level", "legal_vector", "load", "lowest_priority", "saturate"]


def lowest_priority(mode: Value) -> Value:
    """Whether the delivery mode asks for one target instead of all (IOA-17, mode 001)."""
    return Value.cast(mode) == Mode.LOWEST.value


def dynamic(entry, dyn_off: ValueLike) -> Value:
    """Whether a request has its one target chosen when it is granted (SEL-02).

    Parameters
    ----------
    entry : view with ``mode``, ``force_dyn``, ``force_static``
        The request's entry, as of the grant.
    dyn_off : 1 bit
        CTRL.dyn_off.
    """
    forced = (Value.cast(entry.mode) == Mode.FIXED.value) & entry.force_dyn
    return (lowest_priority(entry.mode) | forced) & ~entry.force_static & ~dyn_off


def effective_level(trigger: Value, mode: Value) -> Value:
    """Whether an entry is level triggered: the trigger bit, in modes 000 and 001 alone (IOA-19)."""
    return trigger & ~Value.cast(mode)[1:].any()


def legal_vector(vector: Value, vectors: int) -> Value:
    """Whether a vector can be requested: 16 up to N_VEC - 1 (IOA-18, LAPIC-13).

    Parameters
    ----------
    vector : 8 bits
        The vector.
    vectors : int
        N_VEC, a power of two.
    """
    above = vector[(vectors - 1).bit_length():]
    return (vector[4:] != 0) & (~above.any() if len(above) else Const(1))


def load(out: Value, count: Value) -> Value:
    """Work accepted and not finished, 8 bits, at most 255 (SEL-10).

    Parameters
    ----------
    out, count : 8 bits each
        In flight by way of ports; bits set in IRR and ISR.
    """
    total = out + count
    return Cat(total[:8] | total[8].replicate(8))


def saturate(value: Value, bits: int) -> Value:
    """`value` cut to `bits` bits, all ones if it does not fit."""
    return Mux(value[bits:].any(), (1 << bits) - 1, value[:bits])
