"""The combinational part of a netlist as a graph of nodes, of at most 64 bits where possible.

Amaranth's netlist (`amaranth.hdl._nir`) has cells with any number of output bits. A node is a
range of the output bits of one cell. Assignment lists are cut where an assignment begins or ends,
and bitwise cells every 64 bits, so that wide records cost no wide arithmetic. Where cells as a
whole would make a cycle and their bits make none, they are cut into single bits.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from amaranth.hdl import _nir

from ..errors import Unsupported

__all__ = ["Graph", "Nets", "Node"]

_BITWISE = ("~", "&", "|", "^", "m")
#: Nets of a value, bit 0 first: below 2 a constant, else cell << 16 | bit.
Nets = Sequence[int]


class Node:
    """Some output bits of a combinational cell.

    Attributes
    ----------
    op : str
        Operator of the netlist, or ``assign``, ``match``, ``prio``, ``part``, ``read``.
    width : int
        Bits.
    args : list of nets
        Operands, always evaluated.
    arms : list of (net, bit, nets)
        Values that are put at `bit` if the net is 1, in this order; only of ``assign``.
    extra : object
        Patterns of ``match``; (stride, signed) of ``part``; memory cell of ``read``.
    cell, module : int
        Cell it belongs to, and that cell's module.
    index : int
        Place in the order of evaluation, from `Graph.sort`.
    """

    __slots__ = ("args", "arms", "cell", "extra", "index", "module", "op", "width")

    def __init__(self, op: str, width: int, args: list[Nets],
                 arms: Sequence[tuple[int, int, Nets]] = (), extra: object = None):
        self.op, self.width, self.args, self.arms, self.extra = op, width, args, list(arms), extra
        self.index = self.cell = self.module = -1

    def operands(self) -> Iterator[int]:
        """All nets this node depends on, constants too."""
        for arg in self.args:
            yield from arg
        for cond, _, value in self.arms:
            yield cond
            yield from value


class Graph:
    """Nodes of a netlist, made when they are first asked for.

    Parameters
    ----------
    netlist : amaranth.hdl._nir.Netlist
        The design.
    """

    def __init__(self, netlist: _nir.Netlist):
        self.netlist = netlist
        self._cuts: dict[int, list[int]] = {}
        self._nodes: dict[tuple[int, int], Node] = {}
        self._split: set[int] = set()

    def node(self, net: int) -> tuple[Node, int] | None:
        """Node that drives a net, and the net's bit in it; None for constants and state."""
        if net < 2:
            return None
        cell, bit = net >> 16, net & 0xFFFF
        cuts = self._cuts.get(cell)
        if cuts is None:
            cuts = self._cuts[cell] = self._cut(cell)
        if not cuts:
            return None
        place = bisect_right(cuts, bit) - 1
        start = cuts[place]
        node = self._nodes.get((cell, start))
        if node is None:
            node = self._nodes[cell, start] = self._make(cell, start, cuts[place + 1])
        return node, bit - start

    def nodes(self, nets: Iterable[int]) -> Iterator[Node]:
        """Nodes that drive some nets, each run of the same one once."""
        last = None
        for net in nets:
            found = self.node(net)
            if found and found[0] is not last:
                last = found[0]
                yield last

    def sort(self, sinks: Iterable[int]) -> list[Node]:
        """Nodes that the nets depend on, each after those it needs; sets their ``index``.

        Raises
        ------
        Unsupported
            If there is a cycle of single bits.
        """
        sinks = list(sinks)
        while True:
            order, cycle = self._sort(sinks)
            if not cycle:
                for index, node in enumerate(order):
                    node.index = index
                return order
            wide = {node.cell for node in cycle
                    if node.width > 1 and (node.op == "assign" or node.op in _BITWISE)}
            if not wide:
                try:
                    self.netlist.check_comb_cycles()
                except _nir.CombinationalCycle as error:
                    raise Unsupported(
                        "the compiled engine has no combinational cycles; break this one with a "
                        f"register, or use engine=\"python\". {str(error).strip()}") from None
                raise Unsupported("the compiled engine has no combinational cycles")
            self._split |= wide
            self._cuts.clear()
            self._nodes.clear()

    def _sort(self, sinks: list[int]) -> tuple[list[Node], list[Node]]:
        """(order, nothing), or (something, nodes of a cycle)."""
        order: list[Node] = []
        done: dict[Node, bool] = {}
        for sink in self.nodes(sinks):
            if sink in done:
                continue
            done[sink] = False
            stack = [(sink, self.nodes(sink.operands()))]
            while stack:
                node, below = stack[-1]
                for other in below:
                    if other not in done:
                        done[other] = False
                        stack.append((other, self.nodes(other.operands())))
                        break
                    if not done[other]:
                        path = [entry for entry, _ in stack]
                        return order, path[path.index(other):]
                else:
                    stack.pop()
                    done[node] = True
                    order.append(node)
        return order, []

    def _cut(self, index: int) -> list[int]:
        """Bits at which nodes of a cell begin, and its width; empty for state."""
        cell = self.netlist.cells[index]
        if isinstance(cell, _nir.AssignmentList):
            width = len(cell.default)
            if index in self._split:
                return list(range(width + 1))
            cuts = {0, width, *range(0, width, 64)}
            for assignment in cell.assignments:
                cuts |= {assignment.start, assignment.start + len(assignment.value)}
            return sorted(cut for cut in cuts if cut <= width)
        if isinstance(cell, _nir.PriorityMatch):
            return list(range(len(cell.inputs) + 1))
        if isinstance(cell, _nir.Operator) and cell.operator in _BITWISE:
            if index in self._split:
                return list(range(cell.width + 1))
            return [*range(0, cell.width, 64), cell.width]
        if isinstance(cell, _nir.Matches):
            return [0, 1]
        if isinstance(cell, (_nir.Operator, _nir.Part, _nir.AsyncReadPort)):
            return [0, cell.width]
        return []

    def _make(self, index: int, start: int, stop: int) -> Node:
        cell = self.netlist.cells[index]
        node = self._made(cell, start, stop)
        node.cell, node.module = index, cell.module_idx
        return node

    def _made(self, cell: _nir.Cell, start: int, stop: int) -> Node:
        width = stop - start
        if isinstance(cell, _nir.AssignmentList):
            arms = [(a.cond, max(a.start - start, 0),
                     a.value[max(start - a.start, 0):stop - a.start])
                    for a in cell.assignments
                    if a.start < stop and a.start + len(a.value) > start]
            return Node("assign", width, [cell.default[start:stop]], arms)
        if isinstance(cell, _nir.PriorityMatch):
            return Node("prio", 1, [(cell.en,), (cell.inputs[start],),
                                    self._earlier(cell.inputs, start)])
        if isinstance(cell, _nir.Matches):
            return Node("match", 1, [cell.value], extra=cell.patterns)
        if isinstance(cell, _nir.Part):
            return Node("part", width, [cell.value, cell.offset],
                        extra=(cell.stride, cell.value_signed))
        if isinstance(cell, _nir.AsyncReadPort):
            return Node("read", width, [cell.addr], extra=cell.memory)
        assert isinstance(cell, _nir.Operator)
        if cell.operator == "m":
            test, yes, no = cell.inputs
            return Node("assign", width, [no[start:stop]], [(test[0], 0, yes[start:stop])])
        if cell.operator in _BITWISE:
            return Node(cell.operator, width, [value[start:stop] for value in cell.inputs])
        return Node(cell.operator, width, list(cell.inputs))

    def _earlier(self, inputs: Nets, place: int) -> tuple[int, ...]:
        """Inputs of a priority match that make this one's output 0 when they are 1."""
        mine = self._constant(inputs[place])
        earlier = []
        for net in inputs[:place]:
            other = self._constant(net)
            # Two different constants never match the same value.
            if mine and other and mine[0] == other[0] and mine[1] != other[1]:
                continue
            earlier.append(net)
        return tuple(earlier)

    def _constant(self, net: int) -> tuple[Nets, str] | None:
        """Value and the one constant it is compared with, if the net is such a match."""
        cell = self.netlist.cells[net >> 16] if net >= 2 else None
        if isinstance(cell, _nir.Matches) and len(cell.patterns) == 1 \
                and "-" not in cell.patterns[0]:
            return cell.value, cell.patterns[0]
        return None
