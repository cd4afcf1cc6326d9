"""What a register is: its place, its fields, and where they are kept.

Plain data, for whoever asks: decoders and read multiplexers, drivers and tests, documents, headers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["Access", "Dim", "Field", "Formula", "Keep", "Register"]


class Access(Enum):
    """What a bus access may do to a register or field."""

    RW = "RW"
    RO = "RO"
    WO = "WO"
    #: Writing a one clears the bit.
    W1C = "W1C"
    #: Reading has an effect.
    RC = "RC"

    @property
    def readable(self) -> bool:
        """A read gives its value."""
        return self is not Access.WO

    @property
    def writable(self) -> bool:
        """A write has an effect."""
        return self in (Access.RW, Access.WO, Access.W1C)


class Keep(Enum):
    """Where the hardware has a value."""

    FLOP = "flip-flops of its block"
    HEAD = "head row of the vCPU in the bank"
    BITMAP = "bitmap words in the bank"
    ENTRY = "row of the source in the I/O APIC"
    ROTATION = "rotation pointers of dispatch"
    EVENT = "rows of the event channels"
    COUNT = "counter"
    CONSTANT = "fixed by the configuration"
    #: Made from other state when it is read.
    COMPUTED = "computed"
    #: A write is an act; nothing is kept.
    ACT = "nothing kept"


@dataclass(frozen=True)
class Formula:
    """A reset value that depends on the configuration or the index.

    Parameters
    ----------
    text : str
        As documents show it.
    value : callable
        Called with the `vapic.Config` and the indices.
    """

    text: str
    value: Callable[..., int]


@dataclass(frozen=True)
class Dim:
    """One dimension of an array of registers.

    Parameters
    ----------
    name : str
        Name of the index.
    stride : int
        From one to the next: bytes, or numbers of IOREGSEL.
    count : callable
        How many a `vapic.Config` has.
    text : str
        The count as documents show it.
    limit : int
        The count of the largest configuration.
    """

    name: str
    stride: int
    count: Callable[[Any], int]
    text: str
    limit: int


@dataclass(frozen=True)
class Field:
    """Some bits of a register.

    Parameters
    ----------
    name : str
        What `pack` and `unpack` call it.
    low : int
        Number of the lowest bit.
    bits : int
        Width.
    access : Access or None
        None: that of the register.
    reset : int, Formula or None
        After reset; None if that cannot be said (a running counter).
    values : mapping of int to str
        Names of the values that have one; others of an incomplete list are reserved.
    built : bool
        If not, it reads 0 and ignores writes.
    keep : Keep or None
        None: that of the register.
    kept : str
        Name of the row member or signal that has it, where this is not the field's own.
    text : str
        What it means.
    """

    name: str
    low: int
    bits: int = 1
    access: Access | None = None
    reset: int | Formula | None = 0
    values: Mapping[int, str] = field(default_factory=dict[int, str], hash=False)
    built: bool = True
    keep: Keep | None = None
    kept: str = ""
    text: str = ""

    @property
    def member(self) -> str:
        """Name of the row member or signal that has it."""
        return self.kept or self.name

    @property
    def top(self) -> int:
        """Number of the highest bit."""
        return self.low + self.bits - 1

    @property
    def mask(self) -> int:
        """Ones at its bits."""
        return (1 << self.bits) - 1 << self.low

    def reset_of(self, config: Any, *index: int) -> int | None:
        """Value after reset for a configuration and index."""
        if not self.built:
            return 0
        if isinstance(self.reset, Formula):
            return self.reset.value(config, *index)
        return self.reset


@dataclass(frozen=True)
class Register:
    """One register, or an array of it.

    Parameters
    ----------
    name : str
        Name, with the block as prefix where there are many of the kind.
    offset : int
        Byte offset of the first one from the block base; of an indirect register its number.
    access : Access
        What an access may do.
    right : str
        ``V`` VMM only, ``S`` the master it names or the VMM, ``I`` as ``V`` or the delegate.
    keep : Keep
        Where its fields are kept, unless they say otherwise.
    fields : tuple of Field
        Ascending, without overlap; all other bits read 0 and ignore writes.
    dims : tuple of Dim
        Dimensions of an array, outermost first.
    spec : str
        ID in the specification.
    text : str
        What it is, one sentence.
    built : bool
        If not, it exists, reads 0 and ignores writes, as the specification says of features that
        are not there.
    policy : str
        The policy that it is for, if it is not built without that (``Config.policies``).
    kept : str
        Name of the one member that has the whole word, if its fields have none of their own.
    also : tuple of int
        Further offsets that mean the same register.
    partial : bool
        Byte lanes may be written alone (ERR-04 names the few).
    indirect : bool
        Reached by IOREGSEL and IOWIN.
    """

    name: str
    offset: int
    access: Access
    right: str
    keep: Keep
    fields: tuple[Field, ...]
    dims: tuple[Dim, ...] = ()
    spec: str = ""
    text: str = ""
    built: bool = True
    policy: str = ""
    kept: str = ""
    also: tuple[int, ...] = ()
    partial: bool = False
    indirect: bool = False

    def __getitem__(self, name: str) -> Field:
        for known in self.fields:
            if known.name == name:
                return known
        raise KeyError(name)

    @property
    def strides(self) -> tuple[int, ...]:
        """From one to the next, a number a dimension."""
        return tuple(dim.stride for dim in self.dims)

    def access_of(self, part: Field) -> Access:
        """Access of one of its fields."""
        return part.access or self.access

    def keep_of(self, part: Field) -> Keep:
        """Where one of its fields is kept."""
        return part.keep or self.keep

    def slots(self, keep: Keep) -> list[tuple[str, int, int]]:
        """What one place keeps of it: name of the member, lowest bit and width, ascending."""
        if self.kept:
            return [(self.kept, 0, self.fields[-1].top + 1)] if self.keep is keep else []
        return [(part.member, part.low, part.bits) for part in self.fields
                if part.built and self.keep_of(part) is keep]

    def exists(self, config: Any) -> bool:
        """Whether it is more than an offset that reads 0, in a configuration."""
        return self.built and (not self.policy or self.policy in config.policies)

    @property
    def write_mask(self) -> int:
        """Bits that a write can act on."""
        return sum(part.mask for part in self.fields if self.built and part.built
                   and self.access_of(part).writable)

    @property
    def reset(self) -> int | None:
        """Value after reset; None where it depends on the configuration, the index or time."""
        if not self.built:
            return 0
        word = 0
        for part in self.fields:
            if part.built:
                if not isinstance(part.reset, int):
                    return None
                word |= part.reset << part.low
        return word

    def reset_of(self, config: Any, *index: int) -> int | None:
        """Value after reset for a configuration and index; None where it depends on time."""
        if not self.exists(config):
            return 0
        word = 0
        for part in self.fields:
            value = part.reset_of(config, *index)
            if value is None:
                return None
            word |= value << part.low
        return word

    def counts(self, config: Any) -> tuple[int, ...]:
        """Length of each dimension."""
        return tuple(dim.count(config) for dim in self.dims)
