"""Text of ``/sys/kernel/tracing/trace``, and what systrace and atrace make of it."""

import re

from .grammar import VECTORS, Grammar, rules_of

__all__ = ["FTRACE", "KNOWN", "LINE", "TASK"]

#: Task and pid, perhaps the thread group; CPU in brackets or, in the latency format, bare before
#: the flags; flags, if any; a time in seconds, in microseconds of the latency format, or in the
#: ticks of another clock; perhaps the time since the event before; the event.
LINE = re.compile(
    rb"(?:(?!#)[^\n]*?-\d+[ \t]+(?:\([ \t\d-]+\)[ \t]+)?"
    rb"(?:\[(?=\d+\])|(?=\d+[^\s\d\].]))(\d+)(?:\][ \t]+)?(?:[^\s\d]\S*[ \t]+)?"
    rb"(\d+)(?:\.?(\d+|us[ !+#*@$]?))?:[ \t]+(?:\([+-]?\d+\)[ \t]+)?"
    rb"(?:(?:(?:irq|sched|irq_vectors):)?(\w+):(?:([ \t][^\n]*))?|([^\n]+))"
    rb"|([^\n]*))\n")
KNOWN = {b"irq_handler_entry": "entry", b"irq_handler_exit": "exit", b"sched_switch": "switch",
         **{f"{vector}_entry".encode(): "in" for vector in VECTORS},
         **{f"{vector}_exit".encode(): "out" for vector in VECTORS}}
#: What stands before the time of an event: a task and its pid, or the CPU, at least.
TASK = re.compile(rb"[ \t]*(?:\S.*?-\d+|\[\d{3}\])(?:[ \t]|$)")

FTRACE = Grammar(
    "ftrace", "ftrace text", LINE, KNOWN, rules_of(),
    "TASK-PID [CPU] FLAGS SECONDS: EVENT: ...", TASK)
