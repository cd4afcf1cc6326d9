"""Reader of ftrace text: ``/sys/kernel/tracing/trace`` and ``trace-cmd report``."""

import re

from .kernel import Event, is_known

__all__ = ["ftrace_line"]

_LINE = re.compile(
    r"\s*(?P<task>\S.*?)\s*\[(?P<cpu>\d+)\]\s+(?:(?P<flags>\S+)\s+)?"
    r"(?P<seconds>\d+)\.(?P<part>\d+):\s+(?:(?P<event>\w+):(?:\s+(?P<text>.*))?|(?P<other>.*))$")
_NO_SECONDS = re.compile(r".*\[\d+\]\s+(?:\S+\s+)?\d+:\s+\w+:")


def ftrace_line(text: str) -> Event | None:
    """One line; comments, stacks, records that are no events, and heads of reports give None.

    Raises
    ------
    ValueError
        With what was expected.
    """
    if text.startswith(("#", "cpus=", "version =", "CPU ", " => ")):
        return None
    found = _LINE.match(text)
    if found is None:
        if _NO_SECONDS.match(text):
            raise ValueError("a time in seconds (record with trace_clock local, global or mono)")
        raise ValueError("TASK-PID [CPU] FLAGS SECONDS: EVENT: ...")
    micro = round(int(found["seconds"]) * 1e6 + float("0." + found["part"]) * 1e6, 3)
    if found["event"] is None:
        # A record that is no event, such as ``function <-caller`` or ``<stack trace>``.
        word, _, rest = found["other"].replace(":", " ", 1).partition(" ")
        if is_known(word) and not rest.lstrip().startswith("<-"):
            raise ValueError(f"a colon and a space after {word}")
        return None
    return Event(int(found["cpu"]), micro, found["event"], found["text"] or "")
