"""The policies of target selection, a file for each, and the list of them.

Who adds one writes its file and its line here; what else depends on it is read from `POLICIES`:
decoder, key width, rounds, lane row, trace, the choices of commands, and explanations.
"""

from .base import Result, TargetPolicy, Verdict
from .least import Least
from .lowpri import LowPri
from .pull import Pull
from .rr import RoundRobin

__all__ = ["POLICIES", "Result", "TargetPolicy", "Verdict", "built"]

#: Every policy there is, by name, in the order of their numbers.
POLICIES: dict[str, TargetPolicy] = {
    policy.name: policy for policy in (LowPri(), RoundRobin(), Least(), Pull())}


def built(config) -> tuple[TargetPolicy, ...]:
    """The policies that ``config.policies`` names, in the order of their numbers."""
    return tuple(policy for name, policy in POLICIES.items() if name in config.policies)
