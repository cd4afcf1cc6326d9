"""STICKY: the vCPU that had the request before, whose caches are warm."""

from amaranth import Mux

from ...numbers import Policy
from .base import TargetPolicy, Verdict

__all__ = ["Sticky"]


class Sticky(TargetPolicy):
    """The request's hint, unless it is much more loaded than the least loaded vCPU (SEL-13).

    The first round finds the least load, the second one whom the fallback would take. With
    ``learn`` the winner of the fallback becomes the hint.
    """

    number = Policy.STICKY
    lane, settings = ("load",), ("policy_fallback",)
    rounds = 2
    falls_back = True
    because = ("takes the vCPU of the hint if its load is within the slack of the least load, else "
               "whom the fallback policy takes")

    def key(self, lane, settings):
        return lane.load

    def verdict(self, first, second, terms):
        hint = terms.hint
        warm = hint.found & (hint.key <= first.key + terms.slack)
        return Verdict(first.found, Mux(warm, hint.k, second.k), Mux(warm, hint.key, second.key),
                       own=warm)
