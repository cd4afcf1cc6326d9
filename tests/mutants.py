"""Small faults of the hardware that tests have to find: ``make mutants``.

    python -m tests.mutants                 all of them
    python -m tests.mutants watch rotation  those whose file or fault has one of these words in it

Each mutant is this tree with one text replaced in one file. It is killed by what fails on it: first
a short run of random traffic over all configurations, replayed on the golden model, then the tests
and conformance cases of its block. The exit code is 1 if one survives.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .faults import MUTANTS, Mutant, MutantError
from .revisions import ROOT, SOURCES

#: What judges first, and the environment that it runs in.
REPLAY = ("tests/e2e/test_random.py", "-k", "replay")
TRAFFIC = {"VAPIC_SEED": "9", "VAPIC_OPERATIONS": "3000"}
#: Those of target selection.
_SELECTION = ("tests/hdl/test_dispatch.py", "tests/hdl/test_dispatch_parts.py",
              "tests/hdl/test_dispatch_policies.py", "tests/e2e/test_conformance_selection.py")
#: Tests and conformance cases of each folder or file in hdl/vapic.
BLOCKS = {
    "dispatch": _SELECTION,
    "policy": _SELECTION,
    "evtchn": ("tests/hdl/test_evtchn_store.py", "tests/hdl/test_evtchn.py",
               "tests/e2e/test_conformance_evtchn.py"),
    "ioapic": ("tests/hdl/test_ioapic_parts.py", "tests/hdl/test_ioapic_lines.py",
               "tests/hdl/test_ioapic_eoi.py", "tests/hdl/test_ioapic.py",
               "tests/e2e/test_conformance_ioapic.py"),
    "msi": ("tests/hdl/test_msi.py",),
    "controller.py": ("tests/e2e/test_controller.py",),
    "onehot.py": ("tests/hdl/test_onehot.py",),
    "slices.py": ("tests/hdl/test_slices.py",),
    "sources": ("tests/hdl/test_arbiter.py", "tests/hdl/test_sources.py"),
    "record": ("tests/hdl/test_record.py",),
    "access": ("tests/hdl/test_access_globals.py", "tests/hdl/test_access_rights.py",
               "tests/hdl/test_access_unit.py"),
    "bank": ("tests/hdl/test_bank_cases.py", "tests/hdl/test_bank.py",
             "tests/e2e/test_conformance_lapic.py"),
    "regs": ("tests/regs",),
    "rows.py": ("tests/hdl/test_rows.py",),
    "rules.py": ("tests/hdl/test_rules.py",),
}
#: Seconds after which a mutant that has not ended counts as killed: it hangs.
_LIMIT = 900


def copy_tree(folder: Path) -> None:
    """Sources and tests as they are here."""
    for name in (*SOURCES, "tests", "docs"):
        shutil.copytree(ROOT / name, folder / name,
                        ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def failing(folder: Path, tests: Sequence[str]) -> str | None:
    """Run tests in a copy of the tree; the first that fails, None if none does."""
    places = os.pathsep.join(str(folder / part) for part in SOURCES)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no",
               "-rfE", *tests]
    try:
        done = subprocess.run(command, cwd=folder, env=os.environ | TRAFFIC | {
            "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        return f"{tests[0]}, which does not end"
    if done.returncode == 0:
        return None
    names = [line.split()[1] for line in done.stdout.splitlines()
             if line.startswith(("FAILED ", "ERROR "))]
    if not names:
        raise MutantError(f"no test ran: {done.stdout[-2000:]}")
    return names[0]


def judge(mutant: Mutant) -> str | None:
    """Who kills the mutant; None if it survives."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_tree(folder)
        file = folder / "hdl" / "vapic" / mutant.file
        file.write_text(mutant.apply(file.read_text()))
        return failing(folder, REPLAY) or failing(folder, BLOCKS[mutant.block])


def chosen(words: Sequence[str]) -> list[Mutant]:
    """Mutants that have one of the words in their name; all without words."""
    return [mutant for mutant in MUTANTS if not words or any(word in str(mutant) for word in words)]


def main() -> int:
    """Judge mutants; 0 if all are killed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=__doc__.split("\n\n")[0])
    parser.add_argument("words", metavar="WORD", nargs="*", help="only those with it (all)")
    parser.add_argument("--jobs", metavar="N", type=int, default=os.cpu_count() or 1,
                        help="so many at a time (one a processor)")
    options = parser.parse_args()
    mutants, survivors = chosen(options.words), 0
    for mutant in mutants:
        mutant.apply((ROOT / "hdl" / "vapic" / mutant.file).read_text())
    with ThreadPoolExecutor(options.jobs) as pool:
        for mutant, killer in zip(mutants, pool.map(judge, mutants), strict=True):
            survivors += killer is None
            print(f"survived  {mutant}" if killer is None else
                  f"killed    {mutant}\n          by {killer}", flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} killed")
    return int(survivors > 0)


if __name__ == "__main__":
    raise SystemExit(main())
