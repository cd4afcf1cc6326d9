"""The subcommand `vapic regs`."""

import argparse
import json
from collections.abc import Callable, Iterable
from typing import Any

from ..cli import CommandError
from ..config import Config
from ..regs import GROUPS, REGISTERS, Register, address, find, lookup, regsel
from .c import to_c
from .markdown import access, place, reset, to_markdown
from .options import add_config_options, read_config
from .svd import to_svd

__all__ = ["regs"]


def regs(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Show the registers, or write them as Markdown, JSON, C header or CMSIS-SVD.

    Without a format, a list; with a name or a byte offset from the block base, that register and
    its fields. Examples:

      vapic regs
      vapic regs VCPU_CTL
      vapic regs 0x400320
      vapic regs --c --vcpus 64 > vapic_regs.h
      vapic regs --svd --config board.toml > vapic.svd

    Sizes say how long arrays are, what they reset to and which offsets exist.
    """
    parser.add_argument("what", metavar="NAME|ADDRESS", nargs="?",
                        help="one register, by its name or by a byte offset such as 0x400320")
    formats = parser.add_mutually_exclusive_group()
    for name, text in (("markdown", "a page of all registers, as docs/registers.md"),
                       ("json", "all that is known, for other tools"),
                       ("c", "a header with offsets, fields, commands and error numbers"),
                       ("svd", "a CMSIS-SVD file")):
        formats.add_argument(f"--{name}", dest="format", action="store_const", const=name,
                             help=text)
    add_config_options(parser)
    return _run


def _run(arguments: argparse.Namespace) -> int:
    config, what, form = read_config(arguments), arguments.what, arguments.format
    whole = {"markdown": lambda _: to_markdown(), "c": to_c, "svd": to_svd}
    if form in whole:
        if what is not None:
            raise CommandError(f"--{form} is of all registers: leave out {what}")
        print(whole[form](config), end="")
        return 0
    found = _find(what, config) if what is not None else None
    if form == "json":
        print(json.dumps(_data([found[0]] if found else _all(), config), indent=2))
    elif found:
        print("\n".join(_detail(*found, config)))
    else:
        print("\n".join(_list()))
    return 0


def _all() -> Iterable[Register]:
    return [register for group in GROUPS.values() for register in group]


def _find(what: str, config: Config) -> tuple[Register, tuple[int, ...] | None]:
    """Register meant, with its index if an address was given."""
    try:
        offset = int(what, 0)
    except ValueError:
        try:
            return lookup(what.upper()), None
        except ValueError as error:
            raise CommandError(str(error).replace("vapic regs lists them",
                                                  "vapic regs without a name lists them")) from None
    found = find(offset & ~3) if offset >= 0 else None
    if found is None:
        near = sorted(REGISTERS.values(), key=lambda r: abs(r.offset - offset))[:2]
        names = " and ".join(f"{r.name} at {r.offset:#x}" for r in near)
        raise CommandError(f"no register at {what}; near it are {names}")
    register, index = found
    for number, dim in zip(index, register.dims, strict=True):
        if number >= dim.count(config):
            raise CommandError(
                f"{what} would be {_element(register, index)}, but {dim.name} < {dim.text} = "
                f"{dim.count(config)} in this configuration; say more with the size options")
    return found


def _element(register: Register, index: tuple[int, ...] | None) -> str:
    return register.name + "".join(f"[{i}]" for i in index or ())


def _list() -> list[str]:
    lines = []
    for title, registers in GROUPS.items():
        lines += ["", f"{title} (numbers for IOA_REGSEL)" if registers[0].indirect else title]
        lines += [f"  {place(r):<26} {r.name:<18} {access(r):<3} {r.right}  {r.text}"
                  for r in registers]
    return lines[1:]


def _detail(register: Register, index: tuple[int, ...] | None, config: Config) -> list[str]:
    where = f"number {place(register)} of IOA_REGSEL" if register.indirect else place(register)
    if index is not None:
        where = f"{address(register.name, *index):#x}"
    lines = [f"{_element(register, index)} at {where}: {register.text} ({register.spec})"]
    lines += [f"  {dim.name} < {dim.text} = {dim.count(config)}" for dim in register.dims]
    who = {"V": "the VMM alone", "S": "the master it names, and the VMM",
           "I": "the VMM, and the domain of IOA_OWNER with CTRL.ioa_deleg"}[register.right]
    lines.append(f"  access {access(register)} by {who}")
    if not register.exists(config):
        lines.append("  not built: reads 0, writes are ignored" + (
            f"; --policies with {register.policy} builds it" if register.policy else ""))
    for part in register.fields:
        bits = f"[{part.top}:{part.low}]" if part.bits > 1 else f"[{part.low}]"
        value = part.reset_of(config, *index) if index is not None else None
        shown = reset(part) if value is None else f"{value:#x}"
        names = ", ".join(f"{number} {name}" for number, name in part.values.items())
        text = "; ".join(t for t in (part.text, names) if t)
        lines.append(f"  {bits:<8} {part.name:<18} {access(register, part):<3} "
                     f"reset {shown:<12} {text}".rstrip())
    return lines


def _data(registers: Iterable[Register], config: Config) -> list[dict[str, Any]]:
    result = []
    for r in registers:
        first = [0] * len(r.dims)
        result.append({
            "name": r.name, "offset": (regsel if r.indirect else address)(r.name, *first),
            "indirect": r.indirect, "also": list(r.also), "access": r.access.value,
            "right": r.right, "built": r.exists(config), "kept": r.keep.value, "spec": r.spec,
            "text": r.text, "partial": r.partial,
            "dims": [{"name": d.name, "stride": d.stride, "count": d.count(config)}
                     for d in r.dims],
            "fields": [{
                "name": f.name, "low": f.low, "bits": f.bits, "access": r.access_of(f).value,
                "reset": f.reset_of(config, *first), "built": f.built,
                "values": {str(v): name for v, name in f.values.items()}, "text": f.text,
            } for f in r.fields]})
    return result
