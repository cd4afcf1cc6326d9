"""Stages of the bank's pipeline: each takes a record and hands one on, from registers.

`LookupStage`, `SubjectStage`, `RegisterStage`, `BitmapStage`, `DecideStage`; `records` has what
goes between them.
"""

from .bitmaps import BitmapStage
from .decide import DecideStage
from .lookup import LookupStage
from .registers import RegisterStage
from .subject import SubjectStage

__all__ = ["BitmapStage", "DecideStage", "LookupStage", "RegisterStage", "SubjectStage"]
