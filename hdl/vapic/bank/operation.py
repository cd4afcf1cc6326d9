"""An operation of the bank, and the records that go from stage to stage of the pipeline with it.

Each record is the one before and what has become known.
"""

from amaranth import Module
from amaranth.lib import data

from ..record import Op
from .head import head_layout, terms_layout

__all__ = ["Op", "ctl_layout", "fetched", "op_layout", "pass_on", "subject", "summed", "updated"]


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


def fetched(config) -> data.StructLayout:
    """An operation and the head row of its vCPU."""
    return data.StructLayout({
        "op": op_layout(config), "head": head_layout(config),
        "bus": 1, "accept": 1,      # it is valid and one of these
        # A bus access to these, with a right width; whether it is in force is not yet known.
        "inta": 1, "eoi": 1, "bitmap": 1, "upvec": 1,
    })


def subject(config) -> data.StructLayout:
    """What it is about, and what a bus access makes of the registers."""
    return data.StructLayout({
        **fetched(config).members,
        "vector": 8,
        "take": 1,          # INTA that takes a vector
        "end": 1,           # EOI in effect
        "spurious": 1,      # INTA that finds none (LAPIC-15)
        "pure_read": 1,     # an access that changes nothing
        "reset": 1,         # the bitmaps are empty from now on
        "renamed": 1,       # UPVEC names another vector
        "before": terms_layout(config),     # terms of eligibility before it
    })


def updated(config) -> data.StructLayout:
    """What it makes of all but the bitmaps."""
    return data.StructLayout({
        **subject(config).members,
        "put": 1,           # `vector` becomes pending
        "inject": 1,        # it is the upcall vector
        "applied": 1,       # a CTL write that is not ignored
        "changed": 1,       # a term of eligibility changed value
        "old": data.StructLayout({"online": 1, "dom": 4, "k": 6}),  # placement before it
    })


def summed(config) -> data.StructLayout:
    """What it makes of the bitmaps."""
    return data.StructLayout({
        **updated(config).members,
        "hit": 1,           # `vector` was pending already
        "eoi": 1,           # of a level triggered vector, to be broadcast (LAPIC-17)
    })


def pass_on(m: Module, stage) -> None:
    """Register every field of ``stage.i`` in ``stage.o``."""
    m.d.sync += [stage.o[name].eq(stage.i[name]) for name in stage.i.shape().members]
