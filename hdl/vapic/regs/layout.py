"""Amaranth layouts of registers."""

from collections.abc import Iterable

from amaranth import Cat, Const, Value
from amaranth.lib import data

from .field import Keep, Register
from .words import lookup

__all__ = ["assemble", "kept", "resets", "struct"]


def struct(name: str, **shapes) -> data.StructLayout:
    """Layout of a register's word, as far as its last field.

    Bits without a field are members ``pad<number of the lowest>``. A field has its name and is
    unsigned, unless `shapes` has another shape of the same width for it.
    """
    members, at = {}, 0
    for part in lookup(name).fields:
        if part.low > at:
            members[f"pad{at}"] = part.low - at
        members[part.name] = shapes.pop(part.name, part.bits)
        at = part.top + 1
    if shapes:
        raise ValueError(f"{name} has no fields {', '.join(shapes)}")
    return data.StructLayout(members)


def kept(registers: Iterable[Register], keep: Keep) -> dict[str, int]:
    """Members of the row, or of the bundle of signals, that keeps fields: name and width."""
    return {member: bits for register in registers if register.built
            for member, _, bits in register.slots(keep)}


def resets(registers: Iterable[Register], keep: Keep) -> dict[str, int]:
    """Values of those members after reset, as far as they are the same for every index."""
    values = {}
    for register in registers:
        if register.built and register.kept:
            values[register.kept] = register.reset
        elif register.built:
            values |= {part.member: part.reset for part in register.fields
                       if part.built and register.keep_of(part) is keep
                       and isinstance(part.reset, int)}
    return values


def assemble(parts: Iterable[tuple[int, Value]]) -> Value:
    """Word with each value from its bit on; ascending, zeros between and above, 32 bits."""
    pieces, at = [], 0
    for low, value in parts:
        pieces += [Const(0, low - at)] if low > at else []
        pieces.append(value)
        at = low + len(value)
    return Cat(*pieces, *([Const(0, 32 - at)] if at < 32 else []))
