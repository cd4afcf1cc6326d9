"""C expressions of values: nets gathered from words."""

from collections.abc import Callable

from .graph import Nets

__all__ = ["Values", "hexed", "ones"]


def ones(width: int) -> int:
    """That many ones."""
    return (1 << width) - 1


def hexed(value: int) -> str:
    """A C constant of 64 bits."""
    return f"{value:#x}ull"


class Values:
    """Writes values as C expressions of 64 bits, zero-extended.

    Parameters
    ----------
    source : callable
        (expression of a word, lowest bit, bits of the word above which it is 0) of a net that is
        not constant.
    """

    def __init__(self, source: Callable[[int], tuple[str, int, int]]):
        self._source = source

    def words(self, nets: Nets) -> list[str]:
        """Expressions of 64 nets each, at least one."""
        return [self.word(nets[i:i + 64]) for i in range(0, max(len(nets), 1), 64)]

    def word(self, nets: Nets) -> str:
        """Expression of at most 64 nets."""
        parts, constant, at = [], 0, 0
        while at < len(nets):
            if nets[at] < 2:
                constant |= int(nets[at]) << at
                at += 1
                continue
            text, stop = self._run(nets, at)
            parts.append(text if not at else f"({text}<<{at})")
            at = stop
        if constant or not parts:
            parts.append(hexed(constant))
        return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"

    def signed(self, nets: Nets) -> str:
        """Expression of at most 64 nets as a signed number."""
        shift = 64 - len(nets)
        if not shift:
            return f"(i64)({self.word(nets)})"
        return f"((i64)(({self.word(nets)})<<{shift})>>{shift})"

    def _run(self, nets: Nets, at: int) -> tuple[str, int]:
        """Expression of the longest run from one word, or of one bit repeated; and its end."""
        word, bit, width = self._source(nets[at])
        stop = at + 1
        while stop < len(nets) and nets[stop] == nets[stop - 1] + 1 \
                and self._source(nets[stop])[:2] == (word, bit + stop - at):
            stop += 1
        text = f"({word}>>{bit})" if bit else word
        if bit + stop - at < width:
            text = f"({text}&{hexed(ones(stop - at))})"
        if stop == at + 1 < len(nets) and nets[stop] == nets[at]:
            while stop < len(nets) and nets[stop] == nets[at]:
                stop += 1
            text = f"((0-{text})&{hexed(ones(stop - at))})"
        return text, stop
