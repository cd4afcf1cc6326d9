"""The figures of a run, and what a policy changed, in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..run.job import Job
from ..run.outcome import Outcome
from ..traces.trace import Trace

__all__ = ["Figures", "Setup", "duration", "figures_of", "in_words", "microseconds", "percentile",
           "plain"]

_Number = TypeVar("_Number", int, float)


def percentile(ascending: Sequence[_Number], percent: float) -> _Number | None:
    """Nearest-rank percentile of values in ascending order; None if there are none."""
    if not ascending:
        return None
    return ascending[max(0, math.ceil(percent / 100 * len(ascending)) - 1)]


@dataclass(frozen=True)
class Setup:
    """What was run.

    Parameters
    ----------
    trace : Trace
        The part that was simulated, as recorded.
    recorded : int
        Arrivals in the whole recording.
    job : Job
        One of the jobs; they differ in the policy alone.
    load : float
        Factor that compressed time.
    engine : str
        ``compiled`` or ``python``: what the controller was simulated with.
    """

    trace: Trace
    recorded: int
    job: Job
    load: float = 1.0
    engine: str = "python"


@dataclass(frozen=True)
class Figures:
    """One row of the table. Latencies are in microseconds, None without a delivery."""

    policy: str
    arrivals: int
    delivered: int
    merged: int
    pending: int
    lost: int
    latency_mean: float | None
    latency_p50: float | None
    latency_p99: float | None
    latency_max: float | None
    controller_p50: int | None
    controller_p99: int | None
    controller_max: int | None
    share: tuple[float, ...]
    jain: float
    wakeups: float | None
    wakes: int
    guest_events: int
    ticks: int
    skipped: int


def figures_of(outcome: Outcome) -> Figures:
    """Figures of one run."""
    latency, cycles, delivered = outcome.latency, outcome.controller, outcome.delivered
    return Figures(
        policy=outcome.policy, arrivals=outcome.arrivals, delivered=delivered,
        merged=outcome.merged, pending=outcome.pending, lost=outcome.lost,
        latency_mean=sum(latency) / len(latency) if latency else None,
        latency_p50=percentile(latency, 50), latency_p99=percentile(latency, 99),
        latency_max=percentile(latency, 100),
        controller_p50=percentile(cycles, 50), controller_p99=percentile(cycles, 99),
        controller_max=percentile(cycles, 100),
        share=tuple(outcome.share), jain=outcome.jain,
        wakeups=outcome.raised / delivered if delivered else None, wakes=outcome.wakes,
        guest_events=outcome.guest_events, ticks=outcome.ticks, skipped=outcome.skipped)


def microseconds(value: float | None) -> str:
    """A time as a table shows it: three digits that matter."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def plain(value: float) -> str:
    """A number as a person writes it: three digits that matter, or all before the point."""
    if not value or abs(value) >= 99.95:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float) -> str:
    """A time as a person writes it: ``20.8 ms``, ``3.92 s``, ``2 h 5 min``."""
    if seconds < 119.5:
        for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
            if seconds * factor >= (0.00995 if unit == "ms" else 0.9995) or not seconds:
                return f"{plain(seconds * factor)} {unit if seconds else 'ms'}"
        return f"{plain(seconds * 1e9)} ns"
    whole = round(seconds)
    for large, small, size, part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60),
                                     ("min", "s", 60, 1)):
        if whole >= 2 * size or small == "s":
            rest = whole % size // part
            return f"{whole // size:,} {large}" + (f" {rest} {small}" if rest else "")
    raise AssertionError("the last unit takes any time")


def in_words(row: Figures, static: Figures | None) -> str:
    """What changed against the recorded binding; or, for that one, what it is."""
    if row.lost:
        noun = "interrupt" if abs(row.lost) == 1 else "interrupts"
        return f"{abs(row.lost)} {noun} {'lost' if row.lost > 0 else 'delivered twice'}"
    if row.latency_mean is None:
        return "nothing was delivered"
    if static is None or static.latency_mean is None:
        return f"mean wait for a handler {microseconds(row.latency_mean)} us"
    if row is static:
        return ("as recorded: each source bound to one vCPU, whether it runs or not; mean wait "
                f"{microseconds(row.latency_mean)} us")
    parts = [_times("mean wait", row.latency_mean, static.latency_mean),
             _times("p99", row.latency_p99 or 0, static.latency_p99 or 0)]
    if row.merged != static.merged:
        fewer = static.merged - row.merged
        parts.append(f"{abs(fewer)} {'fewer' if fewer > 0 else 'more'} merged")
    busiest = max(row.share), max(static.share)
    if abs(busiest[0] - busiest[1]) >= 0.01:
        parts.append(f"the busiest vCPU handles {busiest[0]:.0%} instead of {busiest[1]:.0%}")
    return ", ".join(parts)


def _times(name: str, new: float, old: float) -> str:
    if new == old:
        return f"{name} the same"
    if min(new, old) <= 0:
        return f"{name} {microseconds(new)} instead of {microseconds(old)} us"
    ratio = max(new, old) / min(new, old)
    if ratio < 1.05:
        return f"{name} about the same"
    return (f"{name} {ratio:.{0 if ratio >= 9.95 else 1}f} times "
            f"{'shorter' if new < old else 'longer'}")
