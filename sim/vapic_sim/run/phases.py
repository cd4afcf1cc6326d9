"""Who shares which physical CPU, and how the slices of the CPUs lie to each other."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["PHASES", "Rotation", "rotations"]

#: The laws, in words.
PHASES = {
    "random": "every CPU rotates from a random place through a random order",
    "staggered": "CPUs are shifted against each other so that driver vCPUs run at different times",
    "gang": "driver vCPUs run at the same times, and the guests when none of them does",
    "recorded": "a vCPU runs when the CPU in the trace was busy, and is blocked otherwise",
}


@dataclass(frozen=True)
class Rotation:
    """Slices of one physical CPU.

    Parameters
    ----------
    queue : tuple of int
        vCPUs v in the order of their slices.
    offset : float
        Where the rotation begins, in slices.
    """

    queue: tuple[int, ...]
    offset: float


def rotations(phase: str, *, drivers: Sequence[int], guests: Sequence[int], pcpus: int,
              rng: random.Random) -> list[Rotation]:
    """Distribute vCPUs over physical CPUs.

    Driver vCPU number i is pinned to CPU ``i % pcpus``; guests fill up from the last CPU. All of
    them always have other work, so each gets one slice in as many as its CPU has vCPUs.

    Parameters
    ----------
    phase : str
        ``random``, ``staggered`` or ``gang``.
    drivers, guests : sequences of int
        vCPUs v.
    pcpus : int
        Physical CPUs.
    rng : random.Random
        For ``random``.
    """
    own = [[v for i, v in enumerate(drivers) if i % pcpus == p] for p in range(pcpus)]
    queues: list[list[int]] = [list(queue) for queue in own]
    for guest in guests:
        shortest = min(reversed(range(pcpus)), key=lambda p: len(queues[p]))
        queues[shortest].append(guest)
    result = []
    for p, queue in enumerate(queues):
        offset = 0.0
        if phase == "random":
            rng.shuffle(queue)
            offset = rng.random() * len(queue)
        elif phase == "staggered":
            offset = len(queue) * p / pcpus
        result.append(Rotation(tuple(queue), offset))
    return result
