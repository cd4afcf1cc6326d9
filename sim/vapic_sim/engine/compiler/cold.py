"""C source that computes every other signal of a design, for those who look at one now and then.

The model keeps only what it needs in memory. All other combinational values are computed from
that by one function, in a library of its own that is built when somebody first looks.
"""

from collections.abc import Sequence

from .cells import Cells
from .graph import Node
from .layout import Piece
from .plan import Plan
from .values import Values

__all__ = ["Cold"]

_UNIT = 3000


class Cold:
    """Source of the function, and where it leaves the values.

    Parameters
    ----------
    plan : Plan
        The model, already emitted.
    memory : callable
        (C name, place) of a memory cell.
    source : callable
        (word, bit, bits used) of a net that the model keeps.
    wanted : sequence of nets
        Values that the model doesn't keep.

    Attributes
    ----------
    words : int
        Of the values.
    """

    def __init__(self, plan: Plan, memory, source, wanted: Sequence[Sequence[int]]):
        self._plan, self._kept_source = plan, source
        self._at: dict[Node, int] = {}
        self.words = 0
        order = [node for node in plan.graph.sort(net for nets in wanted for net in nets)
                 if plan.layout.kept(node) is None]
        for node in order:
            self._at[node] = self.words
            self.words += -(-node.width // 64)
        writer = Cells(Values(self._source), self._name, memory, declared=True)
        self._units: list[list[str]] = [[]]
        for node in order:
            if len(self._units[-1]) > _UNIT:
                self._units.append([])
            self._units[-1] += writer.node(node, lambda i: [])

    def sources(self) -> dict[str, str]:
        """Source files by name, besides those of the model's headers."""
        files = {}
        for i, lines in enumerate(self._units):
            files[f"values{i}_cold.c"] = "\n".join((
                '#include "design.h"', f"void cold{i}(State*s,u64*x){{", *lines, "}"))
        calls = [f"cold{i}(s,x);" for i in range(len(self._units))]
        heads = [f"void cold{i}(State*s,u64*x);" for i in range(len(self._units))]
        files["all_cold.c"] = "\n".join((
            '#include "design.h"', *heads, "void cold_values(State*s,u64*x){", *calls, "}"))
        return files

    def pieces(self, nets: Sequence[int]) -> list[Piece]:
        """Parts of a value; words from 0 are those of `cold_values`, counted behind the model's."""
        base, pieces = self._plan.layout.words, []
        for net in nets:
            kept = (-1 - net, 0) if net < 2 else self._plan.layout.where(net)
            if kept is None:
                found = self._plan.graph.node(net)
                assert found
                kept = base + self._at[found[0]] + found[1] // 64, found[1] % 64
            word, bit = kept
            if pieces and pieces[-1][0] == word and (
                    word < 0 or pieces[-1][1] + pieces[-1][2] == bit):
                pieces[-1] = word, pieces[-1][1], pieces[-1][2] + 1
            else:
                pieces.append((word, bit, 1))
        return pieces

    def _name(self, node: Node) -> str:
        at = self._at[node]
        return f"x[{at}]" if node.width <= 64 else f"(x+{at})"

    def _source(self, net: int) -> tuple[str, int, int]:
        found = self._plan.graph.node(net)
        if found is None or found[0] not in self._at:
            return self._kept_source(net)
        node, bit = found
        used = min(node.width - bit // 64 * 64, 64)
        return f"x[{self._at[node] + bit // 64}]", bit % 64, used
