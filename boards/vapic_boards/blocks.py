"""What can be measured: the controller and each of its blocks, by name."""

from amaranth.lib import wiring

from vapic.access.unit import AccessUnit
from vapic.bank.unit import Bank
from vapic.config import Config
from vapic.controller import Controller
from vapic.dispatch.unit import Dispatch
from vapic.evtchn.unit import EventChannels
from vapic.ioapic.unit import Ioapic

__all__ = ["BLOCKS", "WHOLE", "component"]

#: Name of the controller as a whole.
WHOLE = "controller"
_KINDS = {WHOLE: Controller, "access": AccessUnit, "ioapic": Ioapic, "dispatch": Dispatch,
          "bank": Bank, "evtchn": EventChannels}
#: Names of the parts, in the order of an interrupt.
BLOCKS = tuple(name for name in _KINDS if name != WHOLE)


def component(name: str, config: Config) -> wiring.Component:
    """The controller, or one of `BLOCKS`, of these sizes.

    Raises
    ------
    ValueError
        If there is no block of that name.
    """
    if name not in _KINDS:
        raise ValueError(f"no block {name!r}; there are {', '.join(_KINDS)}")
    return _KINDS[name](config)
