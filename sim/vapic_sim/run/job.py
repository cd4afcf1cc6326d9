"""What one run depends on, and the controller that it needs."""

from dataclasses import dataclass

from vapic import policy
from vapic.config import Config
from vapic.policy import Policy

from ..traces.trace import Trace

__all__ = ["POLICIES", "Job", "JobError", "plan"]

#: What a run can be asked for, by name: no dynamic choice at all, or a policy.
POLICIES = {"static": Policy.STATIC} | {name: one.number for name, one in policy.POLICIES.items()}
#: Pins at most; further sources are entries of the MSI table.
_PINS = 24


class JobError(ValueError):
    """A job for which there is no controller."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that one run depends on.

    Parameters
    ----------
    trace : Trace
        Its arrivals, already cut and compressed.
    policy : str
        A key of `POLICIES`.
    vcpus, pcpus, guests : int
        vCPUs of the driver domain, physical CPUs, guest domains of one vCPU each.
    clock_hz : float
        Of the controller.
    slice_us : float
        Time slice.
    phase : str
        A key of `vapic_sim.run.phases.PHASES`.
    seed : int
        Of random phases.
    skip : bool
        Whether idle time is skipped.
    """

    trace: Trace
    policy: str
    vcpus: int = 4
    pcpus: int = 2
    guests: int = 2
    clock_hz: float = 100e6
    slice_us: float = 1000.0
    phase: str = "random"
    seed: int = 1
    skip: bool = True


def plan(job: Job) -> Config:
    """Size of the controller for a job.

    Raises
    ------
    JobError
        If there is no such controller; the message says which number is too big.
    """
    sources = len(job.trace.sources)
    ports = 1 + sources * (job.vcpus + 1)
    if ports > 1024:
        raise JobError(f"{sources} sources for {job.vcpus} vCPUs need {ports} event-channel "
                       "ports, a domain has 1024; use fewer --vcpus")
    usual = Config().policies
    built = usual if job.policy in ("static", *usual) else tuple(policy.POLICIES)
    try:
        return Config(
            rtes=min(sources, _PINS), irts=max(0, sources - _PINS), vcpus=job.vcpus + job.guests,
            lanes=job.vcpus, domains=max(2, 1 + job.guests), ports=-(-ports // 32) * 32,
            policies=built)
    except ValueError as error:
        raise JobError(f"no controller of this size: {error}") from None
