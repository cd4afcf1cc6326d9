"""What came of one run, in numbers."""

from dataclasses import dataclass, field

from .ledger import Ledger

__all__ = ["Outcome", "jain"]


@dataclass
class Outcome:
    """What came of one run.

    Parameters
    ----------
    policy : str
        Of the run.
    arrivals, delivered, merged, pending : int
        Interrupts that came; handlers started; merged into one still waiting, by the
        controller's own count; still waiting at the end, by its status registers.
    latency : list of float
        Line to handler in microseconds, ascending, of each delivered or merged and served.
    controller : list of int
        Line to pending port in cycles, ascending, of those that a vCPU could take at once.
    share : list of float
        Of the delivered, for each driver vCPU.
    jain : float
        Of handler time in proportion to run time.
    raised, wakes : int
        Driver vCPUs called up; of those, blocked ones woken.
    guest_events : int
        Events the guests consumed.
    ticks, skipped : int
        Cycles clocked and skipped.
    ledger : Ledger
        The details, as long as the process lives.
    """

    policy: str
    arrivals: int
    delivered: int
    merged: int
    pending: int
    latency: list[float]
    controller: list[int]
    share: list[float]
    jain: float
    raised: int
    wakes: int
    guest_events: int
    ticks: int
    skipped: int
    ledger: Ledger = field(repr=False)

    @property
    def lost(self) -> int:
        """Interrupts that nobody knows of any more; negative: delivered twice."""
        return self.arrivals - self.delivered - self.merged - self.pending


def jain(values: list[float]) -> float:
    """Jain's fairness index: 1 if all are equal, 1/n if one has everything."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0
