"""Commit records: what the controller decides, in one order (GEN-09). Simulation only.

Every decision that changes state or answers an access becomes one record. `table` says which there
are and what they hold; `recorder` makes those of a unit; `order` numbers all of them.
"""

from .order import CommitOrder
from .recorder import Recorder, record_ports
from .table import TABLE, UNITS, Op, Row, Value, place

__all__ = [
    "TABLE", "UNITS", "CommitOrder", "Op", "Recorder", "Row", "Value", "place", "record_ports",
]
