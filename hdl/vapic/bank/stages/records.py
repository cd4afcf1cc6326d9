"""Records between the stages of the pipeline; each is the one before and what has become known."""

from amaranth import Module
from amaranth.lib import data

from ..head import head_layout
from ..operation import op_layout
from ..upcall import terms_layout

__all__ = ["fetched", "pass_on", "subject", "summed", "updated"]


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
        **_fields(fetched(config)),
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
        **_fields(subject(config)),
        "put": 1,           # `vector` becomes pending
        "inject": 1,        # it is the upcall vector
        "applied": 1,       # a CTL write that is not ignored
        "changed": 1,       # a term of eligibility changed value
        "old": data.StructLayout({"online": 1, "dom": 4, "k": 6}),  # placement before it
    })


def summed(config) -> data.StructLayout:
    """What it makes of the bitmaps."""
    return data.StructLayout({
        **_fields(updated(config)),
        "hit": 1,           # `vector` was pending already
        "eoi": 1,           # of a level triggered vector, to be broadcast (LAPIC-17)
    })


def pass_on(m: Module, stage) -> None:
    """Register every field of ``stage.i`` in ``stage.o``."""
    m.d.sync += [stage.o[name].eq(stage.i[name]) for name in stage.i.shape().members]


def _fields(layout: data.StructLayout) -> dict:
    return dict(layout.members)
