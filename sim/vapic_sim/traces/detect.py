"""Which format a file has: the one whose grammar and rules explain most of its first lines."""

from collections.abc import Mapping

from .csv_ import TITLE, explains_row
from .ftrace import FTRACE
from .grammar import TEXT_BYTES, Grammar
from .perf import PERF
from .trace import TraceError
from .tracecmd import TRACE_CMD

__all__ = ["FORMATS", "GRAMMARS", "HEAD_BYTES", "choose", "scores"]

#: Bytes of decoded text that are looked at.
HEAD_BYTES = 64 << 10
#: The least share of the lines that a format has to explain.
_LEAST = 0.5
#: Kernel formats by name; of equals the first is taken, CSV after them.
GRAMMARS: Mapping[str, Grammar] = {one.name: one for one in (PERF, TRACE_CMD, FTRACE)}
#: What ``--format`` takes, and what people call it.
FORMATS = {name: one.title for name, one in GRAMMARS.items()} | {"csv": TITLE}
#: Column of the text after an event's name in padded formats; raw fields begin a column later.
_COLUMN = 22


def scores(head: bytes) -> dict[str, float]:
    """Share of the lines that each format explains, 0 if there is no event or row among them.

    Parameters
    ----------
    head : bytes
        First lines of the file, whole ones.
    """
    lines = [line for line in head.split(b"\n") if line.strip() and not line.startswith(b"#")]
    if not lines:
        return dict.fromkeys(FORMATS, 0.0)
    found = {name: _kernel(one, lines) for name, one in GRAMMARS.items()}
    rows = sum(explains_row(line.decode("utf-8", "replace")) for line in lines)
    return found | {"csv": rows / len(lines)}


def _kernel(grammar: Grammar, lines: list[bytes]) -> float:
    explained = events = room = 0
    for line in lines:
        *_, name, text, record, _ = grammar.line.findall(line + b"\n")[0]
        if name or record:
            events += 1
            explained += not grammar.padded or bool(record) or _padded(name, text)
            room = 0 if name in grammar.known else TEXT_BYTES
        elif grammar.rules.match(line):
            explained += 1
            room = 0
        elif room > len(line):
            explained += 1
            room -= len(line)
    return explained / len(lines) if events else 0.0


def _padded(name: bytes, text: bytes) -> bool:
    blanks = len(text) - len(text.lstrip(b" "))
    return not text.strip() or blanks >= max(1, _COLUMN - 1 - len(name))


def choose(name: str, head: bytes, found: Mapping[str, float]) -> str:
    """The format with the best score.

    Raises
    ------
    TraceError
        If none explains half of the lines; with the scores.
    """
    best = max(found, key=lambda one: found[one])
    if found[best] >= _LEAST:
        return best
    if not head.strip():
        raise TraceError(f"{name}: no interrupt in this trace: the file is empty")
    if not any(line.strip() and not line.startswith(b"#") for line in head.split(b"\n")):
        raise TraceError(f"{name}: no interrupt in this trace: it begins with comments only")
    shares = ", ".join(f"{one} {share:.0%}" for one, share in found.items())
    hint = "; it is no text" if b"\0" in head else ""
    if b"|" in head and (b"_handler_entry" in head or b"() {" in head):
        hint = "; the tracer function_graph has interrupts as comments: record with `nop`"
    raise TraceError(f"{name}: no format explains half of the first lines ({shares}){hint}; "
                     f"--format names one: {', '.join(FORMATS)}")
