"""Event channels: port rows, commands, upcalls."""

from .unit import EventChannels

__all__ = ["EventChannels"]
