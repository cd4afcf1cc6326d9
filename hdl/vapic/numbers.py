"""Numbers to which the specification gives a name and which stand below every record."""

from amaranth.lib import enum

__all__ = ["Policy", "SchedState"]


class SchedState(enum.Enum, shape=2):
    """Scheduling state of a vCPU (LAPIC-64, Xen RUNSTATE encoding)."""

    RUNNING = 0
    RUNNABLE = 1
    BLOCKED = 2
    OFFLINE = 3


class Policy(enum.IntEnum, shape=5):
    """Target-selection policy (spec 4.2); STATIC only appears in trace records."""

    LOWPRI = 0
    RR = 1
    LEAST = 2
    RUNFIRST = 3
    STICKY = 4
    WEIGHTED = 5
    PULL = 6
    SED = 7
    STATIC = 16
