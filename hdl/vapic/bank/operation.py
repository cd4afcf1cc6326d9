"""An operation of the bank, as it goes through the pipeline."""

from amaranth.lib import data

from ..record import Op

__all__ = ["Op", "ctl_layout", "op_layout"]


def op_layout(config) -> data.StructLayout:
    """An operation in the pipeline; data of bus accesses and CTL writes are held elsewhere."""
    return data.StructLayout({
        "valid": 1, "kind": Op, "v": config.vcpu_bits,
        "vector": 8, "level": 1, "single": 1, "illegal": 1,     # ACCEPT
        "n": config.pirq_bits, "first": 1, "last": 1,           # ACCEPT, read by its record alone
        "pend": 1, "line": 1, "rise": 1,                        # UPCALL
    })


def ctl_layout() -> data.StructLayout:
    """Value written to VCPU.CTL, and what the event channels know of the lane it names."""
    return data.StructLayout({
        "online": 1, "freeze": 1, "pad2": 2, "dom": 4, "apicid": 8, "pad16": 8, "k": 6, "pad30": 2,
        "held": 1,
    })
