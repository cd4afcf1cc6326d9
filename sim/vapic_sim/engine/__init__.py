"""A compiled simulator behind the interface of `amaranth.sim`."""

from .errors import BuildError, EngineWarning, Unsupported
from .simulator import Simulator

__all__ = ["BuildError", "EngineWarning", "Simulator", "Unsupported"]
