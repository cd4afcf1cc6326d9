"""Operations on ports as a table (EVT-20, EVT-14, EVT-40): operands, checks in order, step."""

from dataclasses import dataclass, field
from enum import Enum

from ..regs.events import Errno
from .decode import Op

__all__ = ["OPERATIONS", "Operand", "Operation", "Then"]


class Operand(Enum):
    """Where a command has an operand; a fast register has its only one in the word written."""

    NONE = 0
    ARG0 = 1
    ARG1 = 2


class Then(Enum):
    """Where an operation goes when all checks are passed."""

    #: To its step, at the lane and PIRQ of the port here.
    STEP = 0
    #: To its step, at the lane of the port here or of its peer (SEND).
    NOTIFY = 1
    #: To the lane whose work ends (PIRQ_EOI).
    END = 2
    #: To the lowest free port, then to its step there.
    ALLOCATE = 3
    #: Nothing more to do.
    ANSWER = 4


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes
    ----------
    checks : tuple of (str, Errno)
        What must be true, by the name of a check in command.py, and the error if it is not; the
        first that fails is the result.
    then : Then
        What follows.
    step : dict
        Fields of `STEP` that are set.
    number, lane : Operand
        Where a command names the port or PIRQ, and the lane.
    domain : bool
        ARG0 names a domain.
    """

    checks: tuple[tuple[str, Errno], ...]
    then: Then = Then.ANSWER
    step: dict[str, int] = field(default_factory=dict)
    number: Operand = Operand.ARG0
    lane: Operand = Operand.NONE
    domain: bool = False


_PORT = ("port_exists", Errno.EINVAL)
_USED = ("port_used", Errno.EINVAL)
_PIRQ = (("pirq_exists", Errno.EINVAL), ("pirq_owned", Errno.EPERM))
_DOMAIN = ("domain_exists", Errno.ESRCH)
_RIGHT = ("domain_allowed", Errno.EPERM)
_LANE = ("lane_named", Errno.ENOENT)

OPERATIONS: dict[Op, Operation] = {
    Op.UNKNOWN: Operation((("known", Errno.ENOSYS),)),
    Op.SEND: Operation((_PORT, ("port_sends", Errno.EINVAL)), Then.NOTIFY, {"notify": 1}),
    Op.UNMASK: Operation((_PORT,), Then.STEP, {"mask": 1, "reraise": 1}),
    # With CTRL.auto_unmask it is the step of UNMASK, too.
    Op.PIRQ_EOI: Operation(_PIRQ, Then.END, {"end": 1}),
    Op.CLAIM: Operation((_PORT, _USED), Then.STEP, {"put": 1, "autoeoi": 1}),
    Op.CLOSE: Operation((_PORT, _USED), Then.STEP, {"put": 1, "end": 1, "close": 1}),
    Op.STATUS: Operation((_RIGHT, _DOMAIN, _PORT), number=Operand.ARG1, domain=True),
    Op.ALLOC_UNBOUND: Operation(
        (_RIGHT, _DOMAIN, ("remote_exists", Errno.ESRCH)), Then.ALLOCATE,
        {"put": 1, "alloc": 1}, domain=True),
    Op.BIND_INTERDOMAIN: Operation(
        (_DOMAIN, _PORT, ("port_offered", Errno.EINVAL)), Then.ALLOCATE,
        {"notify": 1, "alloc": 1}, number=Operand.ARG1, domain=True),
    Op.BIND_PIRQ_VCPU: Operation(
        (*_PIRQ, _LANE, ("unbound", Errno.EEXIST)), Then.ALLOCATE,
        {"put": 1, "alloc": 1}, lane=Operand.ARG1),
    Op.BIND_IPI: Operation((_LANE,), Then.ALLOCATE, {"put": 1, "alloc": 1}, lane=Operand.ARG0),
}
