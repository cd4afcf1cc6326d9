"""The examples of docs/engine.md do what the page says, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.simulates

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "engine.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {re.match(r"# (\S+\.py)\n", text)[1]: text for kind, text in BLOCKS if kind == "python"}
SESSIONS = [text for kind, text in BLOCKS if kind == "console"]


@pytest.fixture
def environment(tmp_path):
    """The variables of a user with nothing set, and caches of his own."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VAPIC_")}
    return kept | {"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "caches"),
                   "VAPIC_CACHE": str(tmp_path / "caches" / "vapic"),
                   "PYTHONWARNINGS": "error"}


def test_sessions(tmp_path, environment):
    """What follows each command is all that it prints."""
    folder = tmp_path / "empty"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    commands = 0
    for session in SESSIONS:
        for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            done = subprocess.run(command, shell=True, cwd=folder, env=environment, text=True,
                                  capture_output=True, timeout=60)
            assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0), command
            commands += 1
    assert commands >= 3
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_every_example_is_run():
    assert all(any(name in session for session in SESSIONS) for name in FILES)
    assert {kind for kind, _ in BLOCKS} == {"", "python", "console"}


def test_modules_exist():
    """Those that the page names, and the folders before them."""
    folder = ROOT / "sim" / "vapic_sim" / "engine"
    chapter = PAGE[PAGE.index("## How it works"):]
    names = re.findall(r"`(?:compiler/|runtime/)?(\w+\.(?:py|c))`", chapter)
    there = {path.name for path in folder.rglob("*.*")}
    assert len(names) > 15 and set(names) <= there
    missing = {path.name for path in (*folder.glob("compiler/*.py"), *folder.glob("runtime/*.py"))
               } - set(names) - {"__init__.py", "model.py", "contexts.py", "tables.py"}
    assert missing == set()


def test_variables_exist():
    """Those that the page names are read by the engine."""
    sources = "".join(path.read_text() for path in (ROOT / "sim").rglob("*.py"))
    for name in set(re.findall(r"VAPIC_\w+", PAGE)):
        assert f'"{name}"' in sources
