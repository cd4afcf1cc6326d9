"""Stages of the bank's pipeline: each takes a record and hands one on, from registers.

`LookupStage`, `SubjectStage`, `UpcallStage`, `BitmapStage`, `DecideStage`; `records` has what goes
between them.
"""

from .bitmaps import BitmapStage
from .decide import DecideStage
from .lookup import LookupStage
from .subject import SubjectStage
from .upcall import UpcallStage

__all__ = ["BitmapStage", "DecideStage", "LookupStage", "SubjectStage", "UpcallStage"]
