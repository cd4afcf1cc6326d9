"""Every kind of commit record: who makes it, where it stands within its cycle, what it holds."""

from typing import NamedTuple

from amaranth.lib import enum

__all__ = ["TABLE", "UNITS", "Op", "Row", "Value", "place"]


class Op(enum.IntEnum, shape=4):
    """What was decided."""

    BUS = 0
    ACCEPT = 1
    UPCALL = 2
    CTL = 3
    LINES = 4
    MSI = 5
    MASK_BIT = 6
    GRANT = 7
    START = 8
    END = 9


class Value(NamedTuple):
    """A value that a unit tells about a decision.

    Parameters
    ----------
    name : str
        As the unit calls it.
    width : int
        In bits.
    late : bool
        Told in the cycle of the record, else in that of the decision, which is the one before.
    """

    name: str
    width: int = 1
    late: bool = False


class Row(NamedTuple):
    """One kind of record.

    Parameters
    ----------
    unit, op : str, Op
        Whose record of what.
    meaning : str
        For docs/commits.md.
    writes : bool or None
        Of a `Op.BUS` that stands elsewhere if it is a write: which of the two this is.
    request : bool
        ``addr``, ``we``, ``data``, ``sel``, ``vmm``, ``dom`` and ``vcpu`` are those of a bus
        access, which the unit tells as one value, ``request``.
    row, addr, data, result : tuple of Value
        What the fields hold, low bits first; nothing is 0.
    now : bool
        The record stands in the cycle of the decision itself: all is late.
    """

    unit: str
    op: Op
    meaning: str
    writes: bool | None = None
    request: bool = False
    row: tuple[Value, ...] = ()
    addr: tuple[Value, ...] = ()
    data: tuple[Value, ...] = ()
    result: tuple[Value, ...] = ()
    now: bool = False

    @property
    def fields(self) -> dict[str, tuple[Value, ...]]:
        """Fields of the record with a value of its own."""
        fields = {"row": self.row, "addr": self.addr, "data": self.data, "result": self.result}
        return {name: values for name, values in fields.items() if values}


_V = (Value("v", 9),)
_N = (Value("n", 9),)
#: A target of a grant: `first` and `last` of the targets stand above the vector.
_ENDS = (Value("last"), Value("first"))
_ANSWER = (Value("answer", 32, late=True), Value("berr", late=True))

_GLOBALS = dict(unit="access", op=Op.BUS, request=True, row=(Value("port"),), result=_ANSWER)
_ENTRIES = dict(unit="ioapic", op=Op.BUS, request=True, row=_N, result=_ANSWER)

#: Rows in the order in which records of one cycle take effect.
TABLE = (
    Row(**_GLOBALS, writes=False,
        meaning="Read of a global register, or a read that is refused; `port` 1 came by `msi_bus`"),
    Row(**_ENTRIES, writes=False,
        meaning="Read of the I/O APIC page, REQX, REQSTAT, PIRQ_OWNER or IRT; `n` is the entry"),
    Row(**_ENTRIES, writes=True, meaning="Write of one of them"),
    Row("dispatch", Op.END, "A selection ended without a grant; none if its target answered ABORT "
        "or RETRY", row=_N, result=(Value("outcome", 3),)),
    Row("bank", Op.BUS, "Access to a vLAPIC or to VCPU registers; `v` is the one addressed",
        request=True, row=_V, result=_ANSWER),
    Row("bank", Op.CTL, "VCPU_CTL written; not applied is ERR-09",
        row=_V, data=(Value("word", 32),), result=(Value("applied"),)),
    Row("evt", Op.BUS, "Access to an event window, or its command; `window` is the domain it is of",
        request=True, row=(Value("window", 4),), result=_ANSWER),
    Row("evt", Op.MASK_BIT, "One bit of a store to a mask word; its BUS record follows the last; "
        "`place` is `dom * ports + port`", row=(Value("place", 16),), data=(Value("masked"),)),
    Row("bank", Op.ACCEPT, "One target of a grant to a vLAPIC", row=_V, addr=_N,
        data=(Value("vector", 8), Value("level"), *_ENDS), result=(Value("result", 3),)),
    Row("bank", Op.UPCALL, "Upcall state taken over; `injected` if UPVEC was",
        row=_V, data=(Value("line"), Value("pend")), result=(Value("injected"),)),
    Row("evt", Op.GRANT, "One target of a grant to a port", row=_V, addr=_N,
        data=(Value("none", 9), *_ENDS), result=(Value("result", 3), Value("port", 12))),
    Row("lines", Op.LINES, "The synchronised lines changed to this, polarity not applied",
        data=(Value("lines", 128, late=True),)),
    Row("msi", Op.MSI, "A message; `latched` if an entry took it, else it is ERR-06 or ERR-04",
        request=True, row=(Value("index", 16),), result=(Value("latched"),)),
    Row(**_GLOBALS, writes=True, meaning="Write of a global register, or one that is refused"),
    Row("dispatch", Op.START, "A selection starts, on the state after all of the above; `owner` is "
        "the domain of its entry", row=_N, data=(Value("owner", 4),), now=True),
)

#: Units with a stream of records: at most one a cycle each.
UNITS = tuple(dict.fromkeys(row.unit for row in TABLE))


def place(unit: str, op: Op, writes: bool) -> int:
    """Place within the cycle of a record; those of one unit never meet."""
    return next(i for i, row in enumerate(TABLE)
                if (row.unit, row.op) == (unit, op) and row.writes in (None, writes))
