"""LOWPRI: the vCPU that does the least urgent work."""

from .base import TargetPolicy

__all__ = ["LowPri"]


class LowPri(TargetPolicy):
    """Least processor priority, by the metric of LPCFG[1:0]; also for numbers not built (ERR-07).

    The focus rule (SEL-12) is not built.
    """

    lane, settings = ("tpr", "ppr", "apr"), ("lpcfg",)
    because = "takes the least processor priority (PPR), of equals the first from RRPTR on"

    def metrics(self, settings):
        ppr, apr = settings.lpcfg[:2]
        return {"tpr": ~apr & ~ppr, "ppr": ~apr & ppr, "apr": apr}
