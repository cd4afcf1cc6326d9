"""Sizes that random traffic runs on, in tests and when it is timed."""

from vapic.config import Config
from vapic.policy import POLICIES

__all__ = ["CONFIGS"]

_ALL = tuple(POLICIES)
#: Few vCPUs that meet often, the smallest of everything, and more vCPUs than lanes.
CONFIGS = {
    "small": Config(rtes=4, irts=4, vcpus=4, lanes=4, domains=3, ports=64,
                    policies=_ALL),
    "one": Config(rtes=2, irts=0, vcpus=1, lanes=1, domains=2, ports=32, vectors=32,
                  policies=("lowpri",)),
    "wide": Config(rtes=5, irts=3, vcpus=12, lanes=6, domains=3, ports=96, vectors=128,
                   policies=_ALL),
}
