"""Reader of tables ``time_us,source,service_us``, as people and spreadsheets write them."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NoReturn

from .columns import MOST_NS, Columns
from .handlers import LONGEST_NS
from .summary import Remark
from .trace import TraceError
from .words import clipped, quoted

__all__ = ["TITLE", "Table", "explains_row"]

TITLE = "CSV"
_HEAD = ["time_us", "source", "service_us"]
_ROW = ",".join(_HEAD)
#: Cells of the line in which a spreadsheet names the separator.
_SEPARATOR = ["sep=", ""]
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
#: What a number begins with, and is none yet.
_BEGUN = re.compile(r"[+-]?\.?|[+-]?(?:\d+\.?\d*|\.\d+)e[+-]?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
#: One cell and what ends it: quoted with doubled quotes inside, or plain.
_CELL = re.compile(r'[ \t]*"((?:[^"]|"")*+)"[ \t]*(,|$)|([^,]*)(,|$)')
#: A number and a semicolon or a tabulator after it, or a head with these.
_OTHER = re.compile(
    r'"?(?:[+-]?[\d.]+(?:,\d+)?(?:e[+-]?\d+)?|time_us|sep=)"?[ ]*(;|\t)', re.IGNORECASE)
#: A row's first cell before a quote that stays open, or its last one after such a quote.
_PART = re.compile(r'^[ \t]*"?[\d.]+"?[ \t]*,[ \t]*"|"[ \t]*,[ \t]*"?[\d.]+"?[ \t]*$')
#: Rows with more cells than three are wrong, whatever is in them.
_MOST_CELLS = 20
#: Bytes of a row whose quoted cell goes on in further lines.
_LONGEST_ROW = 1 << 20


def explains_row(text: str) -> bool:
    """Whether a line is a head or a row, if perhaps a wrong one."""
    if _OTHER.match(text.strip()):
        return True
    cells = _cells(text)
    if cells is None:       # a part of a row whose quoted cell has several lines
        return _PART.search(text) is not None
    if cells == _SEPARATOR:
        return True
    if len(cells) < 3:
        return '",' in text and _PART.search(text) is not None
    return _is_head(cells[:3]) or any(
        form.fullmatch(cells[i]) is not None for i in (0, 2) for form in (_NUMBER, _DECIMAL_COMMA))


def _is_head(cells: list[str]) -> bool:
    return [cell.casefold() for cell in cells] == _HEAD


def _cells(text: str) -> list[str] | None:
    """Cells of a row without blanks around, as many as matter.

    None if a quote is open at its end, or out of place.
    """
    cells, at = [], 0
    while True:
        found = _CELL.match(text, at)
        if found is None:
            return None
        quoted_, end, plain, plain_end = found.groups()
        if quoted_ is None:
            if plain.lstrip().startswith('"'):
                return None
            cells.append(plain.strip())
        else:
            cells.append(quoted_.replace('""', '"').strip())
        at = found.end()
        if not (end or plain_end) or len(cells) > _MOST_CELLS:
            return cells


class Table:
    """One table.

    The recording names no CPU: sources are bound to CPU 0, 1, 2, ... in the order in which they
    appear. Arrivals need not be in the order of time.

    Parameters
    ----------
    name : str
        File, for messages.
    """

    def __init__(self, name: str):
        self.name, self.columns = name, Columns()
        self.lines = self.comments = 0
        self.remarks: list[Remark] = []

    def read(self, blocks: Iterable[bytes]) -> None:
        """Read blocks of whole lines; the last may be without its end.

        Raises
        ------
        TraceError
            With the line's number and the column, and what was expected there. A last line
            without its end, with fewer columns or with the beginning of a number, is taken as
            cut off, passed over and counted.
        """
        lines = self._lines(blocks)
        for text in lines:
            if not text.strip():
                continue
            if text.startswith("#"):
                self.comments += 1
                continue
            self._row(text, lines)

    def _lines(self, blocks: Iterable[bytes]) -> Iterator[str]:
        for block in blocks:
            rows = block.split(b"\n")
            for row in rows[:-1]:
                self.lines += 1
                yield row.decode("utf-8", "replace") + "\n"
            if rows[-1]:
                self.lines += 1
                yield rows[-1].decode("utf-8", "replace")

    def _row(self, text: str, lines: Iterator[str]) -> None:
        """One row, which takes further lines as long as a quote is open."""
        number, parts, size = self.lines, [text], len(text)
        cells, quotes = _cells(text.rstrip("\n")), text.count('"')
        while cells is None and quotes % 2:
            more = next(lines, None)
            if more is None and not parts[-1].endswith("\n"):
                self._cut_off()
                return
            if more is None or size > _LONGEST_ROW:
                self._wrong(number, "a quote that is closed", text)
            parts.append(more)
            quotes, size = quotes + more.count('"'), size + len(more)
            if not quotes % 2:
                cells = _cells("".join(parts).rstrip("\n"))
        text = "".join(parts)
        self._check(number, text)
        if cells is None:
            self._wrong(number, f"{_ROW} with quotes around whole cells", text)
        while len(cells) > 3 and not cells[-1]:
            cells.pop()         # spreadsheets fill rows up to the longest
        if _is_head(cells):
            if len(self.columns):
                self._wrong(number, "the head in the first row only", text)
            return
        if not any(cells) or cells == _SEPARATOR:
            return
        if not text.endswith("\n") and _is_cut(cells):
            self._cut_off()
            return
        if len(cells) != 3 or not cells[1]:
            self._wrong(number, _ROW, text, " (is a decimal comma in it? write a point)"
                        if len(cells) > 3 else "")
        time = self._ns(number, text, cells[0], 1, MOST_NS)
        service = self._ns(number, text, cells[2], 3, LONGEST_NS)
        source = self.columns.number(cells[1])
        self.columns.add(time, source, service, source)

    def _check(self, number: int, text: str) -> None:
        """Refuse other separators by name."""
        found = _OTHER.match(text.strip())
        if found is not None:
            what = {";": "semicolons", "\t": "tabulators"}[found[1]]
            self._wrong(number, f"commas between the columns, not {what}, and points in numbers, "
                        "not decimal commas", text)

    def _ns(self, number: int, text: str, cell: str, column: int, most: int) -> int:
        """A cell of microseconds in nanoseconds, exactly."""
        where = f" (column {column}, {_HEAD[column - 1]}: {quoted(cell, 40)})"
        if _NUMBER.fullmatch(cell) is None:
            if _DECIMAL_COMMA.fullmatch(cell):
                self._wrong(number, "a point in numbers, not a decimal comma", text, where)
            if cell.lstrip("+-").casefold() not in ("nan", "inf", "infinity"):
                self._wrong(number, "numbers for time_us and service_us", text, where)
            self._wrong(number, f"{_ROW} with times of 0 or more", text, where)
        digits, _, power = cell.lower().partition("e")
        value, exponent = Decimal(digits), int(power[:8] or 0)
        if value and digits.startswith("-"):
            self._wrong(number, f"{_ROW} with times of 0 or more", text, where)
        if not value or value.adjusted() + exponent < -6:
            return 0
        value = (value.scaleb(exponent) * 1000).to_integral_value() if (
            value.adjusted() + exponent < 20) else Decimal(2 * most)
        if value > most:
            what = "service time" if column == 3 else "time"
            limit = "11 days" if most == LONGEST_NS else "292 years"
            self._wrong(number, f"times below {limit}: the {what} is too large", text, where)
        return int(value)

    def _cut_off(self) -> None:
        self.remarks.append(Remark("cut_line", 1, "last line is cut off: 1 line passed over"))

    def _wrong(self, number: int, expected: str, text: str, where: str = "") -> NoReturn:
        raise TraceError(f"{self.name}:{number}: expected {expected}, "
                         f"found {quoted(clipped(text))}{where}")


def _is_cut(cells: list[str]) -> bool:
    """Whether the rest of a row is missing: columns, or the end of its last number."""
    return len(cells) < 3 or (
        len(cells) == 3 and _NUMBER.fullmatch(cells[0]) is not None
        and _BEGUN.fullmatch(cells[2]) is not None)
