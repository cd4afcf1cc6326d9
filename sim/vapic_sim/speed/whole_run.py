"""How long `vapic run` takes on a whole trace, from the start of the program to its end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from ..traces.load import DEFAULT
from .rows import Missing, Result, Say

__all__ = ["measure_run"]

_VAPIC = "import sys; from vapic.cli import main; sys.exit(main())"
#: Seconds after which it is not waited for any longer.
_PATIENCE = 180


def measure_run(trace: Path | None, quick: bool, say: Say) -> Result:
    """Measure a whole trace, or the one in the package, under the policies that `run` has.

    Raises
    ------
    Missing
        If it fails or takes too long.
    """
    name = DEFAULT if trace is None else trace.name
    say("building, if there is no design in the cache yet")
    _vapic_run(trace, "1")
    times, result = [], {}
    for i in range(count := 1 if quick else 2):
        say(f"vapic run {name}, {i + 1} of {count}")
        start = perf_counter()
        result = _vapic_run(trace, "end")
        times.append(perf_counter() - start)
    policies = [row["policy"] for row in result["policies"]]
    origin = "" if trace else ", the recording in the package, as no other was given"
    return Result(
        min(times), f"`vapic run {name} --until end`{origin}: {result['trace']['arrivals']:,} "
        f"interrupts under {', '.join(policies)}; the whole program, with the design in the cache; "
        f"{'one time' if count == 1 else f'the best of {count} times'}",
        {"trace": name, "given": trace is not None, "seconds": times,
         "engine": result["machine"]["engine"], "arrivals": result["trace"]["arrivals"],
         "policies": result["policies"]})


def _vapic_run(trace: Path | None, until: str) -> dict:
    command = [sys.executable, "-c", _VAPIC, "run", *([str(trace)] if trace else []),
               "--until", until, "--json"]
    environment = {name: value for name, value in os.environ.items() if name != "VAPIC_ENGINE"}
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            output, errors = process.communicate(timeout=_PATIENCE)
        except BaseException as error:
            # As Ctrl-C does: it ends its own processes then.
            process.send_signal(signal.SIGINT)
            if isinstance(error, subprocess.TimeoutExpired):
                raise Missing(f"vapic run --until {until} was stopped after "
                              f"{_PATIENCE} s") from None
            raise
    if process.returncode:
        raise Missing(f"vapic run failed: {(errors.strip() or '?').splitlines()[-1]}")
    return json.loads(output)
