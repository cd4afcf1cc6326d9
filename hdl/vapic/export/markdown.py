"""The register map as a Markdown page."""

from ..regs import GROUPS, Command, Errno, Field, Formula, Register

__all__ = ["access", "place", "reset", "to_markdown"]

_HEAD = """\
# Registers

Made by `vapic regs --markdown` from `hdl/vapic/regs/`; do not edit. Offsets are bytes from the
block base, indices count from 0. Access: RW, RO, WO as usual; W1C a written one clears; RC reading
has an effect. Who: V the VMM alone, S the master that the register names, and the VMM, I the VMM
and the domain to which the I/O APIC page is delegated. Bits without a field read 0 and ignore
writes; so does a register that is not built.
"""


def place(register: Register) -> str:
    """Offset, or number behind IOREGSEL, as a formula of the indices."""
    terms = [f"{register.offset:#x}", *(f"{dim.stride:#x} {dim.name}" for dim in register.dims)]
    return " + ".join(terms)


def access(register: Register, part: Field | None = None) -> str:
    """Access of a register or a field of it; "-" where nothing is built."""
    if not register.built or (part and not part.built):
        return "-"
    return (register.access_of(part) if part else register.access).value


def reset(part: Field) -> str:
    """Reset value of a field."""
    if isinstance(part.reset, Formula):
        return part.reset.text
    return "changes" if part.reset is None else f"{part.reset:#x}"


def to_markdown() -> str:
    """The whole page."""
    lines = [_HEAD]
    for title, registers in GROUPS.items():
        lines += [f"## {title}", ""]
        number = "Number" if registers[0].indirect else "Offset"
        lines += [f"| {number} | Name | Access | Who | What |", "|---|---|---|---|---|"]
        lines += [f"| {place(r)} | [{r.name}](#{r.name.lower()}) | {access(r)} | {r.right} | "
                  f"{r.text} |" for r in registers]
        lines.append("")
        for register in registers:
            lines += [*_register(register), ""]
    lines += ["## Commands", "", "Written to EVT_CMD (EVT-20); those not built answer ENOSYS.", "",
              "| Number | Name | Built |", "|---|---|---|"]
    lines += [f"| {c.value:#x} | {c.name.lower()} | {'yes' if c.built else 'no'} |"
              for c in Command]
    lines += ["", "## Error numbers", "", "EVT_RESULT and EVT_FASTRES hold their negative.", "",
              "| Number | Name |", "|---|---|"]
    lines += [f"| {error.value} | {error.name} |" for error in Errno]
    return "\n".join(lines) + "\n"


def _register(register: Register) -> list[str]:
    notes = [register.text, f"({register.spec})"]
    if register.dims:
        notes.append("Indices: " + ", ".join(f"{dim.name} < {dim.text}" for dim in register.dims)
                     + ".")
    if register.also:
        notes.append("Also at " + ", ".join(f"{offset:#x}" for offset in register.also) + ".")
    if register.partial:
        notes.append("Byte lanes may be written alone.")
    notes.append(f"Kept: {register.keep.value}." if register.built else "Not built.")
    if register.policy:
        notes.append(f"Built with the policy {register.policy}.")
    rows = [f"| {_bits(part)} | {part.name} | {access(register, part)} | {reset(part)} | "
            f"{_meaning(part)} |" for part in register.fields]
    return [f"### {register.name}", "", " ".join(notes), "",
            "| Bits | Field | Access | Reset | What |", "|---|---|---|---|---|", *rows]


def _bits(part: Field) -> str:
    return f"{part.top}:{part.low}" if part.bits > 1 else str(part.low)


def _meaning(part: Field) -> str:
    values = ", ".join(f"{value:#x} {name}" for value, name in part.values.items())
    return "; ".join(text for text in (part.text, values) if text)
