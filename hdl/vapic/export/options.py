"""Command-line options and files that describe a configuration."""

import argparse
import json
import tomllib
from dataclasses import Field, fields
from inspect import cleandoc
from pathlib import Path
from typing import Any

from ..cli import CommandError
from ..config import Config

__all__ = ["add_config_options", "read_config"]

#: Parameters that are for simulation alone.
_SIMULATION = ("commits",)
_READERS = {".toml": tomllib.loads, ".json": json.loads}


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--config`` and an option for each parameter that a circuit can have."""
    group = parser.add_argument_group("sizes")
    group.add_argument("--config", metavar="FILE", type=Path,
                       help="read sizes from a .toml or .json file; options given here win")
    texts = _texts()
    for field in _parameters():
        text = f"{texts.get(field.name, field.name)} (default {_shown(field)})"
        flag = "--" + field.name.replace("_", "-")
        # Options not given leave no trace, so that a file's value shows through.
        if field.type is bool:
            group.add_argument(flag, dest=field.name, default=argparse.SUPPRESS, help=text,
                               action=argparse.BooleanOptionalAction)
        elif field.type is int:
            group.add_argument(flag, dest=field.name, default=argparse.SUPPRESS, help=text,
                               metavar="N", type=_number)
        else:
            group.add_argument(flag, dest=field.name, default=argparse.SUPPRESS, help=text,
                               metavar="NAME,...", type=_names)


def read_config(arguments: argparse.Namespace) -> Config:
    """Make the configuration of parsed arguments: defaults, then the file, then the options.

    With vCPUs given, lanes and domains not given follow from them (`Config.for_vcpus`).

    Raises
    ------
    CommandError
        If the file cannot be read, or a value is bad; the message names it and what is allowed.
    """
    given = {f.name: getattr(arguments, f.name) for f in _parameters() if f.name in arguments}
    path = arguments.config
    values = (_read_file(path) if path else {}) | given
    source = f"{path}: " if path and not given else ""
    for name in _SIMULATION:
        if values.pop(name, False) is not False:
            raise CommandError(f"{source}{name} is for simulation, a circuit cannot have it")
    try:
        checked = Config.from_dict(values | _shape(values))
    except (TypeError, ValueError) as error:
        raise CommandError(f"{source}{error}") from None
    return checked


def _parameters() -> list[Field]:
    return [field for field in fields(Config) if field.name not in _SIMULATION]


def _shape(values: dict[str, Any]) -> dict[str, int]:
    vcpus = values.get("vcpus")
    if type(vcpus) is not int or not {"lanes", "domains"} - values.keys():
        return {}
    # Of a number out of range, Config itself complains.
    usual = Config.for_vcpus(min(max(vcpus, 1), 512)).to_dict()
    return {name: usual[name] for name in ("lanes", "domains") if name not in values}


def _read_file(path: Path) -> dict[str, Any]:
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise CommandError(f"{path}: a configuration file ends in .toml or .json")
    try:
        values = reader(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(f"{path}: {error}") from None
    if not isinstance(values, dict):
        raise CommandError(f"{path}: parameters by name are needed, not a {type(values).__name__}")
    return values


def _number(text: str) -> int:
    return int(text, 0)


_number.__name__ = "number"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _shown(field: Field) -> str:
    if field.type is bool:
        return "yes" if field.default else "no"
    if isinstance(field.default, tuple):
        return ",".join(field.default)
    return hex(field.default) if field.name == "ioa_version" else str(field.default)


def _texts() -> dict[str, str]:
    """What the docstring of `Config` says about each parameter, on one line."""
    texts: dict[str, str] = {}
    name = None
    for line in cleandoc(Config.__doc__ or "").splitlines():
        if line.startswith(" ") and name:
            texts[name] = f"{texts.get(name, '')} {line.strip()}".strip().replace("``", "")
        else:
            name, colon, _ = line.partition(" : ")
            name = name if colon else None
    # argparse formats help texts with %.
    return {name: text.rstrip(".").replace("%", "%%") for name, text in texts.items()}
