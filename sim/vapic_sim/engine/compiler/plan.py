"""Everything about a compiled model but its code: groups, places, and who wakes whom."""

from collections.abc import Iterable, Mapping, Sequence

from amaranth.hdl import _nir

from .graph import Graph, Node
from .groups import Group, Sink, partition
from .layout import Layout, ReadReset

__all__ = ["Plan"]


class Plan:
    """Groups of a design and the words they use.

    Parameters
    ----------
    netlist : amaranth.hdl._nir.Netlist
        The design.
    reads : dict of int to ReadReset
        By cell of each synchronous read port.
    rises : dict of int to int
        Asynchronous reset, by cell, of cells for which its rise is a clock edge.
    exposed : iterable of nets
        Values to be kept in memory for the outside.

    Attributes
    ----------
    graph, layout : Graph, Layout
        Nodes, and places.
    order : list of Node
        All nodes that the next state and the exposed values need.
    groups : list of Group
        In order of evaluation.
    active, pending : int, list of int
        First word of the mask of groups to be evaluated, and of those to be committed at each
        clock edge.
    masks : int
        Words of such a mask.
    """

    def __init__(self, netlist: _nir.Netlist, reads: Mapping[int, ReadReset],
                 rises: Mapping[int, int], exposed: Iterable[Sequence[int]]):
        self.graph = graph = Graph(netlist)
        self.layout = layout = Layout(graph, reads)
        sinks = [Sink(index, cell.module_idx, self._needs(index, cell))
                 for index, cell in enumerate(netlist.cells)
                 if isinstance(cell, (_nir.FlipFlop, _nir.SyncReadPort, _nir.SyncWritePort))
                 and cell.clk >= 2]
        #: Asynchronous resets: net and the cells that it resets.
        self.resets: dict[int, list[int]] = {}
        for sink in sinks:
            cell = netlist.cells[sink.cell]
            if isinstance(cell, _nir.FlipFlop) and cell.arst != 0:
                self.resets.setdefault(int(cell.arst), []).append(sink.cell)
        for net in rises.values():
            self.resets.setdefault(net, [])
        self.rises = rises
        wanted = [net for nets in exposed for net in nets] + list(self.resets)
        self.order = graph.sort([*wanted, *(net for sink in sinks for net in sink.nets)])
        self.groups = partition(graph, self.order, sinks)
        self.group_of: dict[Node, Group] = {
            node: group for group in self.groups for node in group.nodes}
        for node in graph.nodes(wanted):
            layout.keep(node)
        for group in self.groups:
            for node in graph.nodes(group.operands()):
                if self.group_of[node] is not group:
                    layout.keep(node)
        self.masks = -(-len(self.groups) // 64)
        self.active = layout.more(self.masks)
        self.pending = [layout.more(self.masks) for _ in layout.edges]
        self._state_wakes, self._value_wakes, self._memory_wakes = self._consumers()

    def _needs(self, index: int, cell: _nir.Cell) -> list[int]:
        if isinstance(cell, _nir.FlipFlop):
            return [cell.arst, *cell.data]
        if isinstance(cell, _nir.SyncWritePort):
            return [*cell.en, *cell.addr, *cell.data]
        ports = [self.graph.netlist.cells[port] for port in cell.transparent_for]
        return [cell.en, self.layout.reads[index].net, *cell.addr,
                *(net for port in ports for net in (*port.en, *port.addr, *port.data))]

    def _consumers(self) -> tuple[dict[int, int], dict[Node, int], dict[int, int]]:
        """Groups, a bit each, that a change of a word of state, a value or a memory wakes."""
        cells, layout = self.graph.netlist.cells, self.layout
        state: dict[int, int] = {}
        values: dict[Node, int] = {}
        memories: dict[int, int] = {}

        def add(table: dict, key: object, group: int) -> None:
            table[key] = table.get(key, 0) | 1 << group

        for number, group in enumerate(self.groups):
            operands = list(group.operands())
            for word in layout.state_words_of(operands):
                add(state, word, number)
            for node in self.graph.nodes(operands):
                if self.group_of[node] is not group:
                    add(values, node, number)
            for node in group.nodes:
                if node.op == "read":
                    add(memories, node.extra, number)
            for sink in group.sinks:
                cell = cells[sink.cell]
                if isinstance(cell, _nir.SyncReadPort):
                    add(memories, cell.memory, number)
        return state, values, memories

    def owners(self) -> dict[int, int]:
        """Group that computes the next value of a word of state, a bit, by word."""
        owners: dict[int, int] = {}
        for number, group in enumerate(self.groups):
            for sink in group.sinks:
                cell = self.graph.netlist.cells[sink.cell]
                if sink.cell in self.layout.slots:
                    width = len(cell.data) if isinstance(cell, _nir.FlipFlop) else cell.width
                    for i in range(-(-width // 64)):
                        owners[self.layout.slots[sink.cell] + i] = 1 << number
        return owners

    def split(self, groups: int) -> list[tuple[int, int]]:
        """(word, bits) of the mask of groups to be evaluated, where there are any."""
        return [(self.active + i, groups >> 64 * i & (1 << 64) - 1) for i in range(self.masks)
                if groups >> 64 * i & (1 << 64) - 1]

    def wake_state(self, word: int) -> int:
        """Groups that a change of a word of state wakes."""
        return self._state_wakes.get(word, 0)

    def wake_value(self, node: Node) -> int:
        """Groups that a change of a kept value wakes."""
        return self._value_wakes.get(node, 0)

    def wake_memory(self, cell: int) -> int:
        """Groups that a change of a memory wakes."""
        return self._memory_wakes.get(cell, 0)
