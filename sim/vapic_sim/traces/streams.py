"""Streams of bytes that can be looked at before they are read."""

from collections.abc import Callable

__all__ = ["CHUNK", "Stream"]

#: Bytes that are read at a time.
CHUNK = 1 << 18


class Stream:
    """Bytes from a source, the first of which can be looked at.

    Parameters
    ----------
    source : callable
        Gives some bytes, at most as many as asked for; none at the end.
    """

    def __init__(self, source: Callable[[int], bytes]):
        self._source, self._head, self._ended = source, b"", False

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer than asked for only at the end; they stay to be read."""
        parts, have = [self._head], len(self._head)
        while have < size and not self._ended:
            more = self._source(CHUNK)
            self._ended = not more
            parts.append(more)
            have += len(more)
        self._head = b"".join(parts)
        return self._head[:size]

    def read(self, size: int = CHUNK) -> bytes:
        """Some bytes, at most so many; none at the end."""
        if self._head:
            found, self._head = self._head[:size], self._head[size:]
            return found
        if self._ended:
            return b""
        found = self._source(CHUNK if size < 0 else size)
        self._ended = not found
        return found
