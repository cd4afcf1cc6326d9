"""LEAST: the vCPU with the least work."""

from .base import TargetPolicy

__all__ = ["Least"]


class Least(TargetPolicy):
    """Least load: work accepted and not finished (SEL-10)."""

    lane = ("load",)
    because = ("takes the least load (in flight, requested, in service), of equals the first from "
               "RRPTR on")

    def metrics(self, settings):
        return {"load": 1}
