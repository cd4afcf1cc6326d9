"""The policies of target selection, a file for each, and the list of them.

Who adds one writes its file and its line here; what else depends on it is read from `POLICIES`:
decoder, key width, rounds, lane row, trace, the choices of commands, and explanations.
"""

from .base import Result, TargetPolicy, Terms, Verdict
from .least import Least
from .lowpri import LowPri
from .pull import Pull
from .rr import RoundRobin
from .runfirst import RunFirst
from .sticky import Sticky

__all__ = ["POLICIES", "Result", "TargetPolicy", "Terms", "Verdict", "built", "falls_back"]

#: Every policy there is, by name, in the order of their numbers.
POLICIES: dict[str, TargetPolicy] = {
    policy.name: policy
    for policy in (LowPri(), RoundRobin(), Least(), RunFirst(), Sticky(), Pull())}


def built(config) -> tuple[TargetPolicy, ...]:
    """The policies that ``config.policies`` names, in the order of their numbers."""
    return tuple(policy for name, policy in POLICIES.items() if name in config.policies)


def falls_back(config) -> bool:
    """Whether a policy built has a hint and a fallback."""
    return any(policy.falls_back for policy in built(config))
