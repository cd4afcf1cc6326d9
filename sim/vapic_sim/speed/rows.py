"""What is measured, and what each figure ought to be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ROWS", "Disagreement", "Missing", "Result", "Row", "row_named"]

#: Tells in a few words what is being done now.
Say = Callable[[str], None]


class Missing(Exception):
    """A row can't be measured here; the message says what is missing and how to get it."""


class Disagreement(Exception):
    """Two simulations of the same ended in different states, so neither is worth timing."""


@dataclass(frozen=True)
class Row:
    """A figure that is measured.

    Parameters
    ----------
    name : str
        For ``--only``.
    key : str
        Its key in the JSON object.
    title : str
        For people.
    target : float
        What it ought to be.
    is_ratio : bool
        Whether it is a ratio, the more the better; else seconds, the fewer the better.
    """

    name: str
    key: str
    title: str
    target: float
    is_ratio: bool

    @property
    def target_text(self) -> str:
        """The target as people write it."""
        return f">= {self.target:g}" if self.is_ratio else f"<= {self.target:g} s"

    def reached(self, value: float | None) -> bool | None:
        """Whether a figure is as it ought to be; None of none."""
        if value is None:
            return None
        return value >= self.target if self.is_ratio else value <= self.target

    def text(self, value: float | None) -> str:
        """A figure as people write it."""
        if value is None:
            return "-"
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
        return f"{value:.{digits}f}{'' if self.is_ratio else ' s'}"


@dataclass(frozen=True)
class Result:
    """What came of a row.

    Parameters
    ----------
    value : float or None
        The figure; None if it could not be measured.
    note : str
        In one line, what it was made of, or why there is none.
    raw : dict
        The measurements behind it.
    """

    value: float | None
    note: str
    raw: dict[str, Any] = field(default_factory=dict)


ROWS = (
    Row("free_run", "free_run_ratio", "free run, compiled over Amaranth's simulator", 1000, True),
    Row("bench", "bench_ratio", "random traffic, compiled over Amaranth's simulator", 100, True),
    Row("native", "native_ratio", "free run, compiled over Verilator with a main in C++", 0.8,
        True),
    Row("build", "build_s", "first build of the controller with 16 vCPUs", 60, False),
    Row("cached", "cached_s", "the same design again, until its first cycle has run", 1, False),
    Row("run", "run_s", "vapic run: a whole trace under three policies", 10, False),
)


def row_named(name: str) -> Row:
    """Find a row by its name."""
    return next(row for row in ROWS if row.name == name)
