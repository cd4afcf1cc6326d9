"""Golden model in plain Python, written from the specification alone."""

from .machine import Model
from .params import Params
from .policy import Policy
from .records import AcceptResult, BusResult, Err, Mismatch, Outcome, Record, Sched, Trace

__all__ = [
    "AcceptResult", "BusResult", "Err", "Mismatch", "Model", "Outcome", "Params", "Policy",
    "Record", "Sched", "Trace",
]
