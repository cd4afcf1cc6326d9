"""How long the first build of a design takes, and how long it takes to have it again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .rows import Missing, Result, Say

__all__ = ["measure_build", "measure_cached"]


def _start(cache: str) -> dict[str, Any]:
    """Simulate one cycle of the controller in a fresh process."""
    environment = {name: value for name, value in os.environ.items() if name != "VAPIC_ENGINE"}
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.start"], env=environment | {"VAPIC_CACHE": cache},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout)


def measure_build(quick: bool, say: Say) -> Result:
    """Measure the first build, each time with an empty cache in a fresh process."""
    runs, size = [], 0
    for i in range(times := 1 if quick else 2):
        say(f"building from nothing, {i + 1} of {times}")
        with TemporaryDirectory(prefix="vapic-") as cache:
            runs.append(_start(cache))
            size = sum(path.stat().st_size for path in Path(cache).rglob("*.so"))
    best = min(run["simulator_s"] for run in runs)
    return Result(
        best, f"from the call of `Simulator` until it can be used, with an empty cache and in a "
        f"fresh process; {_best(times)}", {"runs": runs, "library_bytes": size})


def measure_cached(quick: bool, say: Say) -> Result:
    """Measure a start with what another process has built."""
    times = 2 if quick else 5
    with TemporaryDirectory(prefix="vapic-") as cache:
        say("building")
        _start(cache)
        runs = []
        for i in range(times):
            say(f"starting from the cache, {i + 1} of {times}")
            runs.append(_start(cache))
    best = min(runs, key=lambda run: run["total_s"])
    return Result(
        best["total_s"], f"from before elaboration until the first cycle has run, in a fresh "
        f"process; {_best(times)}; of it {best['elaborate_s']:.2g} s to make the controller, "
        f"{best['simulator_s']:.2g} s for `Simulator`; before it, importing the modules took "
        f"{best['import_s']:.2g} s", {"runs": runs})


def _best(times: int) -> str:
    return "one time" if times == 1 else f"the best of {times} times"
