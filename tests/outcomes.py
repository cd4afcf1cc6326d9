"""Whether a change left every interrupt its fate: ``vapic run`` here and on another revision.

    python -m tests.outcomes TRACE...                     against the commit before
    python -m tests.outcomes --against 868cfae TRACE...   against any other

Each trace runs whole, with the machine and the policies that ``vapic run`` has without options.
Listed are the arrivals with another outcome (delivered, merged or pending, the vCPU, the arrival it
was merged with), and beside that by how many cycles grants come later. The exit code is 1 if more
than one arrival in a hundred has another outcome, or if one was lost. What the other revision wrote
is kept by its commit.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .revisions import ROOT, dump_revision, dump_tree, find

POLICIES = ("static", "lowpri", "pull")
#: Share of the arrivals that may have another outcome.
ALLOWED = 0.01
#: Where traces are read, newest first.
_PLACES = ("vapic_sim.traces", "vapic_sim.workload")


@dataclass(frozen=True)
class Fate:
    """What became of one arrival.

    Parameters
    ----------
    outcome : str
        ``delivered``: its handler ran; ``merged`` into an earlier one; ``pending`` at the end.
    target : int or None
        vCPU it was granted to.
    into : int or None
        The arrival, from 0, whose handler serves it too.
    after : int or None
        Cycles from its arrival to the grant that serves it.
    """

    outcome: str
    target: int | None = None
    into: int | None = None
    after: int | None = None

    def __str__(self) -> str:
        place = "" if self.target is None else f", vCPU {self.target}"
        return f"{self.outcome}{place}" + ("" if self.into is None else f" (with {self.into + 1})")

    def same(self, other: "Fate") -> bool:
        """Whether it is the same outcome, whenever its grant came."""
        return replace(self, after=None) == replace(other, after=None)


@dataclass(frozen=True)
class Comparison:
    """Two runs of the same arrivals.

    Parameters
    ----------
    changed : list of (int, Fate, Fate)
        Arrivals with another outcome, from 0, before and after.
    shifts : Counter
        How many grants of the others come so many cycles later.
    total : int
        Arrivals.
    """

    changed: list[tuple[int, Fate, Fate]]
    shifts: Counter[int]
    total: int


def compare(before: Sequence[Fate], after: Sequence[Fate]) -> Comparison:
    """Compare arrival by arrival."""
    if len(before) != len(after):
        raise ValueError(f"{len(before)} arrivals are not {len(after)}")
    pairs = list(zip(before, after, strict=True))
    changed = [(i, old, new) for i, (old, new) in enumerate(pairs) if not old.same(new)]
    shifts = Counter(new.after - old.after for old, new in pairs
                     if old.same(new) and old.after is not None and new.after is not None)
    return Comparison(changed, shifts, len(pairs))


def fates(ledger: Any) -> list[Fate]:
    """What became of every arrival, in the order of the trace."""
    known: dict[int, Fate] = {}
    for grant in ledger.grants:
        first, target = grant.edges[0].index, grant.record["target"]
        for edge in grant.edges:
            outcome = "delivered" if grant.start else "pending"
            into = None if edge.index == first else first
            known[edge.index] = Fate(outcome if into is None else "merged", target, into,
                                     grant.cycle - edge.cycle)
    oldest: dict[int, int] = {}
    for edge in sorted(ledger.edges, key=lambda edge: edge.index):
        if edge.index not in known:
            first = oldest.setdefault(edge.n, edge.index)
            known[edge.index] = (Fate("pending") if first == edge.index
                                 else Fate("merged", into=first))
    return [known[index] for index in sorted(known)]


def run(task: tuple[str, str]) -> dict[str, Any]:
    """Run a trace with one policy on the sources imported."""
    path, policy = task
    race = find(("vapic_sim",), "race")
    trace = find(_PLACES, "load").load(path)
    trace = find(_PLACES, "trace").densest(trace, count=len(trace.arrivals))
    job, outcomes = race.Job(trace=trace, policy=policy), []

    async def body(link: Any) -> None:
        outcomes.append(await race.Machine(job, link).run())

    race.simulate(race.Controller(race.plan(job)), body, hz=job.clock_hz)
    outcome = outcomes[0]
    return {"trace": Path(path).name, "policy": policy, "lost": outcome.lost,
            "fates": [asdict(fate) for fate in fates(outcome.ledger)]}


def dump(path: Path, traces: Sequence[str]) -> None:
    """Run every trace with every policy on the sources imported, and write what became of it."""
    tasks = [(trace, policy) for trace in traces for policy in POLICIES]
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(len(tasks), os.cpu_count() or 1)) as pool:
        path.write_text(json.dumps(pool.map(run, tasks, chunksize=1)))


def report(before: list[dict[str, Any]], after: list[dict[str, Any]], shown: int) -> int:
    """Print the comparison of all runs; the exit code."""
    changed = total = lost = 0
    shifts: Counter[int] = Counter()
    for old, new in zip(before, after, strict=True):
        result = compare([Fate(**fate) for fate in old["fates"]],
                         [Fate(**fate) for fate in new["fates"]])
        print(f"{new['trace']}, {new['policy']}: {len(result.changed)} of {result.total} arrivals "
              f"have another outcome, {new['lost']} lost (before: {old['lost']}); "
              f"grants come later by {spread(result.shifts)}")
        for index, was, now in result.changed[:shown]:
            print(f"  arrival {index + 1}: {was} -> {now}{_shift(was, now)}")
        if len(result.changed) > shown:
            print(f"  and {len(result.changed) - shown} more")
        changed, total = changed + len(result.changed), total + result.total
        lost += abs(new["lost"])
        shifts += result.shifts
    print(f"all: {changed} of {total} arrivals have another outcome ({changed / total:.3%}, "
          f"allowed {ALLOWED:.0%}), {lost} lost; grants come later by {spread(shifts)}")
    return int(changed > ALLOWED * total or lost > 0)


def spread(shifts: Counter[int]) -> str:
    """Least, median and greatest of counted cycles, and the commonest values."""
    if not shifts:
        return "nothing, as there are none"
    ordered = sorted(shifts.elements())
    common = ", ".join(f"{cycles:+d}: {count}" for cycles, count in shifts.most_common(4))
    return f"{ordered[0]}..{ordered[-1]} cycles, median {ordered[len(ordered) // 2]} ({common})"


def _shift(was: Fate, now: Fate) -> str:
    if was.after is None or now.after is None:
        return ""
    return f", grant {now.after - was.after:+d} cycles"


def main() -> int:
    """Compare; 0 if the outcomes are as good as the same, 1 if not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.outcomes", description=__doc__.split("\n\n")[0])
    parser.add_argument("traces", metavar="TRACE", nargs="+", help="trace file, as of vapic run")
    parser.add_argument("--against", metavar="REV", default="HEAD~1",
                        help="revision to compare with (HEAD~1)")
    parser.add_argument("--shown", metavar="N", type=int, default=1 << 30,
                        help="list so many arrivals of a run at most (all)")
    parser.add_argument("--dump", metavar="FILE", type=Path,
                        help="only write what became of the arrivals with the sources imported")
    options = parser.parse_args()
    traces = [str(Path(trace).resolve()) for trace in options.traces]
    if options.dump:
        dump(options.dump, traces)
        return 0
    content = hashlib.sha256(b"".join(Path(trace).read_bytes() for trace in traces)).hexdigest()
    before = dump_revision("tests.outcomes", options.against, content[:16], traces)
    with tempfile.TemporaryDirectory() as folder:
        after = Path(folder) / "after.txt"
        dump_tree("tests.outcomes", ROOT, after, traces)
        return report(json.loads(before.read_text()), json.loads(after.read_text()),
                      options.shown)


if __name__ == "__main__":
    raise SystemExit(main())
