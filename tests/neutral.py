"""Whether a change of the hardware left its behaviour alone: commit records, byte for byte.

    python -m tests.neutral                     this tree against the commit before
    python -m tests.neutral --against 868cfae   against any other
    python -m tests.neutral --of HEAD~3 --against HEAD~4
    python -m tests.neutral --operations 2000   a shorter run

Random traffic of a fixed seed runs over three configurations, here and on the other revision, which
is unpacked into a temporary folder and runs with its own sources. Every commit record is written
as a line; the two files must be equal. What the other revision wrote is kept by its commit.
"""

import argparse
import hashlib
import tempfile
from itertools import zip_longest
from pathlib import Path

from .revisions import ROOT, dump_revision, dump_tree, find

#: Sizes by name, as the random test of the suite has them.
SIZES = {
    "small": {"rtes": 4, "irts": 4, "vcpus": 4, "lanes": 4, "domains": 3, "ports": 64},
    "one": {"rtes": 2, "irts": 0, "vcpus": 1, "lanes": 1, "domains": 2, "ports": 32,
            "vectors": 32},
    "wide": {"rtes": 5, "irts": 3, "vcpus": 12, "lanes": 6, "domains": 3, "ports": 96,
             "vectors": 128},
}
SEED = 9
FIELDS = ("seq", "unit", "op", "row", "vmm", "dom", "vcpu", "we", "sel", "addr", "data", "result")
#: Where rig and traffic stand, newest first: revisions to compare with are older.
PLACES = ("vapic_sim.verify", "vapic_sim.agents")
_CTRL = 0x100C


def records(name: str, operations: int):
    """Commit records of random traffic over one configuration, a line each."""
    from vapic import Config
    lines = []

    async def scenario(rig):
        traffic = find(PLACES, "traffic").Traffic(rig, SEED)
        await traffic.prepare()
        traffic.shake(True)
        while traffic.operations < operations:
            await traffic.step()
            if traffic.due():
                traffic.shake(False)
                await traffic.access(_CTRL, 1)      # without RETRY, which never rests
                await rig.settle()
                take(rig)
                traffic.shake(True)
        traffic.shake(False)
        await rig.settle()

    def take(rig):
        history = rig.monitor.history
        for cycle, record in history:
            fields = " ".join(f"{key}={_plain(getattr(record, key))}" for key in FIELDS)
            lines.append(f"{name} {cycle} {fields}")
        history.clear()
        for book in (rig.traces, rig.model.expected_traces, rig.model.core.warnings):
            book.clear()

    rig = find(PLACES, "rig").Rig(Config(**SIZES[name]))
    rig.run(scenario)
    take(rig)
    return lines


def _plain(value):
    return value if isinstance(value, str) else int(value)


def dump(path: Path, operations: int) -> None:
    """Write all records of the sources that are imported."""
    with path.open("w") as file:
        for name in SIZES:
            file.writelines(line + "\n" for line in records(name, operations))


def first_difference(before: list[str], after: list[str], around: int = 3) -> str | None:
    """The first lines that differ, with some before them; None if there are none."""
    for i, (old, new) in enumerate(zip_longest(before, after)):
        if old != new:
            shown = [f"  {line}" for line in before[max(0, i - around):i]]
            shown += [f"- {old if old is not None else '(no more records)'}",
                      f"+ {new if new is not None else '(no more records)'}"]
            return f"record {i}:\n" + "\n".join(shown)
    return None


def main() -> int:
    """Compare; 0 if the records are the same, 1 if not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.neutral", description=__doc__.split("\n\n")[0])
    parser.add_argument("--against", metavar="REV", default="HEAD~1",
                        help="revision to compare with (HEAD~1)")
    parser.add_argument("--of", metavar="REV", help="revision to judge (this tree)")
    parser.add_argument("--operations", metavar="N", type=int, default=10_000,
                        help="operations of each configuration (10000)")
    parser.add_argument("--dump", metavar="FILE", type=Path,
                        help="only write the records of the sources imported")
    options = parser.parse_args()
    if options.dump:
        dump(options.dump, options.operations)
        return 0
    program, arguments = "tests.neutral", ["--operations", str(options.operations)]

    def records_of(revision: str) -> Path:
        return dump_revision(program, revision, f"{options.operations}-{SEED}", arguments)

    before = records_of(options.against)
    with tempfile.TemporaryDirectory() as folder:
        if options.of:
            after = records_of(options.of)
        else:
            after = Path(folder) / "after.txt"
            dump_tree(program, ROOT, after, arguments)
        texts = [path.read_text() for path in (before, after)]
    difference = first_difference(*(text.splitlines() for text in texts))
    for title, text in zip((options.against, options.of or "this tree"), texts, strict=True):
        print(f"{title}: {len(text.splitlines())} records, "
              f"sha256 {hashlib.sha256(text.encode()).hexdigest()}")
    if difference:
        print(f"they differ, first at {difference}")
        return 1
    print("the same")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
