"""From a design to a model in memory, by way of the cache."""

import gc
import hashlib
import json
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from amaranth.hdl import Fragment, Signal, Value, ValueLike
from amaranth.hdl._ir import Design
from amaranth.hdl._mem import MemoryData
from amaranth.lib import wiring

from vapic.progress import Progress

from .cache import Cache
from .compiler.fingerprint import Contents
from .compiler.model import Description, compile_design
from .runtime.library import Model
from .toolchain import compile_library, find_compiler

__all__ = ["build_model", "signals_of"]


def signals_of(thing: Any) -> Iterator[Signal]:
    """Signals of a value, an interface, or a list or dict of such.

    Raises
    ------
    TypeError
        If there is something else among them.
    """
    if isinstance(thing, ValueLike):
        value = Value.cast(thing)
        if not isinstance(value, MemoryData._Row):      # rows are kept anyway
            yield from value._rhs_signals()
    elif isinstance(getattr(thing, "signature", None), wiring.Signature):
        for name in thing.signature.members:
            yield from signals_of(getattr(thing, name))
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            yield from signals_of(item)
    elif isinstance(thing, dict):
        yield from signals_of(list(thing.values()))
    else:
        raise TypeError(f"a probe is a value, an interface, or a list or dict of such, "
                        f"not {thing!r}")


@cache
def _sources_digest() -> str:
    """Hash of the code that makes the code."""
    digest = hashlib.sha256()
    for entry in sorted(files(f"{__package__}.compiler").iterdir(), key=lambda item: item.name):
        if entry.name.endswith((".py", ".c", ".h")):
            digest.update(entry.read_bytes())
    return digest.hexdigest()


@contextmanager
def _no_collections() -> Iterator[None]:
    """Many objects that live long are made: looking for garbage among them only takes time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def build_model(design: Design, toplevel: Any, probes: Iterable[Any] = ()) -> Model:
    """Compile a design, or take it from the cache.

    Parameters
    ----------
    design : amaranth.hdl._ir.Design
        Prepared design.
    toplevel : object
        What it was made of; if it has a signature, its ports are kept in memory.
    probes : iterable
        Further values that are kept in memory.

    Raises
    ------
    Unsupported
        If the design has something that can't be compiled.
    BuildError
        If there is no compiler, or it failed, or the cache can't be written.
    """
    with _no_collections():
        contents = Contents(design)
        exposed = {contents.signals[signal] for thing in (_ports(toplevel), list(probes))
                   for signal in signals_of(thing) if signal in contents.signals}
        compiler = find_compiler()
        key = _key(contents.digest(exposed), _sources_digest(), compiler.identity,
                   version("amaranth"), platform.machine())
        store, name = Cache(), type(_inner(toplevel)).__name__

        def make(folder: Path) -> None:
            with Progress() as progress:
                progress.stage(f"compiling {name} for simulation")
                sources, cold, description = compile_design(design, contents, exposed)
                (folder / "layout.json").write_text(json.dumps(description.to_dict()))
                headers = {file: text for file, text in sources.items() if file.endswith(".h")}
                (folder / "cold.json").write_text(json.dumps(headers | cold))
                compile_library(sources, folder / "model.so", compiler=compiler,
                                progress=progress.count)

        folder = store.obtain(key, name, make)
        # Read now, as the entry may be dropped from the cache before somebody asks for them.
        cold_sources = (folder / "cold.json").read_text()

        def cold() -> Path:
            def make_cold(target: Path) -> None:
                with Progress() as progress:
                    progress.stage(f"compiling {name}, all signals, for simulation")
                    compile_library(json.loads(cold_sources), target / "cold.so",
                                    compiler=compiler, progress=progress.count)

            return store.obtain(_key(key, "cold"), f"{name}, all signals", make_cold) / "cold.so"

        description = Description.from_dict(json.loads((folder / "layout.json").read_text()))
        return Model(folder / "model.so", cold, description, contents)


def _inner(toplevel: Any) -> Any:
    while hasattr(toplevel, "_elaboratable_"):
        toplevel = toplevel._elaboratable_
    return toplevel


def _ports(toplevel: Any) -> Any:
    if isinstance(toplevel, Fragment):
        return []
    inner = _inner(toplevel)
    return inner if isinstance(getattr(inner, "signature", None), wiring.Signature) else []
