"""How large a part of the hardware may be, read from the sources."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "hdl/vapic"
#: Lines of a file and of a function, and parameters besides the module that a function fills.
FILE, FUNCTION, PARAMETERS = 300, 80, 12
#: The one file that makes memories.
ROWS = f"{FOLDER}/rows.py"


def functions(tree, path=()):
    """All functions of a file with their names, from the outermost class or function on."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        inner = (*path, node.name) if named else path
        if named and not isinstance(node, ast.ClassDef):
            yield ".".join(inner), node
        yield from functions(node, inner)


def parameters(node):
    """Parameters of a function besides the module it fills; none if it takes no module."""
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs,
             *filter(None, (node.args.vararg, node.args.kwarg)))
    modules = [each for each in every if each.arg == "m"
               or (each.annotation and ast.unparse(each.annotation).split(".")[-1] == "Module")]
    others = [each for each in every if each not in modules and each.arg != "self"]
    return others if modules else []


def makes_memory(tree):
    """Whether a file imports the memories of Amaranth, whole or by name."""
    names = {f"{node.module}.{alias.name}" for node in ast.walk(tree)
             if isinstance(node, ast.ImportFrom) for alias in node.names}
    names |= {alias.name for node in ast.walk(tree)
              if isinstance(node, ast.Import) for alias in node.names}
    return any(f"{name}.".startswith("amaranth.lib.memory.") for name in names)


def offenders(path, text):
    """What of a file is too large, or not its business."""
    tree = ast.parse(text, path)
    if len(text.splitlines()) > FILE:
        yield path
    if path != ROWS and makes_memory(tree):
        yield f"{path}: memory"
    for name, node in functions(tree):
        if node.end_lineno - node.lineno + 1 > FUNCTION or len(parameters(node)) > PARAMETERS:
            yield f"{path}: {name}"


def test_no_part_is_too_large():
    paths = sorted((ROOT / FOLDER).rglob("*.py"))
    assert ROOT / ROWS in paths
    found = {each for path in paths
             for each in offenders(path.relative_to(ROOT).as_posix(),
                                   path.read_text(encoding="utf-8"))}
    assert not found


def function(lines, head="def f():"):
    return "\n".join([head, *["        pass"] * (lines - 1)]) + "\n"


def many(count):
    return ", ".join(f"p{n}" for n in range(count))


@pytest.mark.parametrize(("text", "expected"), [
    (function(FUNCTION), set()),
    (function(FUNCTION + 1), {"x.py: f"}),
    ("class C:\n    " + function(FUNCTION + 1, "def f(self):"), {"x.py: C.f"}),
    ("def f():\n  async " + function(FUNCTION, "def g():"), {"x.py: f"}),
    ("def f():\n  async " + function(FUNCTION + 1, "def g():"), {"x.py: f", "x.py: f.g"}),
    ("\n" * FILE, set()),
    ("\n" * (FILE + 1), {"x.py"}),
    (function(2, f"def f(m, {many(PARAMETERS)}):"), set()),
    (function(2, f"def f(m, {many(PARAMETERS)}, *last):"), {"x.py: f"}),
    (function(2, f"def f(self, it: hdl.Module, {many(PARAMETERS)}, *, last):"), {"x.py: f"}),
    (function(2, f"def f({many(PARAMETERS + 2)}):"), set()),
    ("from amaranth.lib.memory import Memory\n", {"x.py: memory"}),
    ("from amaranth.lib import data, memory\n", {"x.py: memory"}),
    ("import amaranth.lib.memory as store\n", {"x.py: memory"}),
    ("from amaranth.lib import data\n", set()),
])
def test_rules_find_offenders(text, expected):
    assert set(offenders("x.py", text)) == expected
