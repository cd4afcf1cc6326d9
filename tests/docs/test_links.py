"""What a page refers to exists: files, headings, modules, classes, make targets, commands."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

from docs.sessions import PAGES, ROOT, blocks

#: Folders in which a page may name a file by the end of its path.
SOURCES = ("hdl/vapic", "sim/vapic_sim", "boards/vapic_boards", "tests", "docs")


def prose(path):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """Anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_links(path):
    """To files and headings."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{path.name} links to {target}"


def missing(words):
    """Those of the words in code type that name a file, folder or object that is not there."""
    files = [file.relative_to(ROOT).as_posix() for source in SOURCES
             for file in (ROOT / source).rglob("*") if "__pycache__" not in file.parts]
    lost = []
    for word in words:
        if re.fullmatch(r"(?:[\w.-]+/)*[\w.-]+\.(?:py|md|csv|svg|c|h)|(?:[\w.-]+/)+", word):
            plain = word.rstrip("/")
            if not any(f"/{file}".endswith(f"/{plain}") for file in files) \
                    and not (ROOT / plain).exists():
                lost.append(word)
        elif re.fullmatch(r"(?:vapic|vapic_sim|vapic_boards)(?:\.\w+)+", word):
            lost += [] if importable(word) else [word]
        elif re.fullmatch(r"test_\w+[a-z0-9]", word) and not re.search(
                rf"\bdef {word}\b", all_tests()):
            lost.append(word)
    return lost


def all_tests():
    return "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))


def importable(name):
    """Whether a module, or something in one, has this name."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(thing, part):
                return False
            thing = getattr(thing, part)
        return True
    return False


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_names(path):
    """Files, folders, modules, classes and tests in code type."""
    words = re.findall(r"`([^`\s]+)`", prose(path))
    written = re.findall(r"# (\w+\.py)$", "\n".join(block.text for block in blocks(
        path.read_text())), re.MULTILINE)
    assert missing([word for word in words if word not in written]) == []


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_commands(path):
    """`vapic ...` and `make ...` in code type."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = set(project["entry-points"]["vapic.commands"])
    makefile = (ROOT / "Makefile").read_text()
    for command in re.findall(r"`vapic (\w+)", prose(path)):
        assert command in known, command
    for target in re.findall(r"`make ([\w-]+)", prose(path)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_states():
    """The cycle budget names states of state machines that there are."""
    sources = "".join(path.read_text() for path in (ROOT / "hdl").rglob("*.py"))
    there = set(re.findall(r"""\b[Ss]tate\(["'](\w+)["']""", sources))
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs" / "cycles.md").read_text()))
    assert len(named) > 20 and named <= there, sorted(named - there)


def test_docstrings_link_to_pages():
    """Pages that sources name exist."""
    for source in ("hdl", "sim", "boards", "docs"):
        for path in (ROOT / source).rglob("*.py"):
            for page, heading in re.findall(r'\b(docs/\w+\.md)(?:,\s+"([^"]+)")?',
                                            path.read_text()):
                assert (ROOT / page).exists(), f"{path.name}: {page}"
                if heading:
                    assert f"# {heading}\n" in (ROOT / page).read_text(), f"{path.name}: {heading}"


def test_missing_things_are_found(tmp_path):
    words = ["record/table.py", "record/nothing.py", "vapic.record.TABLE", "vapic.record.NOTHING",
             "hdl/vapic/record/", "hdl/nowhere/", "test_fill", "test_that_is_not_there"]
    assert missing(words) == ["record/nothing.py", "vapic.record.NOTHING", "hdl/nowhere/",
                              "test_that_is_not_there"]
    page = tmp_path / "page.md"
    page.write_text("# A b, `c`: d\n\n```\n# no\n```\n")
    assert anchors(page) == {"a-b-c-d"} and isinstance(page, Path)


def test_way_of_an_interrupt():
    """Its files and functions exist, and are counted right."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    chapter = page[page.index("## The way of an interrupt"):page.index("## Decisions")]
    steps = re.findall(r"^\| \d+ \| `([\w/]+\.py)` \| `([\w.]+)` \|", chapter, re.MULTILINE)
    assert len(steps) == len(re.findall(r"^\| \d", chapter, re.MULTILINE)) > 20
    for file, function in steps:
        tree = ast.parse((ROOT / "hdl" / "vapic" / file).read_text())
        for name in function.split("."):
            found = [node for node in tree.body if getattr(node, "name", None) == name]
            assert found, f"{file}: {function}"
            tree = found[0]
    files = [file for file, _ in steps]
    returns = sum(file in files[:i] and files[i - 1] != file for i, file in enumerate(files))
    assert f"{len(set(files))} files, and {returns} returns" in chapter.replace("\n", " ")
