"""Addresses and words by name: what drivers, tests and tools write instead of numbers."""

from difflib import get_close_matches

from .field import Register
from .table import INDIRECT, REGISTERS

__all__ = ["address", "find", "lookup", "mask", "pack", "regsel", "unpack"]


def lookup(name: str) -> Register:
    """Register of a name, indirect ones too.

    Raises
    ------
    ValueError
        If there is none; the message has names like it.
    """
    register = REGISTERS.get(name) or INDIRECT.get(name)
    if register is None:
        raise ValueError(f"no register {name!r}{_near(name, [*REGISTERS, *INDIRECT])}")
    return register


def address(name: str, *index: int) -> int:
    """Byte offset of a register; `index` has one number a dimension, all of them needed.

    Raises
    ------
    ValueError
        If there is no such register on the bus, or the number of indices is not the register's.
    """
    register = lookup(name)
    if register.indirect:
        raise ValueError(f"{name} is behind IOA_WIN: write regsel({name!r}, ...) to IOA_REGSEL")
    return _place(register, index)


def regsel(name: str, *index: int) -> int:
    """What to write to IOA_REGSEL for an indirect register; ValueError as `address`."""
    register = lookup(name)
    if not register.indirect:
        raise ValueError(f"{name} is on the bus: use address({name!r}, ...)")
    return _place(register, index)


def pack(name: str, word: int = 0, /, **fields: int) -> int:
    """`word` with some fields of a register changed.

    ``pack("VCPU_CTL", online=1, k=3)`` is 0x03000001; ``pack("LAPIC_BASE", old, enable=1)`` leaves
    the other bits of `old`. A value may be any that the bits hold, also one that the register
    ignores or refuses.

    Raises
    ------
    ValueError
        If there is no such register or field, or a value does not fit.
    """
    register = lookup(name)
    for key, value in fields.items():
        part = _part(register, key)
        if not 0 <= value < 1 << part.bits:
            raise ValueError(f"{name}.{key} has {part.bits} bits: 0..{(1 << part.bits) - 1}, "
                             f"not {value!r}")
        word = word & ~part.mask | value << part.low
    return word


def unpack(name: str, word: int) -> dict[str, int]:
    """Value of each field in a word of a register; ValueError if there is no such register."""
    return {part.name: (word & part.mask) >> part.low for part in lookup(name).fields}


def mask(name: str, *fields: str) -> int:
    """Ones at the bits of some fields of a register; ValueError as `pack`."""
    register, word = lookup(name), 0
    for key in fields:
        word |= _part(register, key).mask
    return word


def find(place: int) -> tuple[Register, tuple[int, ...]] | None:
    """Register on the bus at a byte offset, with its index, in the largest configuration."""
    for register in REGISTERS.values():
        for start in (register.offset, *register.also):
            index = _index(register, place - start)
            if index is not None:
                return register, index
    return None


def _index(register: Register, distance: int) -> tuple[int, ...] | None:
    index = []
    for dim in register.dims:
        number, distance = divmod(distance, dim.stride)
        if not 0 <= number < dim.limit:
            return None
        index.append(number)
    return None if distance else tuple(index)


def _place(register: Register, index: tuple[int, ...]) -> int:
    if len(index) != len(register.dims):
        wanted = ", ".join(dim.name for dim in register.dims) or "none"
        raise ValueError(f"{register.name} takes {len(register.dims)} indices ({wanted}), "
                         f"not {len(index)}")
    return register.offset + sum(i * s for i, s in zip(index, register.strides, strict=True))


def _part(register: Register, name: str):
    try:
        return register[name]
    except KeyError:
        names = [part.name for part in register.fields]
        raise ValueError(f"{register.name} has no field {name!r}: it has "
                         f"{', '.join(names)}") from None


def _near(name: str, names: list[str]) -> str:
    near = get_close_matches(name.upper(), names, 3, 0.6)
    return f"; there is {', '.join(near)}" if near else "; vapic regs lists them"
