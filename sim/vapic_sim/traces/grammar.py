"""What a format of kernel traces is made of, and the parts that several of them share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .columns import MOST_NS
from .handlers import Malformed

__all__ = ["TEXT_BYTES", "TOO_LATE", "VECTORS", "Grammar", "is_interrupt", "rules_of", "stamp"]

#: Events of irq_vectors are pairs ``<vector>_entry`` and ``<vector>_exit``.
VECTORS = (
    "local_timer", "spurious_apic", "error_apic", "x86_platform_ipi", "irq_work", "reschedule",
    "call_function", "call_function_single", "threshold_apic", "deferred_error_apic",
    "thermal_apic")
#: A gap: its CPU, and how many events were lost, if the recorder says so. Some recorders put
#: the name of a file or host before it.
_GAP = (rb"[ \t]*(?:(?!CPU)\S+:[ \t]+)?(?:CPU:?[ \t]?(?P<cpu>\d{1,5})[ \t]+)?"
        rb"\[(?:LOST[ \t]+)?(?P<lost>\d{1,18})?[ \t]*EVENTS?(?:[ \t]+(?:LOST|DROPPED))?\][ \t]*$")
#: Rules that all kernel formats share, by name, the most frequent first.
_RULES = {
    # A stack of functions, or of bare addresses, however far to the right.
    "stack": rb"[ \t]*=>(?:[ \t]|$)|[ \t]*<(?:user )?stack trace>",
    "comment": rb"#",
    # The graph of functions; it has events as comments, which are not passed over in silence.
    "record": rb"[ \t]*(?:\d+\.\d+[ \t]+\|[ \t]+)?\d+\)[ \t](?!.*/\* irq_handler_e)[^\n|]*\|",
    "gap": _GAP,
    "head": rb"[ \t]*(?:\S+:[ \t]+)?(?:cpus=\d+[ \t]*$|version[ \t]*=|"
            rb"CPU[ \t:]*\d+ (?:is empty|has )|capturing trace\.\.\.|TRACE:[ \t]*$|done[ \t]*$)",
    "buffer": rb"[ \t]*(?:(?!CPU)\S+:[ \t]+)?CPU:?[ \t]?\d+[ \t]+(?:\[[A-Z ]+\]|buffer started)|"
              rb"[ \t]*(?:PADDING|TIME EXTEND|TIME STAMP): |-+ .*(?:buffer|page).* -+",
}
#: Printed text that goes on in further lines has at most so many bytes: a page of the kernel.
TEXT_BYTES = 4096

_STAMP = re.compile(rb"(?:^|[ \t])\d+(?:\.\d+|us[ !+#*@$]?)?:[ \t]")
_NAME = re.compile(rb"[ \t]*(?:\([+-]?\d+\)[ \t]+)?(?:\d+[ \t]+)?(?:\w+:)?"
                   rb"irq_handler_(?:entry|exit)(?!\w)(?![ \t]*<-)")
_FRACTION = 9
TOO_LATE = "a time below 292 years"


@dataclass(frozen=True)
class Grammar:
    """A format of kernel traces.

    Parameters
    ----------
    name : str
        As ``--format`` has it.
    title : str
        What people call it.
    line : compiled expression of bytes
        One whole line with its end. Groups: CPU, seconds, part of a second, name of the event,
        its text, a record without a name, any other line. It matches every line.
    known : mapping of bytes to str
        Events that are read, and what each is to the reader.
    rules : compiled expression of bytes
        Lines that are passed over; the group that matches is the rule's name. ``gap`` is one.
    expected : str
        A whole line, for messages.
    task : compiled expression of bytes
        What stands before the time in a line of an event.
    no_cpu : str
        What to say if an event has no CPU.
    padded : bool
        Whether texts of events begin in one column, which tells the format from its like.
    """

    name: str
    title: str
    line: re.Pattern[bytes]
    known: dict[bytes, str]
    rules: re.Pattern[bytes]
    expected: str
    task: re.Pattern[bytes]
    no_cpu: str = ""
    padded: bool = False


def rules_of(extra: Mapping[str, bytes] | None = None) -> re.Pattern[bytes]:
    """Rules that all share and those of one format, as one expression."""
    parts = [b"(?P<%b>%b)" % (name.encode(), rule)
             for name, rule in (dict(extra or {}) | _RULES).items()]
    return re.compile(b"|".join(parts))


def is_interrupt(line: bytes, task: re.Pattern[bytes]) -> bool | None:
    """Whether the first event name after the time stamp is that of an interrupt's handler.

    None says that it is, but that nothing before the time looks like an event's line: in the
    lines after printed text it belongs to the text.
    """
    if b"irq_handler_" not in line:
        return False
    found = _STAMP.search(line)
    if found is None or not _NAME.match(line, found.end()):
        return False
    return True if task.match(line[:found.start()]) else None


def stamp(seconds: bytes, part: bytes) -> int:
    """A time in nanoseconds, however it is written.

    Raises
    ------
    Malformed
        If it is no time in seconds, or out of range.
    """
    if len(seconds) > 19:
        raise Malformed(TOO_LATE, seconds)
    if not part:
        raise Malformed("a time in seconds (record with trace_clock local, global or mono)")
    if part.startswith(b"us"):
        time = int(seconds) * 1000
    else:
        time = int(seconds) * 10**9 + int(part[:_FRACTION].ljust(_FRACTION, b"0"))
    if time > MOST_NS:
        raise Malformed(TOO_LATE, seconds)
    return time
