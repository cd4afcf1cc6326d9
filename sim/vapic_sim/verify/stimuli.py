"""Random values that registers are likely to be given."""

import random

from vapic.policy import POLICIES
from vapic.regs import pack

__all__ = ["Stimuli"]

#: Numbers of policies; those that play more rounds more often.
_POLICIES = [policy.number for policy in POLICIES.values() for _ in range(policy.rounds)]


class Stimuli:
    """Choices of one random traffic.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    seed : int
        Of all choices.
    """

    def __init__(self, config, seed: int):
        self.config, self.rng = config, random.Random(seed)

    def word(self) -> int:
        """Any 32-bit word."""
        return self.rng.getrandbits(32)

    def n(self) -> int:
        """An interrupt source."""
        return self.rng.randrange(self.config.pirqs)

    def v(self) -> int:
        """A vCPU; few, as few vCPUs meet more often than many."""
        return self.rng.randrange(min(self.config.vcpus, 4))

    def port(self) -> int:
        """A port, mostly one of the first."""
        return self.rng.choice((self.rng.randrange(1, 12), self.rng.randrange(self.config.ports)))

    def dom(self) -> int:
        """A domain, mostly 0."""
        return self.rng.choice((0, 0, 0, self.rng.randrange(self.config.domains)))

    def vector(self) -> int:
        """A vector, mostly a legal one, often the same."""
        top = self.config.vectors
        if self.rng.random() < 0.03:
            return self.rng.randrange(256)
        return self.rng.choice((0x11, 0x12, top - 1, top // 2 + 1, self.rng.randrange(16, top)))

    def low(self) -> int:
        """Low word of an entry."""
        rng = self.rng
        mode = rng.choice((0, 0, 1, 1, 1, 1, 1, rng.randrange(8)))
        return pack("RTE_LOW", vector=self.vector(), mode=mode, logical=rng.getrandbits(1),
                    polarity=rng.random() < 0.1, trigger=rng.random() < 0.4,
                    mask=rng.random() < 0.12)

    def high(self) -> int:
        """High word of an entry."""
        return pack("RTE_HIGH", dest=self.rng.choice((
            0xFF, 0xFF, 0xFF, self.rng.randrange(4), self.rng.randrange(1, 16),
            self.rng.getrandbits(8))))

    def reqx(self) -> int:
        """A value of REQX."""
        rng = self.rng
        policy = rng.choice((*_POLICIES, 15, rng.randrange(16)))
        allow = rng.choice((7, 7, 7, rng.randrange(8)))
        return pack("REQX", path=rng.getrandbits(1), ser=rng.getrandbits(1),
                    force_dyn=rng.random() < 0.1, force_static=rng.random() < 0.1,
                    policy=policy, allow=allow,
                    hint_valid=rng.random() < 0.7, hint=rng.randrange(8),
                    learn=rng.getrandbits(1), autoeoi=rng.random() < 0.2,
                    slack=rng.choice((0, 0, 1, 2, 255)))
