"""The arrows between the packages, read from the sources."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Folder of sources, the package it makes, and what it must not import.
RULES = (
    ("hdl/vapic", "vapic", ("vapic_sim", "vapic_boards")),
    ("sim/vapic_sim", "vapic_sim", ("vapic_boards",)),
    ("sim/vapic_sim/model", "vapic_sim.model", ("amaranth", "vapic", "vapic_boards")),
    ("boards/vapic_boards", "vapic_boards", ()),
)
#: Rooms of the simulation, and those of the same house that each may look into.
ROOMS = {
    "engine": (),
    "model": (),
    "traces": (),
    "world": ("engine",),
    "drivers": (),
    "machine": ("drivers", "world"),
    "verify": ("drivers", "engine", "model", "world", "machine"),
    "run": ("traces", "world", "machine"),
    "report": ("traces", "run"),
    "speed": ("drivers", "engine", "traces", "verify"),
}
#: Rooms of the hardware: the ground, the blocks, which know the ground and not each other, and what
#: stands above them.
_GROUND = {
    "numbers": (),
    "trees": (),
    "onehot": ("trees",),
    "rows": (),
    "policy": ("numbers",),
    "config": ("policy",),
    "regs": ("policy",),
    "layouts": ("config", "numbers", "policy", "regs"),
    "rules": ("layouts",),
    "slices": ("layouts",),
    "record": ("layouts",),
}
_BLOCKS = ("access", "ioapic", "msi", "sources", "dispatch", "evtchn", "bank")
HARDWARE = {
    **_GROUND,
    **dict.fromkeys(_BLOCKS, tuple(_GROUND)),
    "controller": (*_GROUND, *_BLOCKS),
    "cli": (),
    "progress": (),
    "export": ("cli", "config", "controller", "progress", "regs"),
}
#: Folder and rooms of each house.
HOUSES = {"vapic": ("hdl/vapic", HARDWARE), "vapic_sim": ("sim/vapic_sim", ROOMS)}


def imports(tree, package):
    """Absolute names of all modules imported in a file of a package, wherever they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package.split(".")
            parent = parent[:len(parent) - node.level + 1] if node.level else []
            base = ".".join(parent + ([node.module] if node.module else []))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def package_of(path, folder, package):
    inner = path.relative_to(ROOT / folder).parent.parts
    return ".".join((package, *inner))


def within(name, package):
    return name == package or name.startswith(package + ".")


def sources(folder):
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths, folder
    return [(path, ast.parse(path.read_text(encoding="utf-8"), str(path))) for path in paths]


@pytest.mark.parametrize(("folder", "package", "banned"), RULES, ids=[rule[1] for rule in RULES])
def test_arrows(folder, package, banned):
    wrong = [f"{path.relative_to(ROOT)}: {name}"
             for path, tree in sources(folder)
             for name in imports(tree, package_of(path, folder, package))
             if any(within(name, other) for other in banned)]
    assert not wrong


def test_model_stands_alone():
    """Nothing above the model is imported by it, the rest of the simulation included."""
    wrong = [f"{path.relative_to(ROOT)}: {name}"
             for path, tree in sources("sim/vapic_sim/model")
             for name in imports(tree, package_of(path, "sim/vapic_sim/model", "vapic_sim.model"))
             if within(name, "vapic_sim") and not within(name, "vapic_sim.model")]
    assert not wrong


def strays(tree, package, house, room, allowed):
    """Imports of a file that go into other rooms of its house than it may look into."""
    rooms = tuple(f"{house}.{other}" for other in (room, *allowed))
    return [name for name in imports(tree, package)
            if name.startswith(f"{house}.") and not any(within(name, other) for other in rooms)]


@pytest.mark.parametrize(("house", "room"), [(house, room) for house, (_, rooms) in HOUSES.items()
                                             for room in rooms])
def test_rooms(house, room):
    folder, rooms = HOUSES[house]
    files = [(path, tree) for path, tree in sources(folder)
             if path.relative_to(ROOT / folder).parts[0] in (room, f"{room}.py")]
    assert files
    wrong = [f"{path.relative_to(ROOT)}: {name}" for path, tree in files
             for name in strays(tree, package_of(path, folder, house), house, room, rooms[room])]
    assert not wrong


def test_every_room_has_its_arrows():
    rooms = {path.parent.name for path in (ROOT / "sim/vapic_sim").glob("*/__init__.py")}
    assert rooms == set(ROOMS)
    rooms = {path.parent.name for path in (ROOT / "hdl/vapic").glob("*/__init__.py")}
    files = {path.stem for path in (ROOT / "hdl/vapic").glob("*.py")}
    assert rooms | files - {"__init__"} == set(HARDWARE)


@pytest.mark.parametrize(("room", "text", "expected"), [
    ("bank", "from ..evtchn.rows import RowLayouts", {
        "vapic.evtchn.rows", "vapic.evtchn.rows.RowLayouts"}),
    ("bank", "from .. import dispatch, rules", {"vapic.dispatch"}),
    ("ioapic", "def f():\n    from vapic.controller import Controller", {
        "vapic.controller", "vapic.controller.Controller"}),
    ("record", "from ..bank.operation import op_layout", {
        "vapic.bank.operation", "vapic.bank.operation.op_layout"}),
    ("bank", "from ..rows import Read\nfrom .head import head_layout\nimport vapic_sim", set()),
])
def test_strays_are_found(room, text, expected):
    tree = ast.parse(text)
    assert set(strays(tree, f"vapic.{room}", "vapic", room, HARDWARE[room])) == expected


@pytest.mark.parametrize("folder", ["hdl", "sim", "boards", "tests"])
def test_no_star_imports(folder):
    wrong = [f"{path.relative_to(ROOT)}:{node.lineno}"
             for path, tree in sources(folder) for node in ast.walk(tree)
             if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names)]
    assert not wrong


def test_no_future_annotations_in_hdl():
    """They make a `data.Struct` silently empty."""
    wrong = [str(path.relative_to(ROOT)) for path, tree in sources("hdl")
             if "__future__.annotations" in imports(tree, "vapic")]
    assert not wrong


@pytest.mark.parametrize(("text", "package", "expected"), [
    ("import a.b, c", "p", {"a.b", "c"}),
    ("from a import b", "p", {"a", "a.b"}),
    ("from . import b", "p.q", {"p.q", "p.q.b"}),
    ("from ..x import b", "p.q", {"p.x", "p.x.b"}),
    ("from ... import b", "p.q.r", {"p", "p.b"}),
    ("def f():\n    from vapic.config import Config", "p", {"vapic.config", "vapic.config.Config"}),
])
def test_imports_are_found(text, package, expected):
    assert set(imports(ast.parse(text), package)) == expected
    assert within("vapic.config", "vapic") and not within("vapic_sim", "vapic")
