"""PULL: a request waits at its source until a vCPU can begin it."""

from amaranth import Mux

from ..numbers import SchedState
from .base import TargetPolicy, Verdict

__all__ = ["Pull"]


class Pull(TargetPolicy):
    """A running vCPU with room, else a blocked one that is woken for it (SEL-16).

    The running play the first round and the blocked the second. As the least loaded of each wins
    its round, somebody has room exactly if the winner has. A blocked one is woken only if none of
    the eligible runs, or if PULL.wake says so.
    """

    lane, settings = ("load",), ("pull_depth", "pull_wake")
    rounds = 2
    rests_on_load = True
    because = ("takes a running vCPU with room, that is with nothing to do, of equals the first "
               "from RRPTR on, or wakes a blocked one if none of the eligible runs")

    def metrics(self, settings):
        return {"load": 1}

    def plays(self, lane):
        return lane.sched == SchedState.RUNNING, lane.sched == SchedState.BLOCKED

    def verdict(self, first, second, terms):
        running, blocked, settings = first, second, terms.settings

        def has_room(result):
            return result.found & (result.key < settings.pull_depth)

        start = has_room(running)
        wake = has_room(blocked) & (settings.pull_wake | ~running.found)
        return Verdict(start | wake, Mux(start, running.k, blocked.k),
                       Mux(start, running.key, blocked.key))

    def offer(self, sched, load, depth):
        if sched != SchedState.RUNNING:
            return f"no room (not running), key {load}"
        return f"{'has room' if load < depth else 'no room (has work)'}, key {load}"
