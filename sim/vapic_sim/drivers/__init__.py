"""The usual accesses by name, as software of every role makes them; firmware follows these names.

`vmm_init`, `entry_init` and `entry_write` are the VMM's; `lapic_init`, `inta`, `eoi` those of a
vCPU at its local APIC; `bind`, `unmask`, `send` and the others those of a domain at its event
channels; `upcall_loop` is what a vCPU does when it is called up.
"""

from .events import (
    CommandFailed,
    alloc_unbound,
    bind,
    bind_interdomain,
    claim,
    close,
    command,
    fast_result,
    issue,
    pirq_eoi,
    result,
    send,
    unmask,
)
from .lapic import eoi, inta, lapic_init
from .registers import Registers
from .upcall import upcall_init, upcall_loop
from .vmm import entry_init, entry_write, indirect_read, indirect_write, vmm_init

__all__ = [
    "CommandFailed", "Registers", "alloc_unbound", "bind", "bind_interdomain", "claim", "close",
    "command", "entry_init", "entry_write", "eoi", "fast_result", "indirect_read",
    "indirect_write", "inta", "issue", "lapic_init", "pirq_eoi", "result", "send", "unmask",
    "upcall_init", "upcall_loop", "vmm_init",
]
