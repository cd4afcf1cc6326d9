"""LOWPRI: the vCPU that does the least urgent work."""

from amaranth import Mux

from .base import TargetPolicy

__all__ = ["LowPri"]


class LowPri(TargetPolicy):
    """Least processor priority, by the metric of LPCFG[1:0]; also for numbers not built (ERR-07).

    The focus rule (SEL-12) is not built.
    """

    lane, settings = ("tpr", "ppr", "apr"), ("lpcfg",)
    because = "takes the least processor priority (PPR), of equals the first from RRPTR on"

    def key(self, lane, settings):
        return Mux(settings.lpcfg[1], lane.apr, Mux(settings.lpcfg[0], lane.ppr, lane.tpr))
