"""What the simulation of an interrupt costs: ``vapic run`` here and on another revision, by turns.

    python -m tests.cost TRACE                     against the commit before
    python -m tests.cost --against 868cfae TRACE   against any other

The trace runs whole under one policy, with the machine that ``vapic run`` has without options.
Counted is the processor time of the run alone, without reading, elaboration and compilation, so
what else the machine does matters little. The best of some turns is compared, as a ratio.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .outcomes import _PLACES
from .revisions import ROOT, commit_of, dump_tree, find, unpack

_POLICY = "pull"


def dump(path: Path, trace: str) -> None:
    """Run the trace on the sources imported; write what an interrupt took."""
    race = find(("vapic_sim",), "race")
    load, densest = find(_PLACES, "load").load, find(_PLACES, "trace").densest
    whole = load(trace)
    whole = densest(whole, count=len(whole.arrivals))
    job, spent = race.Job(trace=whole, policy=_POLICY), []

    async def body(link: Any) -> None:
        begun = time.process_time()
        await race.Machine(job, link).run()
        spent.append(time.process_time() - begun)

    race.simulate(race.Controller(race.plan(job)), body, hz=job.clock_hz)
    path.write_text(json.dumps({"us": spent[0] * 1e6 / len(whole.arrivals)}))


def compare(trees: Sequence[Path], trace: str, turns: int) -> list[float]:
    """The least microseconds an interrupt of each tree, one after the other in each turn."""
    best = [float("inf")] * len(trees)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(turns + 1):
            for i, tree in enumerate(trees):
                path = Path(folder) / f"{turn}-{i}.txt"
                dump_tree("tests.cost", tree, path, [trace])
                if turn:            # the first one may have filled the cache
                    best[i] = min(best[i], json.loads(path.read_text())["us"])
    return best


def main() -> int:
    """Print both costs and their ratio."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.cost", description=__doc__.split("\n\n")[0])
    parser.add_argument("trace", metavar="TRACE", help="trace file, as of vapic run")
    parser.add_argument("--against", metavar="REV", default="HEAD~1",
                        help="revision to compare with (HEAD~1)")
    parser.add_argument("--turns", metavar="N", type=int, default=3, help="turns (3)")
    parser.add_argument("--dump", metavar="FILE", type=Path,
                        help="only write what the sources imported take")
    options = parser.parse_args()
    trace = str(Path(options.trace).resolve())
    if options.dump:
        dump(options.dump, trace)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        unpack(commit_of(options.against), Path(folder))
        before, now = compare((Path(folder), ROOT), trace, options.turns)
    print(f"{Path(trace).name}, {_POLICY}: {now:.0f} us of processor time an interrupt, "
          f"{options.against} {before:.0f} us; ratio {now / before:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
