"""One simulator class for every engine."""

import os
import warnings
from collections.abc import Iterable
from typing import Any

from amaranth.sim import Simulator as AmaranthSimulator
from amaranth.sim._base import BaseEngine

from .build import build_model
from .errors import BuildError, EngineWarning, Unsupported
from .python import PythonEngine
from .runtime.engine import CompiledEngine

__all__ = ["Simulator"]

_ENGINES = ("auto", "compiled", "python")


class Simulator(AmaranthSimulator):
    """Simulator for Amaranth designs, with the interface of `amaranth.sim.Simulator`.

    Parameters
    ----------
    toplevel : amaranth.hdl.Elaboratable
        Simulated design.
    engine : str
        ``"python"``: Amaranth's own simulator. ``"compiled"``: the design as machine code.
        ``"auto"``: compiled if that is possible, else Amaranth's with one `EngineWarning`; the
        environment variable ``VAPIC_ENGINE`` has the say over it.
    probes : iterable of values, interfaces, or lists or dicts of such
        Values besides the ports of `toplevel` that testbenches read often. All signals can be
        read; combinational ones that are neither ports nor probes are computed when they are
        looked at, by a library that is built for it the first time.

    Attributes
    ----------
    engine : str
        ``"python"`` or ``"compiled"``: what it runs on.

    Raises
    ------
    ValueError
        If there is no such engine.
    Unsupported
        With ``"compiled"``, if the design has something it can't do.
    BuildError
        With ``"compiled"``, if the design can't be compiled on this machine.
    """

    def __init__(self, toplevel: Any, *, engine: str = "auto", probes: Iterable[Any] = ()):
        if engine == "auto":
            engine = os.environ.get("VAPIC_ENGINE") or "auto"
        if engine not in _ENGINES:
            raise ValueError(f"engine must be one of {', '.join(_ENGINES)}, not {engine!r}")
        self.engine = "python"

        def choose(design: Any) -> Any:
            if engine != "python":
                try:
                    model = build_model(design, toplevel, probes)
                except (BuildError, Unsupported) as error:
                    if engine == "compiled":
                        raise
                    warnings.warn(f"simulating with Amaranth's own simulator: {error}",
                                  EngineWarning, stacklevel=5)
                else:
                    self.engine = "compiled"
                    return CompiledEngine(design, model)
            return PythonEngine(design)

        # Amaranth takes classes of engines, and makes them with the design.
        super().__init__(toplevel, engine=type("Chosen", (BaseEngine,), {
            "__new__": lambda cls, design: choose(design)}))

    def run(self) -> None:
        """Run until no critical testbench or process remains."""
        if not isinstance(self._engine, CompiledEngine):
            return super().run()
        self._running = True
        while self._engine.advance(single=False):
            pass
        return None

    def run_until(self, deadline: float) -> None:
        """Run until a time in seconds, whatever is critical."""
        if not isinstance(self._engine, CompiledEngine):
            return super().run_until(deadline)
        self._running = True
        return self._engine.run_until(int(deadline * 1e15))
