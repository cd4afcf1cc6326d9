"""Text of ``trace-cmd report``: lines of ftrace text whose events are in columns."""

from .ftrace import KNOWN, LINE, TASK
from .grammar import Grammar, rules_of

__all__ = ["TRACE_CMD"]

TRACE_CMD = Grammar(
    "trace-cmd", "the text of `trace-cmd report`", LINE, KNOWN, rules_of(),
    "TASK-PID [CPU] SECONDS: EVENT: ... (`trace-cmd report` without -l and -R)", TASK, padded=True)
