"""Reader of the text that ``perf script`` prints."""

import re

from .kernel import Event

__all__ = ["perf_line"]

_LINE = re.compile(
    r"\s*(?P<task>\S.*?)\s+(?P<pid>-?\d+(?:/-?\d+)?)\s+\[(?P<cpu>\d+)\]\s+(?:(?P<flags>\S+)\s+)?"
    r"(?P<seconds>\d+)\.(?P<part>\d+):\s+(?:\d+\s+)?(?P<event>[\w-]+(?::[\w-]+)+):"
    r"(?:\s+(?P<text>.*))?$")
_STACK = re.compile(r"\s+[0-9a-f]{4,16} ")


def perf_line(text: str) -> Event | None:
    """One line; comments and call stacks give None.

    Raises
    ------
    ValueError
        With what was expected.
    """
    if text.startswith("#"):
        return None
    found = _LINE.match(text)
    if found is None:
        if _STACK.match(text):
            return None
        raise ValueError("COMM PID [CPU] SECONDS: SYSTEM:EVENT: ...")
    micro = round(int(found["seconds"]) * 1e6 + float("0." + found["part"]) * 1e6, 3)
    name = found["event"].split(":")[1]
    return Event(int(found["cpu"]), micro, name, found["text"] or "")
