"""What is evaluated together: groups of nodes and sinks that rest while their inputs don't change.

A group holds logic of one module that is connected, and lies between the same crossings of module
borders: its *level* is the greatest number of borders on a way from state to it. A value used by
another group is always used at a higher level, so groups in order of level have no cycles. Small
ones of a module and level are pooled, since looking whether to evaluate costs about a dozen nodes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .graph import Graph, Nets, Node

__all__ = ["Group", "Sink", "partition"]

#: Nodes below which connected logic is pooled with others.
_POOLED = 40


@dataclass(frozen=True, eq=False)
class Sink:
    """A cell that takes values at a clock edge.

    Parameters
    ----------
    cell : int
        Flip-flop, read port or write port.
    module : int
        Its module.
    nets : nets
        All it depends on.
    """

    cell: int
    module: int
    nets: Nets


@dataclass(eq=False)
class Group:
    """Nodes and sinks that are evaluated together.

    Parameters
    ----------
    module, level : int
        Where it lies.
    nodes : list of Node
        Each after those it needs.
    sinks : list of Sink
        After all nodes.
    """

    module: int
    level: int
    nodes: list[Node] = field(default_factory=list)
    sinks: list[Sink] = field(default_factory=list)

    def operands(self) -> Iterable[int]:
        """All nets the group looks at, its own too."""
        for node in self.nodes:
            yield from node.operands()
        for sink in self.sinks:
            yield from sink.nets


class _Sets:
    """Union of what is connected."""

    def __init__(self):
        self._up: dict[object, object] = {}

    def find(self, item: object) -> object:
        up = self._up
        up.setdefault(item, item)
        while up[item] is not item:
            up[item] = up[up[item]]
            item = up[item]
        return item

    def join(self, one: object, other: object) -> None:
        self._up[self.find(one)] = self.find(other)


def partition(graph: Graph, order: Sequence[Node], sinks: Sequence[Sink]) -> list[Group]:
    """Partition nodes and sinks into groups, each after those whose values it uses.

    Parameters
    ----------
    graph : Graph
        The design.
    order : sequence of Node
        All nodes, each after those it needs.
    sinks : sequence of Sink
        All sinks.
    """
    level: dict[Node, int] = {}
    sets = _Sets()

    def settle(item: Node | Sink, nets: Iterable[int]) -> int:
        below = list(dict.fromkeys(graph.nodes(nets)))
        height = max((level[node] + (node.module != item.module) for node in below), default=0)
        for node in below:
            if node.module == item.module and level[node] == height:
                sets.join(node, item)
        return height

    heights: dict[Node | Sink, int] = {}
    for node in order:
        heights[node] = level[node] = settle(node, node.operands())
    for sink in sinks:
        heights[sink] = settle(sink, sink.nets)

    size: dict[object, int] = {}
    for item in heights:
        root = sets.find(item)
        size[root] = size.get(root, 0) + 1
    groups: dict[object, Group] = {}
    for item, height in heights.items():
        root = sets.find(item)
        key = root if size[root] >= _POOLED else (item.module, height)
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(item.module, height)
        if isinstance(item, Node):
            group.nodes.append(item)
        else:
            group.sinks.append(item)
    return sorted(groups.values(), key=lambda group: group.level)
