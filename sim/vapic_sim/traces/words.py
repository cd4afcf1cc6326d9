"""What comes from users, safe to print: names, lines of files, messages of tools."""

__all__ = ["clipped", "counted", "quoted", "shown"]

#: Characters of a line that a message shows.
_SHOWN = 160


def shown(text: str) -> str:
    """The text as it is, but characters that a terminal would obey are spelled out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def clipped(text: str, most: int = _SHOWN) -> str:
    """At most so many characters of a text, with a sign that some are left out."""
    return text if len(text) <= most else f"{text[:most]}..."


def quoted(text: str | bytes, most: int = _SHOWN) -> str:
    """A piece of a file for a message: in quotes, on one line, not too long."""
    if isinstance(text, bytes):
        text = text[:4 * most + 4].decode("utf-8", "replace")
    return repr(clipped(text.strip(), most))


def counted(count: int, noun: str) -> str:
    """A number and its noun, as ``1 gap``, ``12,000 gaps``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
