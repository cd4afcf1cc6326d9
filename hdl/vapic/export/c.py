"""The register map as a C header."""

from importlib.metadata import version

from ..config import Config
from ..regs import GROUPS, SELF, Command, Errno, Register

__all__ = ["to_c"]

_SIZES = {"N_RTE": "rtes", "N_IRT": "irts", "N_PIRQ": "pirqs", "N_VCPU": "vcpus",
          "N_LANE": "lanes", "N_DOM": "domains", "N_PORT": "ports", "N_VEC": "vectors"}


def to_c(config: Config) -> str:
    """A header for a configuration: offsets, fields, names of values, commands, error numbers.

    ``VAPIC_VCPU_CTL(v)`` is an offset from the block base; ``VAPIC_REGSEL_RTE_LOW(n)`` a number for
    IOREGSEL; a field has ``_SHIFT`` and ``_MASK``, the mask at its place in the word.
    """
    lines = [f"/* Registers of vapic {version('vapic')}, by vapic regs --c. */",
             "#ifndef VAPIC_REGS_H", "#define VAPIC_REGS_H", "",
             "/* Sizes. */"]
    lines += [_define(name, f"{getattr(config, key)}u") for name, key in _SIZES.items()]
    for title, registers in GROUPS.items():
        lines += ["", f"/* {title}. */"]
        for register in registers:
            lines += _register(register, config)
    lines += ["", "/* Commands, for EVT_CMD. */", _define("SELF", f"{SELF:#x}u")]
    lines += [_define(f"CMD_{command.name}", f"{command.value:#x}u") for command in Command]
    lines += ["", "/* Error numbers; results hold their negative. */"]
    lines += [_define(error.name, str(error.value)) for error in Errno]
    return "\n".join([*lines, "", "#endif", ""])


def _define(name: str, value: str) -> str:
    return f"#define VAPIC_{name} {value}"


def _register(register: Register, config: Config) -> list[str]:
    prefix = "REGSEL_" if register.indirect else ""
    indices = ", ".join(dim.name for dim in register.dims)
    terms = [f"{register.offset:#x}u",
             *(f"{dim.stride:#x}u * ({dim.name})" for dim in register.dims)]
    name = f"{prefix}{register.name}"
    lines = [_define(f"{name}({indices})" if indices else name, f"({' + '.join(terms)})")]
    for part in register.fields if register.exists(config) else ():
        stem = f"{register.name}_{part.name.upper()}"
        lines += [_define(f"{stem}_SHIFT", str(part.low)),
                  _define(f"{stem}_MASK", f"{part.mask:#x}u")]
        lines += [_define(f"{stem}_{value_name.upper()}", f"{value:#x}u")
                  for value, value_name in part.values.items()]
    return lines
