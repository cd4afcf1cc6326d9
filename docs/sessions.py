"""Console sessions of the pages: ``python -m docs.sessions`` runs them and writes what they print.

In a page a fenced ``console`` block has commands after ``$`` and what each prints; a line ``...``
stands for lines that are left out. ``cat FILE`` shows a file that the reader is to make, so it is
made. A ``python`` block that begins with ``# name.py`` is that file; a ``pycon`` block is a
session of the interpreter. ``make TARGET`` stands for the command of the Makefile.
"""

import os
import re
import subprocess
import sys
import tempfile
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

__all__ = ["CUT", "PAGES", "ROOT", "Block", "Command", "blocks", "commands", "files", "matches",
           "refresh", "shown"]

ROOT = Path(__file__).resolve().parents[1]
#: Pages whose console blocks are run; docs/engine.md is, more strictly, in tests/docs.
PAGES = (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
#: Line that stands for any number of lines.
CUT = "..."


class Block(NamedTuple):
    """A fenced block of a page: its kind, and its text without the fence."""

    kind: str
    text: str


class Command(NamedTuple):
    """A command of a console block, and what the page says that it prints."""

    command: str
    expected: str


def blocks(page: str) -> list[Block]:
    """All fenced blocks."""
    return [Block(*found) for found in re.findall(
        r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]


def commands(block: Block) -> list[Command]:
    """Commands of a console block."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0], f"a session begins with a command, not with {parts[0]!r}"
    return [Command(*part.partition("\n")[::2]) for part in parts[1:]]


def files(page: str) -> dict[str, str]:
    """Python files of a page by name."""
    named = [(re.match(r"# (\w+\.py)\n", block.text), block.text)
             for block in blocks(page) if block.kind == "python"]
    return {match[1]: text for match, text in named if match}


def matches(expected: str, printed: str) -> bool:
    """Whether the page tells what was printed, but for lines left out."""
    parts = [re.escape(part) for part in re.split(
        rf"^{re.escape(CUT)}\n", expected, flags=re.MULTILINE)]
    return re.fullmatch(r"(?:.*\n)*?".join(parts), printed) is not None


def shown(command: Command, folder: Path) -> str:
    """What a command prints: standard output, and if it fails standard error too."""
    line = command.command
    if made := re.fullmatch(r"cat (\S+)", line):
        (folder / made[1]).write_text(command.expected)
    if target := re.fullmatch(r"make (\w+)", line):
        makefile = (ROOT / "Makefile").read_text()
        found = re.search(rf"^{target[1]}:.*\n\t@\$\(RUN\)/(.*)$", makefile, re.MULTILINE)
        assert found, f"Makefile has no {target[1]}"
        line = found[1]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("VAPIC_") or name == "VAPIC_CACHE"}
    done = subprocess.run(line, shell=True, cwd=folder, env=kept | {"PATH": path}, text=True,
                          capture_output=True, timeout=300)
    return done.stdout + (done.stderr if done.returncode else "")


def refresh(expected: str, printed: str) -> str:
    """The page's text for what is printed now, with about the same lines left out."""
    if matches(expected, printed):
        return expected
    new, at, result = printed.splitlines(), 0, []
    for part in re.split(rf"^({re.escape(CUT)})\n", expected, flags=re.MULTILINE):
        old = part.splitlines()
        if old == [CUT]:
            result.append(CUT)
        elif old:
            places = range(at, max(at + 1, len(new) - len(old) + 1))
            at = max(places, key=lambda place, old=old: sum(
                SequenceMatcher(None, *pair).ratio()
                for pair in zip(old, new[place:place + len(old)], strict=False)))
            end = len(new) if part and expected.endswith(part) else at + len(old)
            result += new[at:end]
            at = end
    if CUT not in expected.splitlines():
        result = new
    return "".join(line + "\n" for line in result)


def main() -> None:
    """Run all sessions and write the pages that changed."""
    for path in PAGES:
        page = path.read_text()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for file, text in files(page).items():
                (folder / file).write_text(text)
            new = page
            for block in blocks(page):
                if block.kind == "console":
                    for command in commands(block):
                        old = f"$ {command.command}\n{command.expected}"
                        printed = shown(command, folder)
                        if "Traceback" in printed:
                            raise SystemExit(f"{path.name}: {command.command}\n{printed}")
                        text = refresh(command.expected, printed)
                        new = new.replace(old, f"$ {command.command}\n{text}")
        if new != page:
            path.write_text(new)
            print(f"{path.relative_to(ROOT)} changed")


if __name__ == "__main__":
    main()
