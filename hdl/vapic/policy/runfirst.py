"""RUNFIRST: running vCPUs before blocked ones before those that wait for a processor."""

from amaranth import Cat, Const, Mux

from ..numbers import SchedState
from .base import TargetPolicy

__all__ = ["RunFirst"]


class RunFirst(TargetPolicy):
    """Least rank of the scheduling state, then place in the run queue, then load (SEL-15).

    The ranks are register SCHEDRANK's, two bits a state. The place, RQPOS, counts for those alone
    that wait in the queue.
    """

    key_bits = 18
    lane, settings = ("rqpos", "load"), ("schedrank",)
    because = ("takes the best rank (running, blocked, runnable), then the first in the run queue, "
               "then the least load, of equals the first from RRPTR on")

    def metrics(self, settings):
        return {"load": 1}

    def key(self, lane, settings):
        place = Mux(lane.sched == SchedState.RUNNABLE, lane.rqpos, 0)
        return Cat(Const(0, 8), place, settings.schedrank.word_select(lane.sched, 2))

    def offer(self, sched, load, depth):
        return f"{sched.name.lower()}, load {load}"
