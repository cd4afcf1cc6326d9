"""Amaranth layouts of registers."""

from amaranth.lib import data

from .field import Keep
from .table import REGISTERS
from .words import lookup

__all__ = ["kept", "struct"]


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


def kept(keep: Keep, prefix: str = "") -> dict[str, int]:
    """Members of the row, or of the bundle of signals, that keeps fields: name and width.

    Parameters
    ----------
    keep : Keep
        Where they are kept.
    prefix : str
        Beginning of the names of the registers meant.
    """
    return {part.member: part.bits for register in REGISTERS.values()
            if register.built and register.name.startswith(prefix)
            for part in register.fields
            if part.built and register.keep_of(part) is keep}
