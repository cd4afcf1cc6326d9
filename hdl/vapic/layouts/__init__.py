"""Every record and enumeration that crosses from one block to another.

Widths follow the configuration, so each record is an attribute of `Layouts`, made once from
a `vapic.Config` and handed to every block. Which block has which is in docs/ports.md, what
order decisions have in docs/commits.md.
"""

from ..config import Config
from ..numbers import SchedState
from ..policy import Policy
from .bus import BusRecords
from .enums import AcceptResult, Err, Mode, NoteOp, Outcome, SourceKind
from .lanes import LaneRecords
from .sinks import SinkRecords
from .sources import SourceRecords
from .told import ToldRecords

__all__ = [
    "AcceptResult", "Err", "Layouts", "Mode", "NoteOp", "Outcome", "Policy", "SchedState",
    "SourceKind",
]


class Layouts(BusRecords, SourceRecords, LaneRecords, SinkRecords, ToldRecords):
    """Records between the blocks of a controller.

    Parameters
    ----------
    config : Config
        Sizes of the controller.
    """

    def __init__(self, config: Config):
        self.config = config
        self._add_bus()
        self._add_sources()
        self._add_lanes()
        self._add_sinks()
        self._add_told()
