"""Which nodes need evaluating only under a condition.

A node all of whose uses are in one arm of an assignment, directly or through other such nodes,
matters only when the arm's condition is 1. As a graph: give every arm a point of its own between
the node that has it and what it uses; then a node belongs to the innermost arm that dominates it,
seen from the results. There are no cycles, so dominators take one pass.
"""

from collections.abc import Callable, Iterable, Sequence

from .graph import Node

__all__ = ["Region", "place"]

#: Nodes below which an arm isn't worth a branch.
_WORTH = 4


class Region:
    """A block of code: the whole, or what one arm of a node needs.

    Attributes
    ----------
    nodes : list of Node
        What is evaluated in it, in order; those of inner regions are in theirs.
    """

    __slots__ = ("nodes",)

    def __init__(self):
        self.nodes: list[Node] = []


class _Point:
    """A node or an arm in the tree of dominators."""

    __slots__ = ("depth", "region", "up")

    def __init__(self, up: "_Point | None", region: Region | None):
        self.up, self.region = up, region
        self.depth = up.depth + 1 if up else 0


def _meet(one: _Point, other: _Point) -> _Point:
    while one is not other:
        if one.depth >= other.depth:
            assert one.up
            one = one.up
        else:
            assert other.up
            other = other.up
    return one


def _home(point: _Point | None) -> _Point:
    """Innermost point at or above that has a region."""
    while point is not None and point.region is None:
        point = point.up
    assert point
    return point


def place(order: Sequence[Node], results: Iterable[Node],
          nodes_of: Callable[[Iterable[int]], Iterable[Node]],
          ) -> tuple[Region, dict[tuple[Node, int], Region]]:
    """Place nodes into regions.

    Parameters
    ----------
    order : sequence of Node
        Nodes to be placed, each after those it needs.
    results : iterable of Node
        Those whose values are wanted whatever happens.
    nodes_of : callable
        Those of the nodes that drive some nets.

    Returns
    -------
    Region
        The whole.
    dict
        Region of an arm, by node and number of the arm; arms that aren't worth one are missing.
    """
    root = _Point(None, Region())
    at: dict[Node, _Point] = {}

    def use(nets: Iterable[int], point: _Point) -> None:
        for node in nodes_of(nets):
            at[node] = _meet(at[node], point) if node in at else point

    for node in results:
        at[node] = root
    arms: dict[tuple[Node, int], _Point] = {}
    points: dict[Node, _Point] = {}
    for node in reversed(order):
        point = points[node] = _Point(at[node], None)
        for arg in node.args:
            use(arg, point)
        for i, (cond, _, value) in enumerate(node.arms):
            use((cond,), point)
            arm = arms[node, i] = _Point(point, Region())
            use(value, arm)

    # Arms that hold too little dissolve, innermost first.
    held: dict[_Point, int] = {}
    for node in order:
        home = _home(points[node].up)
        held[home] = held.get(home, 0) + 1
    for node in order:
        for i in range(len(node.arms)):
            arm = arms[node, i]
            weight = held.get(arm, 0)
            if weight < _WORTH:
                arm.region = None
            home = _home(arm.up)
            held[home] = held.get(home, 0) + weight
    for node in order:
        region = _home(points[node].up).region
        assert region
        region.nodes.append(node)
    assert root.region
    return root.region, {key: arm.region for key, arm in arms.items() if arm.region}
