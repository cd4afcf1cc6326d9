"""The event window of a domain (EVT-01, 0x100000), command numbers and error numbers."""

from enum import IntEnum

from .field import Access, Dim, Field, Keep, Register

__all__ = ["REGISTERS", "SELF", "Command", "Errno"]

#: Names the caller's own domain in a command.
SELF = 0x7FF0


class Command(IntEnum):
    """What is written to EVT_CMD: Xen's EVTCHNOP numbers (EVT-20)."""

    BIND_INTERDOMAIN = 0
    BIND_VIRQ = 1
    BIND_PIRQ = 2
    CLOSE = 3
    SEND = 4
    STATUS = 5
    ALLOC_UNBOUND = 6
    BIND_IPI = 7
    BIND_VCPU = 8
    UNMASK = 9
    RESET = 10
    INIT_CONTROL = 11
    EXPAND_ARRAY = 12
    SET_PRIORITY = 13
    BIND_PIRQ_VCPU = 0x20

    @property
    def built(self) -> bool:
        """It is carried out; the others answer ENOSYS."""
        return self in _BUILT


_BUILT = frozenset((
    Command.BIND_INTERDOMAIN, Command.CLOSE, Command.SEND, Command.STATUS, Command.ALLOC_UNBOUND,
    Command.BIND_IPI, Command.UNMASK, Command.BIND_PIRQ_VCPU))


class Errno(IntEnum):
    """Error numbers of commands; EVT_RESULT and EVT_FASTRES hold their negative."""

    OK = 0
    EPERM = 1
    ENOENT = 2
    ESRCH = 3
    EBUSY = 16
    EEXIST = 17
    EINVAL = 22
    ENOSPC = 28
    ENOSYS = 38


_BASE = 0x100000
_RW, _RO, _WO, _RC = Access.RW, Access.RO, Access.WO, Access.RC
_DOMAINS = Dim("d", 0x4000, lambda c: c.domains, "N_DOM", 16)
_LANES = Dim("k", 0x40, lambda c: c.lanes, "N_LANE", 64)
_PORT = Field("port", 0, 32, text="Port")


def _register(name: str, offset: int, access: Access, keep: Keep, spec: str, text: str,
              *fields: Field, dim: Dim | None = None, right: str = "S", partial: bool = False,
              built: bool = True) -> Register:
    return Register(f"EVT_{name}", _BASE + offset, access, right, keep, fields,
                    (_DOMAINS, dim) if dim else (_DOMAINS,), spec=spec, text=text,
                    partial=partial, built=built)


def _word(name: str, offset: int, access: Access, keep: Keep, text: str, right: str = "S",
          partial: bool = False) -> Register:
    return _register(name, offset, access, keep, "EVT-01", text,
                     Field("bits", 0, 32, text="Bit i: port 32 w + i"), right=right,
                     dim=Dim("w", 4, lambda c: c.port_words, "N_PORT / 32", 32), partial=partial)


def _several(name: str, offset: int, count: int, access: Access, text: str) -> Register:
    return _register(name, offset, access, Keep.EVENT, "EVT-20", text, Field("value", 0, 32),
                     dim=Dim("i", 4, lambda c: count, str(count), count))


REGISTERS = (
    _register("UPCALL", 0x0000, _RW, Keep.EVENT, "EVT-03", "vcpu_info: upcall state of a lane.",
              Field("pending", 0, 8, text="1 while an upcall is pending; writing 0 clears it"),
              Field("mask", 8, 8, reset=1, text="1 withholds upcalls"), dim=_LANES, partial=True),
    _register("SEL", 0x0004, _RO, Keep.EVENT, "EVT-01", "vcpu_info: words with news.",
              Field("words", 0, 32, text="Bit w: pending word w"), dim=_LANES),
    _register("SEL_RC", 0x0008, _RC, Keep.EVENT, "EVT-01", "The same, read and cleared.",
              Field("words", 0, 32, text="Bit w: pending word w"), dim=_LANES),
    _register("UPCALL_ACK", 0x000C, _WO, Keep.ACT, "EVT-13", "Clears upcall_pending; any value.",
              Field("any", 0, 32), dim=_LANES),
    _word("PENDING", 0x1000, _RO, Keep.EVENT, "Pending bits of 32 ports."),
    _word("MASK", 0x1080, _RW, Keep.EVENT, "Mask bits of 32 ports.", partial=True),
    _word("PENDING_W1C", 0x1100, _WO, Keep.ACT, "Clears pending bits."),
    _word("MASK_W1S", 0x1180, _WO, Keep.ACT, "Sets mask bits."),
    _word("MASK_W1C", 0x1200, _WO, Keep.ACT, "Clears mask bits."),
    _word("PENDING_W1S", 0x1280, _WO, Keep.ACT, "Sets pending bits, to restore them.", right="V"),
    _several("ARG", 0x1300, 3, _RW, "Arguments of a command."),
    _register("CMD", 0x130C, _WO, Keep.ACT, "EVT-20", "Runs a command.",
              Field("command", 0, 32,
                    values={c.value: c.name.lower() for c in Command if c.built})),
    _register("RESULT", 0x1310, _RO, Keep.EVENT, "EVT-20", "How the command ended.",
              Field("value", 0, 32, text="0 or a negative error number")),
    _several("OUT", 0x1314, 2, _RO, "Results of a command."),
    _register("BUSY", 0x131C, _RO, Keep.CONSTANT, "EVT-21", "A command runs; 0 always.",
              Field("busy", 0)),
    _register("SEND", 0x1320, _WO, Keep.ACT, "EVT-20", "Sends on a port.", _PORT),
    _register("UNMASK", 0x1324, _WO, Keep.ACT, "EVT-11", "Unmasks a port, re-raises.", _PORT),
    _register("PIRQ_EOI", 0x1328, _WO, Keep.ACT, "EVT-40", "Ends a physical interrupt.",
              Field("n", 0, 32, text="Its number")),
    _register("FASTRES", 0x132C, _RO, Keep.EVENT, "EVT-02", "How the last fast operation ended.",
              Field("value", 0, 32, text="A result, or a negative error number")),
    _register("CLAIM", 0x1330, _WO, Keep.ACT, "EVT-14", "Takes one pending bit.", _PORT),
    _register("RAISE_VIRQ", 0x1340, _WO, Keep.ACT, "EVT-23", "Raises a virtual interrupt.",
              Field("virq", 0, 8), Field("k", 8, 8), right="V", built=False),
)
