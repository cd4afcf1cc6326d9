"""Place and route out of context for Lattice ECP5: how fast, and how many cells in the end."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .tools import run_nextpnr

__all__ = ["FAMILY", "Routed", "read_route", "route"]

#: The part, as a row of the table names it.
FAMILY = "LFE5U-85F-6"
_PART = ["--85k", "--package", "CABGA381", "--speed", "6", "--freq", "150"]


@dataclass(frozen=True)
class Routed:
    """One run of place and route.

    Attributes
    ----------
    mhz : float
        Frequency that the clock reaches.
    comb : int
        TRELLIS_COMB, the wrapper's among them.
    report : dict
        nextpnr's report: ``critical_paths``, and ``detailed_net_timings``.
    """

    mhz: float
    comb: int
    report: dict


def route(folder: Path, seed: int) -> Routed:
    """Place and route the ``net.json`` of a folder.

    Raises
    ------
    ToolError
        If nextpnr is missing or fails.
    """
    name = f"report{seed}.json"
    printed = run_nextpnr([
        *_PART, "--seed", str(seed), "--json", "net.json", "--report", name,
        "--detailed-timing-report", "--lpf-allow-unconstrained", "--timing-allow-fail"], folder)
    return read_route(printed, json.loads((folder / name).read_text(encoding="utf-8")))


def read_route(printed: str, report: dict) -> Routed:
    """What `route` returns, from what nextpnr printed and its report.

    Raises
    ------
    ValueError
        If a figure is not there.
    """
    reached = re.findall(r"Max frequency for clock[^:]*: *([\d.]+) MHz", printed)
    comb = re.findall(r"TRELLIS_COMB: *(\d+)/", printed)
    if not reached or not comb:
        raise ValueError("nextpnr told no frequency or no number of cells")
    # The figures after routing come last.
    return Routed(float(reached[-1]), int(comb[-1]), report)
