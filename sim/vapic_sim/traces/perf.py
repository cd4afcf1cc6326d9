"""Text of ``perf script``."""

import re

from .ftrace import KNOWN
from .grammar import Grammar, rules_of

__all__ = ["PERF"]

#: Not a chain of callers, which is most lines: an address, and no time after it. Then task, and pid
#: or pid/tid; without a pid there must be a CPU, and no pid after a hyphen, as ftrace has it. CPU,
#: if it is printed, and flags; time; perhaps a period; the event, with its system and modifiers.
_LINE = re.compile(
    rb"(?:(?!#|[ \t]+[0-9a-f]+[ \t](?![^\n]*\d\.\d+:[ \t]))"
    rb"[ \t]*(?:(?:[^\n]*?[ \t])?-?\d+(?:/-?\d+)?[ \t]+|(?=\[)"
    rb"|(?![^\n\[]*-\d+[ \t]+(?:\([ \t\d-]+\)[ \t]+)?\[)"
    rb"[^\n]*?[ \t](?=\[\d+\][ \t]+\d+\.\d+:[ \t]))"
    rb"(?:\[(\d+)\][ \t]+(?:[^\s\d]\S*[ \t]+)?)?"
    rb"(\d+)\.(\d+):[ \t]+(?:\d+[ \t]+)?(?:(?!PERF_RECORD_LOST)(\S+):"
    rb"(?:([ \t][^\n]*))?|([^\n]+))"
    rb"|([^\n]*))\n")
_SYSTEMS = {"entry": "irq", "exit": "irq", "switch": "sched", "in": "irq_vectors",
            "out": "irq_vectors"}
_KNOWN = KNOWN | {b"%b:%b" % (_SYSTEMS[kind].encode(), name): kind
                  for name, kind in KNOWN.items()}
#: What stands before the time of an event: a pid, or the CPU.
_TASK = re.compile(rb"(?:.*[ \t])?(?:-?\d+(?:/-?\d+)?|\[\d+\])(?:[ \t].*)?$")
#: Chains of callers have an address of any width; then a file and a line, if asked for.
_STACK = {"chain": rb"[ \t]+[0-9a-fA-F]+(?:[ \t]|$)|[ \t]+\S+:\d+[ \t]*$|[ \t]+\[\w+\][ \t]*$"}

PERF = Grammar(
    "perf", "the text of `perf script`", _LINE, _KNOWN, rules_of(_STACK),
    "COMM PID [CPU] SECONDS: SYSTEM:EVENT: ...", _TASK,
    no_cpu="a CPU in brackets, as `perf script -F +cpu` (without -L) prints it")
