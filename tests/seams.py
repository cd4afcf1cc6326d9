"""How many files of hdl and sim a thing of its kind takes, counted from history and tree.

    python -m tests.seams

Of the commits that brought a thing, those files count in which changed lines name it: what the same
commits did besides is not its own. That is what it took then, and no later change of the tree
changes it. Beside it stand the files that name it now, which is what the next of its kind takes;
these the target is for. The golden model is told apart, as it takes nothing from the hardware, its
numbers included.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .revisions import ROOT, git

#: What counts; traffic and comparisons of the bench are among it.
_PLACES = ("hdl", "sim")
_MODEL = "sim/vapic_sim/model/"


@dataclass(frozen=True)
class Thing:
    """Something that was added.

    Parameters
    ----------
    name : str
        What it is.
    commits : tuple of str
        That brought it.
    words : str
        Expression for lines that name it.
    others : str
        Expression for lines that are another thing's; empty if there are none.
    target : int
        So many files may name it now.
    """

    name: str
    commits: tuple[str, ...]
    words: str
    others: str
    target: int

    def names(self, line: str) -> bool:
        """Whether a line names it."""
        return bool(re.search(self.words, line, re.IGNORECASE)) and not (
            self.others and re.search(self.others, line, re.IGNORECASE))


_RUNFIRST = ("51a3251", "74e7416")
THINGS = (
    Thing("policy RUNFIRST without its registers", _RUNFIRST, r"runfirst",
          r"rqpos|schedrank|policy=|params\.policies|p\.policies|#:", 3),
    Thing("register SCHEDRANK", _RUNFIRST, r"schedrank|_RANKS", r"#:", 4),
    Thing("register RQPOS", _RUNFIRST, r"rqpos", "", 4),
    Thing("the test's source of requests", ("7320120",), r"\bflood\b", "", 8),
)


def changed_lines(diff: str) -> Iterator[tuple[str, str]]:
    """File and text of every line that a diff adds or takes away."""
    file = ""
    for line in diff.splitlines():
        if line.startswith("diff --git "):
            file = line.rpartition(" b/")[2]
        elif line[:1] in "+-" and not line.startswith(("+++ ", "--- ")):
            yield file, line[1:]


def touched(thing: Thing, diffs: Iterable[str]) -> list[str]:
    """Files in which the diffs change lines that name the thing."""
    return sorted({file for diff in diffs for file, line in changed_lines(diff)
                   if thing.names(line)})


def naming(thing: Thing) -> list[str]:
    """Files that name the thing now."""
    return sorted(str(path.relative_to(ROOT)) for place in _PLACES
                  for path in (ROOT / place).rglob("*.py")
                  if any(map(thing.names, path.read_text().splitlines())))


def main() -> int:
    """Print the counts; 1 if more files than the target name a thing now."""
    argparse.ArgumentParser(prog="python -m tests.seams",
                            description=__doc__.split("\n\n")[0]).parse_args()
    missed = 0
    for thing in THINGS:
        diffs = [git("show", "--format=", "-U0", commit, "--", *_PLACES).decode()
                 for commit in thing.commits]
        print(f"{thing.name}: target {thing.target}")
        now = naming(thing)
        for title, files in (("when it was added", touched(thing, diffs)), ("now", now)):
            model = [file for file in files if file.startswith(_MODEL)]
            print(f"  {title}: {len(files)} files, {len(model)} of the golden model")
            for file in files:
                print(f"    {file}")
        missed += len(now) > thing.target
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
