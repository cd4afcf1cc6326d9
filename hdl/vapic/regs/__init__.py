"""Every register of the controller as data; the one place that knows addresses and fields.

`REGISTERS` has those of the bus, `INDIRECT` those behind IOREGSEL and IOWIN. `address` and
`regsel` say where one is, `pack` and `unpack` turn field values into words and back.
"""

from .events import SELF, Command, Errno
from .field import Access, Dim, Field, Formula, Keep, Register
from .table import GROUPS, INDIRECT, REGISTERS
from .words import address, find, lookup, mask, pack, regsel, unpack

__all__ = [
    "GROUPS", "INDIRECT", "REGISTERS", "SELF", "Access", "Command", "Dim", "Errno", "Field",
    "Formula", "Keep", "Register", "address", "find", "lookup", "mask", "pack", "regsel", "unpack",
]
