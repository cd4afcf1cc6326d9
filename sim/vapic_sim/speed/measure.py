"""All rows in one run, as one report."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from vapic.progress import Progress

from ..engine import BuildError, Unsupported
from .builds import measure_build, measure_cached
from .candidates import measure_candidates
from .free_run import VCPUS, measure_free_run
from .native import measure_native
from .rows import ROWS, Missing, Result, Say
from .surroundings import commit, flags, machine, tools
from .traffic import measure_traffic
from .whole_run import measure_run

__all__ = ["measure"]


def measure(names: Collection[str], *, quick: bool, trace: Path | None, candidates: bool,
            progress: Progress) -> dict[str, Any]:
    """Measure rows one after the other.

    Parameters
    ----------
    names : collection of str
        Those to be measured.
    quick : bool
        Shorter and less precise.
    trace : Path or None
        What ``run`` is measured on.
    candidates : bool
        Whether to measure what else there is, too.
    progress : Progress
        Is told what is being done.

    Returns
    -------
    dict
        What ``vapic bench engine --json`` prints.

    Raises
    ------
    Disagreement
        If two simulations of the same end in different states.
    """
    # What the measurement itself does is no load.
    where = machine()
    ways: dict[str, Callable[[bool, Say], Result]] = {
        "free_run": measure_free_run, "bench": measure_traffic, "native": measure_native,
        "build": measure_build, "cached": measure_cached, "run": partial(measure_run, trace)}
    results = {}
    for row in ROWS:
        if row.name in names:
            results[row.name] = _measure(ways[row.name], quick, _under(row.name, progress))
    values = {row.key: results[row.name].value if row.name in results else None for row in ROWS}
    return values | {
        "targets": {row.key: row.target for row in ROWS},
        "reached": {row.key: row.reached(values[row.key]) for row in ROWS},
        "notes": {name: result.note for name, result in results.items()},
        "raw": {name: result.raw for name, result in results.items()},
        "candidates": (measure_candidates(quick, _under("candidates", progress))
                       if candidates else None),
        "vcpus": VCPUS, "quick": quick, "date": datetime.now(UTC).date().isoformat(),
        "machine": where, "tools": tools(), "flags": flags(), "commit": commit()}


def _under(heading: str, progress: Progress) -> Say:
    return lambda text: progress.stage(f"{heading}: {text}")


def _measure(way: Callable[[bool, Say], Result], quick: bool, say: Say) -> Result:
    say("starting")
    try:
        return way(quick, say)
    except (Missing, BuildError, Unsupported) as error:
        return Result(None, f"not measured: {error}")
