"""The table of resources: a row for each thing measured, kept while its netlist is the same."""

import csv
import os
from dataclasses import astuple, dataclass, fields
from pathlib import Path

__all__ = ["Row", "read_table", "write_table"]


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes
    ----------
    block, parameters, family : str
        What, of which sizes, on which part.
    lut4, trellis_comb, ff, ram, lut_ram, depth : int
        LUT4; TRELLIS_COMB (0: not placed), flip-flops, DP16KD, TRELLIS_DPR16X4, cells of logic
        between flip-flops.
    fmax_mhz, spread_mhz : float
        Median over the seeds, and largest less smallest; 0 if it was not placed.
    seeds : str
        Seeds of place and route.
    tools, command : str
        Versions, and what makes the row again.
    netlist : str
        Fingerprint of what was measured.
    """

    block: str
    parameters: str
    family: str
    lut4: int
    trellis_comb: int
    ff: int
    ram: int
    lut_ram: int
    depth: int
    fmax_mhz: float
    spread_mhz: float
    seeds: str
    tools: str
    command: str
    netlist: str

    @property
    def key(self) -> tuple[str, str]:
        """What the row is about."""
        return self.block, self.parameters


def read_table(path: Path) -> list[Row]:
    """Rows of a file; none if there is no file.

    Raises
    ------
    ValueError
        If the file has other columns.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names = [field.name for field in fields(Row)]
        if reader.fieldnames != names:
            raise ValueError(f"{path}: columns must be {','.join(names)}; remove the file to "
                             "measure anew")
        return [Row(**{field.name: field.type(record[field.name])      # type: ignore[operator]
                       for field in fields(Row)}) for record in reader]


def write_table(path: Path, rows: list[Row]) -> None:
    """Write all rows in one step: a run that is stopped leaves what was there before."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(field.name for field in fields(Row))
            writer.writerows(astuple(row) for row in rows)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
