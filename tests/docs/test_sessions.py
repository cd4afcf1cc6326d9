"""Commands and examples of every page print what the page says."""

import doctest
import re

import pytest
from amaranth import Module, Signal

from docs.sessions import CUT, PAGES, ROOT, blocks, commands, files, matches, refresh, shown
from vapic_sim.engine import Simulator

#: docs/engine.md has a stricter test of its own.
SESSIONS = [(path, block) for path in PAGES if path.name != "engine.md"
            for block in blocks(path.read_text()) if block.kind == "console"]


@pytest.fixture
def compiled(simulation_engine):
    """The pages show the compiled engine."""
    m = Module()
    m.d.sync += Signal().eq(1)
    if simulation_engine == "python" or Simulator(m).engine != "compiled":
        pytest.skip("the pages show the compiled engine")


@pytest.mark.simulates
@pytest.mark.parametrize(("path", "block"), SESSIONS, ids=[
    f"{path.stem}-{i}" for i, (path, _) in enumerate(SESSIONS)])
def test_sessions(path, block, tmp_path, compiled):
    for name, text in files(path.read_text()).items():
        (tmp_path / name).write_text(text)
    # What an earlier block of the page made is there.
    for page, other in SESSIONS[:SESSIONS.index((path, block))]:
        for command in commands(other):
            if page == path and command.command.startswith("cat "):
                shown(command, tmp_path)
    for command in commands(block):
        printed = shown(command, tmp_path)
        assert matches(command.expected, printed), (
            f"{path.name}: {command.command}\n{printed}\n(python -m docs.sessions writes it)")


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_python(path):
    """Sessions of the interpreter; and every file is run by some console block."""
    page = path.read_text()
    found = blocks(page)
    run = "".join(block.text for block in found if block.kind == "console")
    for name in files(page):
        assert re.search(rf"^\$ .*\b{re.escape(name)}", run, re.MULTILINE), name
    parser, names = doctest.DocTestParser(), {}
    for block in found:
        if block.kind == "pycon":
            test = parser.get_doctest(block.text, names, path.name, str(path), 0)
            runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
            names = test.globs
            assert runner.run(test, clear_globs=False).failed == 0
        elif block.kind == "python":
            compile(block.text, str(path), "exec")
            assert re.match(r"# \w+\.py\n", block.text), "a Python block is a file"
        assert block.kind in ("", "python", "pycon", "console")
        if block.kind != "console":
            assert not re.search(r"^\$ ", block.text, re.MULTILINE), "a session is `console`"


def test_every_page_that_should_has_sessions():
    assert {path.name for path, _ in SESSIONS} >= {"README.md", "run.md"}


@pytest.mark.parametrize(("expected", "printed", "same"), [
    ("a\nb\n", "a\nb\n", True),
    ("a\nb\n", "a\nc\n", False),
    ("a\nb\n", "a\nb\nc\n", False),
    ("...\nb\n", "a\nb\n", True),
    ("...\nb\n", "b\n", True),
    ("a\n...\n", "a\nb\nc\n", True),
    ("a\n...\n", "b\na\n", False),
    ("a\n...\nd\n...\n", "a\nb\nd\ne\n", True),
    ("a...\n", "abc\n", False),
])
def test_matches(expected, printed, same):
    assert matches(expected, printed) is same


@pytest.mark.parametrize(("expected", "printed", "new"), [
    ("a 1\n", "a 2\nb\n", "a 2\nb\n"),
    ("...\nline 7 is\nlast 1\n", "x\nline 8 is\nlast 2\n", "...\nline 8 is\nlast 2\n"),
    ("first 1\n...\nmiddle 1\n...\n", "first 2\ny\nmiddle 2\nz\n", "first 2\n...\nmiddle 2\n...\n"),
    ("...\nsame\n", "x\nsame\n", "...\nsame\n"),
])
def test_refresh(expected, printed, new):
    assert refresh(expected, printed) == new
    assert matches(new, printed)


def test_pages():
    assert ROOT / "docs" / "architecture.md" in PAGES and CUT == "..."
