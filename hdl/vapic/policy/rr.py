"""RR: one after the other."""

from .base import TargetPolicy

__all__ = ["RoundRobin"]


class RoundRobin(TargetPolicy):
    """Pure rotation: all keys are equal, so that RRPTR decides, whatever LPCFG[3] says."""

    key_bits = 1
    always_rotates = True
    because = "takes the first from RRPTR on"
