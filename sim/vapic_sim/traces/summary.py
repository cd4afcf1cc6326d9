"""What was read of a file, and what was not: numbers for machines, remarks for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .words import counted

__all__ = ["WORDS", "Gap", "Remark", "SourceCount", "Summary"]

#: Rules by which lines are passed over, and what a person calls one such line and several.
WORDS = {
    "comment": ("comment", "comments"),
    "head": ("line of a head", "lines of heads"),
    "event": ("other event", "other events"),
    "record": ("record without a name", "records without a name"),
    "stack": ("line of a stack", "lines of stacks"),
    "text": ("further line of printed text", "further lines of printed text"),
    "buffer": ("remark about buffers", "remarks about buffers"),
    "switch": ("unread switch of tasks", "unread switches of tasks"),
}


@dataclass(frozen=True)
class Remark:
    """Something that the reader guessed or left out.

    Parameters
    ----------
    kind : str
        For machines, as ``gap``.
    count : int
        How often.
    words : str
        For people, with the number.
    """

    kind: str
    count: int
    words: str


@dataclass(frozen=True)
class SourceCount:
    """A source: its name, its interrupts, and how many a second over the whole recording."""

    name: str
    count: int
    per_second: float | None


@dataclass(frozen=True)
class Gap:
    """Where the recorder lost events.

    Parameters
    ----------
    cpu : int or None
        The CPU; None where the recording does not say.
    count : int
        Gaps.
    lost : int
        Events that the recording says were lost in them; what it does not number is not in it.
    """

    cpu: int | None
    count: int
    lost: int


@dataclass(frozen=True)
class Summary:
    """All of a reading but the interrupts themselves.

    Parameters
    ----------
    file : str
        Name of the file.
    format : str
        What it was read as.
    scores : mapping of str to float
        Share of the first lines that each format explains.
    lines : int
        Lines of the file.
    interrupts : int
        How many there are.
    estimated : int
        Those of them whose service time nobody measured.
    first_ns, last_ns : int
        Times of the first and the last interrupt.
    sources : tuple of SourceCount
        The busiest first.
    gaps : tuple of Gap
        By CPU.
    passed : mapping of str to int
        Lines passed over by each rule.
    unexplained : int
        Lines passed over without a rule.
    unexplained_line : int or None
        The first of them.
    remarks : tuple of Remark
        What to know besides.
    """

    file: str
    format: str
    scores: Mapping[str, float]
    lines: int
    interrupts: int
    estimated: int
    first_ns: int
    last_ns: int
    sources: tuple[SourceCount, ...]
    gaps: tuple[Gap, ...] = ()
    passed: Mapping[str, int] = field(default_factory=dict)
    unexplained: int = 0
    unexplained_line: int | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def seconds(self) -> float:
        """Time from the first to the last interrupt."""
        return (self.last_ns - self.first_ns) / 1e9

    def to_dict(self) -> dict:
        """The object that ``--json`` prints."""
        return {
            "file": self.file, "format": self.format,
            "score": round(self.scores.get(self.format, 0.0), 4),
            "scores": {name: round(score, 4) for name, score in self.scores.items()},
            "lines": self.lines, "count": self.interrupts, "estimated": self.estimated,
            "first_ns": self.first_ns, "last_ns": self.last_ns,
            "sources": [{"name": one.name, "count": one.count,
                         "per_second": None if one.per_second is None
                         else round(one.per_second, 3)} for one in self.sources],
            "gaps": [{"cpu": gap.cpu, "count": gap.count, "lost": gap.lost} for gap in self.gaps],
            "passed_over": {"by_rule": dict(self.passed), "without_rule": self.unexplained,
                            "first_without_rule": self.unexplained_line},
            "remarks": [{"kind": one.kind, "count": one.count} for one in self.remarks],
        }

    @property
    def passed_words(self) -> list[str]:
        """Lines passed over, in words: ``12 comments``."""
        words = [f"{count:,} {WORDS[rule][count != 1]}" for rule, count in self.passed.items()]
        if self.unexplained:
            words.append(f"{counted(self.unexplained, 'line')} without a rule "
                         f"(the first is {self.unexplained_line})")
        return words
