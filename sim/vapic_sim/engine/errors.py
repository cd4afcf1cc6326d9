"""What can go wrong with the compiled engine, and the warning of falling back."""

__all__ = ["BuildError", "EngineWarning", "Unsupported"]


class Unsupported(Exception):
    """The compiled engine can't do this; the message says what, why, and what to do."""


class BuildError(Exception):
    """The compiled model could not be built; the message says what failed and how to mend it."""


class EngineWarning(UserWarning):
    """``engine="auto"`` runs on Amaranth's own simulator, and why."""
