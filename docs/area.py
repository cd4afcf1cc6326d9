"""The table of area and frequency of docs/architecture.md, from docs/resources.csv."""

from pathlib import Path

from vapic_boards.table import read_table

__all__ = ["RESOURCES", "area_table"]

RESOURCES = Path(__file__).resolve().parent / "resources.csv"


def area_table(path: Path = RESOURCES) -> str:
    """Rows of the file as a Markdown table; without any, a sentence that says how to get them."""
    rows = read_table(path)
    # What is compared on every change is there without place and route as well.
    placed = {row.key for row in rows if row.seeds}
    rows = [row for row in rows if row.seeds or row.key not in placed]
    if not rows:
        return "Nothing is measured yet: `make resources` does, and writes this table.\n"
    lines = ["| block | sizes | LUT4 | FF | DP16KD | DPR16X4 | depth | Fmax, MHz | seeds |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        speed = f"{row.fmax_mhz:.1f} (spread {row.spread_mhz:.1f})" if row.seeds else "not placed"
        lines.append(f"| {row.block} | {row.parameters} | {row.lut4:,} | {row.ff:,} | {row.ram} "
                     f"| {row.lut_ram} | {row.depth} | {speed} | {row.seeds} |")
    tools = sorted({f"{row.family}, {row.tools}" for row in rows})
    lines += ["", "Measured with: " + "; ".join(tools) + "."]
    return "\n".join(lines) + "\n"
