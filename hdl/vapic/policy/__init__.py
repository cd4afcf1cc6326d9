"""The policies of target selection, a file for each, and the list of them.

Who adds one writes its file and its line here; what else depends on it is read from `POLICIES`:
decoder, key width, rounds, lane row, trace, the choices of commands, and explanations.
"""

from amaranth.lib import enum

from .base import Result, TargetPolicy, Terms, Verdict
from .least import Least
from .lowpri import LowPri
from .pull import Pull
from .rr import RoundRobin
from .runfirst import RunFirst
from .sticky import Sticky

__all__ = [
    "POLICIES", "Policy", "Result", "TargetPolicy", "Terms", "Verdict", "built", "falls_back",
    "key_bits",
]


class Policy(enum.IntEnum, shape=5):
    """Target-selection policy (spec 4.2), built or not; STATIC only appears in trace records."""

    LOWPRI = 0
    RR = 1
    LEAST = 2
    RUNFIRST = 3
    STICKY = 4
    WEIGHTED = 5
    PULL = 6
    SED = 7
    STATIC = 16


#: Every policy there is, by name, in the order of their numbers.
POLICIES: dict[str, TargetPolicy] = {policy.name: policy for policy in (
    LowPri(Policy.LOWPRI), RoundRobin(Policy.RR), Least(Policy.LEAST), RunFirst(Policy.RUNFIRST),
    Sticky(Policy.STICKY), Pull(Policy.PULL))}


def built(config) -> tuple[TargetPolicy, ...]:
    """The policies that ``config.policies`` names, in the order of their numbers."""
    return tuple(policy for name, policy in POLICIES.items() if name in config.policies)


def falls_back(config) -> bool:
    """Whether a policy built has a hint and a fallback."""
    return any(policy.falls_back for policy in built(config))


def key_bits(config) -> int:
    """Width of the widest key of the policies built."""
    return max(policy.key_bits for policy in built(config))
