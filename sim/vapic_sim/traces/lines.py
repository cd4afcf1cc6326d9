"""Blocks of whole lines of UTF-8 from a stream of any encoding, line ends and surroundings."""

import codecs
import re
from collections.abc import Iterator

from .streams import Stream
from .trace import TraceError

__all__ = ["LONGEST_LINE", "blocks", "encoding_of"]

#: No line of a trace is longer: what is, would fill the memory.
LONGEST_LINE = 1 << 20
#: Pages have scripts in one line.
_LONGEST_OF_PAGE = 64 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"))
#: Text of Latin letters without a mark is taken for UTF-16 if so many of its bytes are zero.
_ZEROS = 0.4
_OPEN = re.compile(rb'<script[^>\n]*class="?trace-data"?[^>\n]*>', re.IGNORECASE)
_CLOSE = re.compile(rb"</script>", re.IGNORECASE)
_HTML = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)


def encoding_of(head: bytes) -> tuple[str, int]:
    """Encoding of a text by its first bytes, and the length of the mark that says it."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    even, odd = head[::2], head[1::2]
    if len(head) >= 8:
        if odd.count(0) > _ZEROS * 2 * len(odd) and even.count(0) < len(even) // 4:
            return "utf-16-le", 0
        if even.count(0) > _ZEROS * 2 * len(even) and odd.count(0) < len(odd) // 4:
            return "utf-16-be", 0
    return "utf-8", 0


def blocks(stream: Stream, name: str) -> Iterator[bytes]:
    """Blocks of whole lines, each line with its end; only the last may be without.

    Line ends of every system become those of Unix. Of a web page the traces in it are left,
    with empty lines for what is around them, so that numbers of lines stay.

    Raises
    ------
    TraceError
        If a line is longer than `LONGEST_LINE`.
    """
    encoding, mark = encoding_of(stream.peek(4096))
    if mark:
        stream.read(mark)
    pieces = _unix(_decoded(stream, encoding))
    if _HTML.match(_start(stream, encoding)):
        return _traces(_whole(pieces, name, _LONGEST_OF_PAGE))
    return _whole(pieces, name, LONGEST_LINE)


def _start(stream: Stream, encoding: str) -> bytes:
    return stream.peek(4096).decode(encoding, "replace").encode("utf-8", "replace")


def _decoded(stream: Stream, encoding: str) -> Iterator[bytes]:
    if encoding == "utf-8":
        while piece := stream.read():
            yield piece
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while piece := stream.read():
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")


def _unix(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Line ends of old Macs and of Windows become those of Unix."""
    held = b""
    for piece in pieces:
        piece, held = held + piece, b""
        if b"\r" in piece:
            if piece.endswith(b"\r"):
                piece, held = piece[:-1], b"\r"
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield piece
    if held:
        yield b"\n"


def _whole(pieces: Iterator[bytes], name: str, longest: int) -> Iterator[bytes]:
    """Pieces cut at ends of lines, none of which is longer than allowed."""
    rest: list[bytes] = []
    size = lines = 0
    for piece in pieces:
        head, end, tail = piece.rpartition(b"\n")
        if end:
            block = b"".join((*rest, head, end))
            if size + len(head) > longest:
                _check(block, lines, name, longest)
            lines += block.count(b"\n")
            yield block
            rest, size = [], 0
        if tail:
            rest.append(tail)
            size += len(tail)
        if size > longest:
            _check(b"".join(rest), lines, name, longest)
    if rest:
        yield b"".join(rest)


def _check(block: bytes, lines: int, name: str, longest: int) -> None:
    for number, line in enumerate(block.split(b"\n"), lines + 1):
        if len(line) > longest:
            raise TraceError(f"{name}:{number}: this line is longer than {longest >> 20} MiB: no "
                             "format of traces has such lines")


def _traces(whole: Iterator[bytes]) -> Iterator[bytes]:
    """Of a web page, what is in its scripts of class ``trace-data``; else empty lines."""
    inside = False
    for block in whole:
        parts, at = [], 0
        while at < len(block):
            found = (_CLOSE if inside else _OPEN).search(block, at)
            end = found.start() if found else len(block)
            parts.append(block[at:end] if inside else b"\n" * block.count(b"\n", at, end))
            if found:
                inside = not inside
            at = found.end() if found else end
        yield b"".join(parts)
