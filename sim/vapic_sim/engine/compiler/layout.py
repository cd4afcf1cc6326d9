"""Where everything lies in the memory of a compiled model.

A model is one array of 64-bit words, then the memories of the design. Words in order: state
(flip-flops and inputs), values that other groups or the outside read, next state, and the masks
of groups to be evaluated and to be committed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from amaranth.hdl import _nir

from ..errors import Unsupported
from .graph import Graph, Node

__all__ = ["Layout", "MemoryPlace", "Piece", "ReadReset"]

#: (word, lowest bit in it, bits): a part of a value, lowest first.
Piece = tuple[int, int, int]


@dataclass(frozen=True)
class ReadReset:
    """What becomes of the data of a synchronous read port that is not enabled.

    Parameters
    ----------
    init : int
        Initial and reset value.
    net : int
        Reset of its domain, 0 if there is none.
    """

    init: int = 0
    net: int = 0


@dataclass(frozen=True)
class MemoryPlace:
    """A memory of the design.

    Parameters
    ----------
    offset : int
        Bytes from the start of the model.
    depth, width : int
        Rows, and bits of a row.
    """

    offset: int
    depth: int
    width: int

    @property
    def bytes(self) -> int:
        """Of a row: 1, 2, 4, or a multiple of 8."""
        for size in (1, 2, 4):
            if self.width <= 8 * size:
                return size
        return 8 * -(-self.width // 64)


class Layout:
    """Places of state, values and memories.

    Parameters
    ----------
    graph : Graph
        The design.
    reads : dict of int to ReadReset
        By cell of the read port.

    Attributes
    ----------
    slots : dict of int to int
        First word of a cell that is state.
    init : list of int
        Initial words of the state.
    edges : list of (int, str)
        Clock net and edge (``pos``, ``neg``) of each clock that something waits for.
    memories : dict of int to MemoryPlace
        By cell; offsets are from `place_memories` on.
    size : int
        Bytes of the whole model, from `place_memories` on.
    """

    def __init__(self, graph: Graph, reads: Mapping[int, ReadReset]):
        self._graph, self.reads = graph, reads
        self._netlist = graph.netlist
        self.slots: dict[int, int] = {}
        self.init: list[int] = []
        self.edges: list[tuple[int, str]] = []
        self.memories: dict[int, MemoryPlace] = {}
        self._values: dict[Node, int] = {}
        for index, cell in enumerate(self._netlist.cells):
            if isinstance(cell, _nir.FlipFlop):
                self._allot(index, len(cell.data), cell.init)
            elif isinstance(cell, _nir.SyncReadPort):
                self._allot(index, cell.width, reads[index].init)
        self.state_words = self.words = len(self.init)
        for cell in self._netlist.cells:
            if isinstance(cell, (_nir.FlipFlop, _nir.SyncReadPort, _nir.SyncWritePort)):
                self.edge_of(cell)
        if len(self.edges) > 64:
            raise Unsupported(f"the compiled engine has at most 64 clock edges that registers wait "
                              f"for, the design has {len(self.edges)}; use engine=\"python\"")

    def _allot(self, index: int, width: int, init: int) -> None:
        self.slots[index] = len(self.init)
        for start in range(0, width, 64):
            self.init.append(init >> start & (1 << 64) - 1)

    def edge_of(self, cell: _nir.Cell) -> int | None:
        """Number of the clock edge a cell acts at; None if it is an input.

        Raises
        ------
        Unsupported
            If logic of the design drives the clock.
        """
        if cell.clk < 2:
            return None
        key = int(cell.clk), cell.clk_edge
        if key not in self.edges:
            driver = self._netlist.cells[cell.clk >> 16]
            if not (isinstance(driver, _nir.FlipFlop) and driver.clk < 2):
                where = "{}:{}".format(*cell.src_loc) if cell.src_loc else "unknown place"
                raise Unsupported(
                    f"the clock of the register at {where} is driven by logic of the design; the "
                    f"compiled engine takes clocks of add_clock() and of testbenches only "
                    f"(use a clock enable, or engine=\"python\")")
            self.edges.append(key)
        return self.edges.index(key)

    def keep(self, node: Node) -> None:
        """Give a node's value words of its own."""
        if node not in self._values:
            self._values[node] = self.words
            self.words += -(-node.width // 64)

    def kept(self, node: Node) -> int | None:
        """First word of a node that is kept."""
        return self._values.get(node)

    def more(self, words: int) -> int:
        """Allot further words; the first of them."""
        start = self.words
        self.words += words
        return start

    def state(self, net: int) -> tuple[int, int]:
        """(word, bit) of a net that is state."""
        bit = net & 0xFFFF
        return self.slots[net >> 16] + bit // 64, bit % 64

    def used(self, net: int) -> int:
        """Bits that are used of the word of a net that is state."""
        bit, driver = net & 0xFFFF, self._netlist.cells[net >> 16]
        width = len(driver.data) if isinstance(driver, _nir.FlipFlop) else driver.width
        return min(width - bit // 64 * 64, 64)

    def where(self, net: int) -> tuple[int, int] | None:
        """(word, bit) of a net that is state or a kept value; None if it is neither."""
        found = self._graph.node(net)
        if found is None:
            return self.state(net)
        start = self._values.get(found[0])
        return None if start is None else (start + found[1] // 64, found[1] % 64)

    def pieces(self, nets: Sequence[int]) -> list[Piece] | None:
        """Parts of a value, lowest first; word -1 is zeros, -2 ones; None if it isn't kept."""
        pieces: list[Piece] = []
        for net in nets:
            place = (-1 - net, 0) if net < 2 else self.where(net)
            if place is None:
                return None
            word, bit = place
            if pieces:
                last, start, count = pieces[-1]
                if last == word and (word < 0 or start + count == bit):
                    pieces[-1] = last, start, count + 1
                    continue
            pieces.append((word, bit, 1))
        return pieces

    def place_memories(self) -> None:
        """Put the memories behind the words."""
        at = 8 * self.words
        cells = [(index, cell) for index, cell in enumerate(self._netlist.cells)
                 if isinstance(cell, _nir.Memory)]
        places = {index: MemoryPlace(0, cell.depth, cell.width) for index, cell in cells}
        for index in sorted(places, key=lambda i: -min(places[i].bytes, 8)):
            place = places[index]
            self.memories[index] = MemoryPlace(at, place.depth, place.width)
            at += place.bytes * place.depth
        self.size = -(-at // 8) * 8

    def state_words_of(self, nets: Iterable[int]) -> set[int]:
        """State words among some nets."""
        return {self.state(net)[0] for net in nets if net >= 2 and self._graph.node(net) is None}
