"""Numbers to which the specification gives a name and which stand below every record."""

from amaranth.lib import enum

__all__ = ["SchedState"]


class SchedState(enum.Enum, shape=2):
    """Scheduling state of a vCPU (LAPIC-64, Xen RUNSTATE encoding)."""

    RUNNING = 0
    RUNNABLE = 1
    BLOCKED = 2
    OFFLINE = 3
