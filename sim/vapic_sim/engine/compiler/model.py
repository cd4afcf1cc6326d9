"""A design compiled: source files, and a description of where its signals are."""

from collections.abc import Iterable
from copy import copy
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from amaranth.hdl import Value, _nir
from amaranth.hdl import _ast as ast
from amaranth.hdl._ir import Design, NetlistEmitter
from amaranth.hdl._mem import MemoryInstance

from ..errors import Unsupported
from .cold import Cold
from .emit import Emitter
from .fingerprint import Contents
from .layout import ReadReset
from .plan import Plan

__all__ = ["Description", "compile_design"]


@dataclass
class Description:
    """Where everything is in the memory of a model.

    Parameters
    ----------
    words, state_words : int
        64-bit words in all, and of them those of state, which come first.
    size, cold_words : int
        Bytes of the whole model, and words of the values that it doesn't keep.
    signals : list of pieces
        By number of the signal: parts (word, bit, width) of its value, lowest first. Words from
        `words` on are those of the other values; -1 is zeros, -2 ones.
    memories : list of (int, int, int, int)
        By number of the memory: byte offset, depth, width, bytes a row.
    wakes : dict of int to list of (int, int)
        For each word of state: words and bits to set when it is changed from outside.
    memory_wakes : list of such lists
        For each memory.
    edges : list of (int, int, str)
        Word, bit and edge of each clock.
    """

    words: int
    state_words: int
    size: int
    cold_words: int
    signals: list[list[tuple[int, int, int]]]
    memories: list[tuple[int, int, int, int]]
    wakes: dict[int, list[tuple[int, int]]]
    memory_wakes: list[list[tuple[int, int]]]
    edges: list[tuple[int, int, str]]

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Description":
        """The description that `to_dict` gave, read from JSON."""
        wakes = {int(word): entry for word, entry in values["wakes"].items()}
        return cls(**(values | {"wakes": wakes}))


def _netlist(design: Design) -> _nir.Netlist:
    """Netlist in which everything that is not driven is a register without a clock."""
    portless = copy(design)
    portless.ports = []     # so that a reset that the design drives is none of its inputs
    netlist = _nir.Netlist()
    NetlistEmitter(netlist, portless, all_undef_to_ff=True).emit_fragment(design.fragment, None)
    netlist.resolve_all_nets()
    return netlist


def _reads(design: Design, netlist: _nir.Netlist) -> dict[int, ReadReset]:
    """What Amaranth's simulator does with read data that isn't enabled: the netlist hasn't it."""
    ports = [(fragment.domains[port._domain], port) for fragment in design.fragments
             if isinstance(fragment, MemoryInstance) for port in fragment._read_ports
             if port._domain != "comb"]
    cells = [index for index, cell in enumerate(netlist.cells)
             if isinstance(cell, _nir.SyncReadPort)]
    reads = {}
    for (domain, port), cell in zip(ports, cells, strict=True):
        init, at = 0, 0
        for signal in Value.cast(port._data)._lhs_signals():
            init |= (signal.init & (1 << len(signal)) - 1) << at
            at += len(signal)
        net = 0 if domain.rst is None else int(netlist.signals[domain.rst][0])
        reads[cell] = ReadReset(init, net)
    return reads


def _rises(design: Design, netlist: _nir.Netlist) -> dict[int, int]:
    """Cells for which the rise of an asynchronous reset is a clock edge, and the reset.

    Amaranth's simulator runs all of a domain's logic then: memory ports act, and registers that
    have no reset take their next values. The netlist doesn't tell the domain of these.
    """
    rises: dict[int, int] = {}
    memories = iter(index for index, cell in enumerate(netlist.cells)
                    if isinstance(cell, _nir.Memory))
    ports: dict[int, list[tuple[int, _nir.Cell]]] = {}
    for index, cell in enumerate(netlist.cells):
        if isinstance(cell, (_nir.SyncReadPort, _nir.SyncWritePort)):
            ports.setdefault(cell.memory, []).append((index, cell))
    for fragment in design.fragments:
        memory = next(memories) if isinstance(fragment, MemoryInstance) else None
        for name, domain in fragment.domains.items():
            if not domain.async_reset or domain.rst is None or domain.rst not in netlist.signals:
                continue
            reset = int(netlist.signals[domain.rst][0])
            clock = netlist.signals[domain.clk][0]
            for signal in fragment.statements.get(name, ast._StatementList())._lhs_signals():
                for net in netlist.signals[signal] if signal.reset_less else ():
                    cell = netlist.cells[net >> 16]
                    if isinstance(cell, _nir.FlipFlop) and cell.clk == clock:
                        rises[net >> 16] = reset
            rises |= {index: reset for index, cell in ports.get(memory, ()) if cell.clk == clock}
    return rises


def compile_design(design: Design, contents: Contents, exposed: Iterable[int],
                   ) -> tuple[dict[str, str], dict[str, str], Description]:
    """Compile a design to C.

    Parameters
    ----------
    design : amaranth.hdl._ir.Design
        Prepared design.
    contents : Contents
        Of that design.
    exposed : iterable of int
        Numbers of the signals that are kept in memory.

    Returns
    -------
    dict
        Source files of the model.
    dict
        Further source files of the library that computes the other signals; it needs the headers
        among the first.
    Description
        Where everything is.

    Raises
    ------
    Unsupported
        If the design has combinational cycles, clocks that logic drives, or too many clocks.
    """
    netlist = _netlist(design)
    for cell in netlist.cells:
        if isinstance(cell, (_nir.AnyValue, _nir.Initial)):
            raise Unsupported(
                "the compiled engine has no AnyConst, AnySeq or Initial values, which are for "
                "formal verification; drive a signal from a testbench instead")
    nets = [netlist.signals.get(signal) for signal in contents.signals]
    wanted = set(exposed)
    plan = Plan(netlist, _reads(design, netlist), _rises(design, netlist),
                [value for number, value in enumerate(nets) if number in wanted and value])
    emitter = Emitter(plan)
    sources = emitter.sources()
    layout = plan.layout
    pieces = [layout.pieces(value) if value is not None else [] for value in nets]
    hidden = {number: nets[number] for number, found in enumerate(pieces) if found is None}
    cold = Cold(plan, emitter.memory, emitter.source, list(hidden.values()))
    owners = plan.owners()
    wakes = {word: plan.split(plan.wake_state(word) | owners.get(word, 0))
             for word in range(layout.state_words)}
    memories = [index for index, cell in enumerate(netlist.cells)
                if isinstance(cell, _nir.Memory)]
    description = Description(
        words=layout.words, state_words=layout.state_words, size=layout.size,
        cold_words=cold.words,
        signals=[found if found is not None else cold.pieces(hidden[number])
                 for number, found in enumerate(pieces)],
        memories=[(place.offset, place.depth, place.width, place.bytes)
                  for place in (layout.memories[index] for index in memories)],
        wakes={word: groups for word, groups in wakes.items() if groups},
        memory_wakes=[plan.split(plan.wake_memory(index)) for index in memories],
        edges=[(*layout.state(net), edge) for net, edge in layout.edges])
    if len(layout.edges) > 64:
        raise Unsupported(f"the compiled engine has at most 64 clock edges that registers wait "
                          f"for, the design has {len(layout.edges)}; use engine=\"python\"")
    folder = files(__package__)
    sources["wide.h"] = (folder / "wide.h").read_text()
    sources["runtime.c"] = (folder / "runtime.c").read_text()
    return sources, cold.sources(), description
