"""What a policy is: how it orders the vCPUs that may have a request."""

from enum import IntEnum
from typing import Any, ClassVar, NamedTuple

from amaranth import Const
from amaranth.hdl import ValueLike

from ..numbers import SchedState

__all__ = ["Result", "TargetPolicy", "Terms", "Verdict"]


class Result(NamedTuple):
    """What a round of the tournament found, as values of the hardware.

    Parameters
    ----------
    found : 1 bit
        Somebody took part.
    k : lane number
        Who has the smallest key; of equals, who comes first by the tie rule (SEL-11).
    key : key
        That key.
    """

    found: Any
    k: Any
    key: Any


class Terms(NamedTuple):
    """What a verdict may rest on besides the rounds.

    Parameters
    ----------
    settings : view of ``Layouts.globals``
        As of the start of the selection.
    hint : Result or None
        The lane of the request's hint, found if it is eligible, with its own key of the policy
        that falls back; only if one is built.
    near : 1 bit
        No lane that plays the first round has such a key that is smaller than the hint's by more
        than the request's slack.
    """

    settings: Any
    hint: Result | None
    near: Any


class Verdict(NamedTuple):
    """Whom a policy names after its rounds.

    Parameters
    ----------
    named : 1 bit
        Somebody is to have the request; else it waits where it is.
    k, key : lane number, key
        Who, and the key that the trace record shows.
    own : 1 bit
        The policy named it itself. Else its fallback did, whose rules for ties and rotation hold,
        and the request learns the winner if it says so.
    """

    named: Any
    k: Any
    key: Any
    own: Any = Const(1, 1)


class TargetPolicy:
    """One policy of spec 4.2. Its functions describe hardware: they are called at elaboration.

    Parameters
    ----------
    number : Policy
        Its number in REQX and POLICY.

    Attributes
    ----------
    key_bits : int
        Width of its key, at least 8 if it has metrics.
    lane : tuple of str
        What it reads of a lane besides ``sched``: names of `Layouts.lane`, among them its
        registers of vCPUs (``policy=`` in `vapic.regs.vcpu`), or ``load`` (SEL-10).
    settings : tuple of str
        What it reads of `Layouts.globals`.
    rounds : int
        Rounds of the tournament that it plays, 1 or 2; they run one cycle apart.
    always_rotates : bool
        Ties go by rotation and a grant moves RRPTR whatever LPCFG[3] says (SEL-11).
    falls_back : bool
        The policy of POLICY[7:4] plays its rounds, by its own key; one of two rounds counts as
        LOWPRI there. Its own key, of 8 bits, is compared with that of the request's hint alone, in
        all lanes at once beside the rounds. One policy at most may fall back.
    rests_on_load : bool
        The winner is lost if its load grew before the commit (SEL-20).
    because : str
        How it chooses, for explanations: the rest of a sentence that begins with its name.
    """

    key_bits: ClassVar[int] = 8
    lane: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()
    rounds: ClassVar[int] = 1
    always_rotates: ClassVar[bool] = False
    falls_back: ClassVar[bool] = False
    rests_on_load: ClassVar[bool] = False
    because: ClassVar[str]

    def __init__(self, number: IntEnum):
        self.number = number

    @property
    def name(self) -> str:
        """Its name in configurations and commands."""
        return self.number.name.lower()

    def metrics(self, settings) -> dict[str, ValueLike]:
        """What the low 8 bits of its key are; the smallest key wins.

        By name of `lane`, of 8 bits each, when they are that: one at most at a time. A metric takes
        no gate in any lane, as one that is not used is held at 0 where it was read.

        Parameters
        ----------
        settings : view of ``Layouts.globals``
            As of the start of the selection.
        """
        return {}

    def key(self, lane, settings) -> ValueLike:
        """What a lane's key is besides its metric, and 0 where the metric stands.

        Parameters
        ----------
        lane : view
            ``sched`` and what the policy names in `lane`.
        settings : view of ``Layouts.globals``
            As of the start of the selection.
        """
        return Const(0, 1)

    def plays(self, lane) -> tuple[ValueLike, ...]:
        """For each round, whether an eligible lane takes part in it."""
        return (Const(1, 1),) * self.rounds

    def verdict(self, first: Result, second: Result, terms: Terms) -> Verdict:
        """Whom the results of two rounds name. A policy of one round names who won it."""
        raise NotImplementedError(f"{self.name} plays two rounds and names nobody")

    def offer(self, sched: SchedState, load: int, depth: int) -> str:
        """What an eligible vCPU that was not chosen had to offer, in words, known from outside.

        Parameters
        ----------
        sched, load : SchedState, int
            Its state.
        depth : int
            Register PULL.
        """
        return f"key {load}" if "load" in self.lane else ""
