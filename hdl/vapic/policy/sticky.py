"""STICKY: the vCPU that had the request before, whose caches are warm."""

from amaranth import Mux

from .base import TargetPolicy, Verdict

__all__ = ["Sticky"]


class Sticky(TargetPolicy):
    """The request's hint, unless it is much more loaded than the least loaded vCPU (SEL-13).

    The rounds find whom the fallback would take, while every load is compared with the hint's:
    the least is within the slack if all are. With ``learn`` the winner of the fallback becomes the
    hint.
    """

    lane, settings = ("load",), ("policy_fallback",)
    rounds = 2
    falls_back = True
    because = ("takes the vCPU of the hint if its load is within the slack of the least load, else "
               "whom the fallback policy takes")

    def metrics(self, settings):
        return {"load": 1}

    def verdict(self, first, second, terms):
        hint = terms.hint
        warm = hint.found & terms.near
        return Verdict(second.found, Mux(warm, hint.k, second.k), Mux(warm, hint.key, second.key),
                       own=warm)
