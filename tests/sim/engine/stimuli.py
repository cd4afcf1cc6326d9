"""Random inputs for any component, made beforehand, biased so that something happens."""

import random

from amaranth.hdl import Cat, Const, Shape, Value
from amaranth.lib import data
from amaranth.lib.wiring import In

from vapic.regs import REGISTERS

STROBES = {"valid", "ready", "cyc", "stb", "en", "enable", "go", "start", "open", "owned",
           "request_ok", "ok", "online", "svr_enabled", "vmm", "first", "last"}


def ports(component):
    """Inputs and outputs of a component, each as a list of name and value; no constants."""
    inputs, outputs = [], []
    for path, member, value in component.signature.flatten(component):
        if not isinstance(Value.cast(value), Const):
            (inputs if member.flow is In else outputs).append((".".join(map(str, path)), value))
    return inputs, outputs


def flat(values):
    """All of some named values side by side, to set them in one go."""
    return Cat(*(Value.cast(value) for _, value in values))


def words(inputs, cycles, seed):
    """A value of all inputs side by side for each cycle.

    Parameters
    ----------
    inputs : list of name and value
        As of `ports`.
    cycles : int
        How many.
    seed : str
        Decides everything.

    Returns
    -------
    list of int
        To be assigned to `flat` of the inputs.
    """
    rng = random.Random(seed)
    table, at = [0] * cycles, 0
    for name, width in _leaves(inputs):
        choose = _chooser(rng, name, width)
        keep = rng.choice([0, 0, 0.5, 0.9])
        value = 0
        for cycle in range(cycles):
            if rng.random() >= keep:
                value = choose()
            table[cycle] |= value << at
        at += width
    return table


def _leaves(inputs):
    for name, value in inputs:
        yield from _fields(name, value.shape())


def _fields(name, shape):
    """Name and width of every field, in the order of their bits."""
    if isinstance(shape, type) and issubclass(shape, data.Struct):
        shape = data.Layout.cast(shape)
    if isinstance(shape, data.StructLayout):
        for key, field in shape:
            yield from _fields(f"{name}.{key}", field.shape)
    elif isinstance(shape, data.ArrayLayout):
        for index in range(shape.length):
            yield from _fields(f"{name}.{index}", shape.elem_shape)
    else:
        yield name, Shape.cast(shape).width


def _chooser(rng, name, width):
    """How to draw a value of this field."""
    last = next(part for part in reversed(name.split(".")) if not part.isdigit())
    if width == 1:
        chance = 0.8 if last in STROBES else 0.3
        return lambda: rng.random() < chance
    if last in ("addr", "adr") and width == 32:
        return lambda: _address(rng)
    if last == "sel":
        return lambda: 15 if rng.random() < 0.9 else rng.getrandbits(width)
    small, full = min(width, rng.choice([1, 2, 3])), (1 << width) - 1
    return lambda: rng.choice([
        rng.getrandbits(small), rng.getrandbits(small), rng.getrandbits(small) << width - small,
        rng.getrandbits(width), 1 << rng.randrange(width), full])


_REGISTERS = list(REGISTERS.values())


def _address(rng):
    """Mostly of a register that exists, of one of the first rows."""
    if rng.random() < 0.05:
        return rng.choice([rng.getrandbits(32), 0xFEE00000 | rng.getrandbits(20)])
    register = rng.choice(_REGISTERS)
    return register.offset + sum(rng.randrange(3) * stride for stride in register.strides)
