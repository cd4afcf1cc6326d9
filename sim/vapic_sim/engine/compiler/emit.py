"""C source of a compiled model: a function for each group, and those that run them."""

from collections.abc import Iterable

from amaranth.hdl import _nir

from .cells import Cells, guarded
from .graph import Node
from .groups import Group
from .layout import MemoryPlace
from .plan import Plan
from .regions import Region, place
from .values import Values, hexed

__all__ = ["Emitter"]

#: Lines of C in a translation unit, about: what two processors compile side by side.
_UNIT = 4000
_TYPES = {1: "u8", 2: "u16", 4: "u32"}


class Emitter:
    """Writes the C source of a plan.

    Parameters
    ----------
    plan : Plan
        The model.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self._cells = plan.graph.netlist.cells
        self._group: Group | None = None
        self._values = Values(self.source)
        self._writer = Cells(self._values, self._name, self.memory)
        self._commits: list[list[list[str]]] = []
        self._writes: list[list[str]] = [[] for _ in plan.layout.edges]
        # What the rise of an asynchronous reset commits; under 0 what none does.
        self._rises: dict[int, list[str]] = {}

    def sources(self) -> dict[str, str]:
        """Source files by name; ``wide.h`` and the runtime are not among them."""
        functions = [self._evaluate(number) for number in range(len(self._plan.groups))]
        asynchronous = self._asynchronous()
        self._plan.layout.place_memories()
        units: list[list[str]] = [[]]
        lines = 0
        for code in functions:
            if lines > _UNIT:
                units.append([])
                lines = 0
            units[-1].append(code)
            lines += code.count("\n")
        files = {f"part{i}.c": '#include "design.h"\n' + "\n".join(unit)
                 for i, unit in enumerate(units)}
        files["design.h"] = self._header()
        files["main.c"] = "\n".join((
            '#include "design.h"', "u64 model_size(void){return sizeof(State);}",
            self._initial(), self._settle(), self._commit(), asynchronous, self._touch()))
        return files

    # Names.

    def source(self, net: int) -> tuple[str, int, int]:
        """(word, bit, bits used of the word) of a net."""
        found = self._plan.graph.node(net)
        if found is None:
            word, bit = self._plan.layout.state(net)
            return f"s->w[{word}]", bit, self._plan.layout.used(net)
        node, bit = found
        used = min(node.width - bit // 64 * 64, 64)
        if self._group is not None and self._plan.group_of[node] is self._group:
            return (self._name(node) if node.width <= 64
                    else f"{self._name(node)}[{bit // 64}]"), bit % 64, used
        start = self._plan.layout.kept(node)
        assert start is not None
        return f"s->w[{start + bit // 64}]", bit % 64, used

    def _name(self, node: Node) -> str:
        return f"n{node.index}"

    def memory(self, cell: int) -> tuple[str, MemoryPlace]:
        """(array, place) of a memory."""
        memory = self._cells[cell]
        return f"s->m{cell}", MemoryPlace(0, memory.depth, memory.width)

    def wake(self, groups: int, mask: str) -> str:
        """Statements that mark groups for evaluation where `mask` has ones."""
        return "".join(f"s->w[{word}]|={mask}&{hexed(bits)};"
                       for word, bits in self._plan.split(groups))

    # Evaluation of a group.

    def _evaluate(self, number: int) -> str:
        plan = self._plan
        group = self._group = plan.groups[number]
        inside = set(group.nodes)

        def nodes_of(nets: Iterable[int]) -> Iterable[Node]:
            return (node for node in plan.graph.nodes(nets) if node in inside)

        kept = [node for node in group.nodes if plan.layout.kept(node) is not None]
        results = [*kept, *(node for sink in group.sinks for node in nodes_of(sink.nets))]
        root, arms = place(group.nodes, results, nodes_of)

        def body(region: Region | None) -> list[str]:
            lines: list[str] = []
            for node in region.nodes if region else ():
                lines += self._writer.node(node, lambda i, node=node: body(arms.get((node, i))))
            return lines

        lines = body(root)
        for node in kept:
            lines += self._keep(node)
        commits: list[list[str]] = [[] for _ in plan.layout.edges]
        for sink in group.sinks:
            lines += self._sink(sink.cell, commits)
        changed = [edge for edge, code in enumerate(commits) if code]
        lines[:0] = [f"u64 d{edge}=0;" for edge in changed]
        lines += [f"if(d{edge})s->w[{plan.pending[edge] + number // 64}]|="
                  f"{hexed(1 << number % 64)};" for edge in changed]
        self._commits.append(commits)
        code = [f"void g{number}(State*s){{", *lines, "}"]
        for edge in changed:
            code += [f"void k{number}_{edge}(State*s){{", *commits[edge], "}"]
        self._group = None
        return "\n".join(code)

    def _keep(self, node: Node) -> list[str]:
        """Store a value others use, and wake them if it changed."""
        start, groups = self._plan.layout.kept(node), self._plan.wake_value(node)
        assert start is not None
        lines = []
        for i in range(-(-node.width // 64)):
            value = self._name(node) if node.width <= 64 else f"{self._name(node)}[{i}]"
            wake = self.wake(groups, "m")
            if wake:
                lines.append(f"{{u64 m=-(u64)(s->w[{start + i}]!={value});"
                             f"s->w[{start + i}]={value};{wake}}}")
            else:
                lines.append(f"s->w[{start + i}]={value};")
        return lines

    def _sink(self, index: int, commits: list[list[str]]) -> list[str]:
        cell = self._cells[index]
        edge = self._plan.layout.edge_of(cell)
        assert edge is not None
        rise = self._rises.setdefault(self._plan.rises.get(index, 0), [])
        if isinstance(cell, _nir.SyncWritePort):
            return self._write_port(cell, edge, rise)
        slot, lines = self._plan.layout.slots[index], []
        if isinstance(cell, _nir.FlipFlop):
            values = self._values.words(cell.data)
            if cell.arst >= 2:
                reset = self._values.word((cell.arst,))
                values = [f"({reset}?{hexed(self._plan.layout.init[slot + i])}:{value})"
                          for i, value in enumerate(values)]
        else:
            values = [f"r{index}_{i}" for i in range(-(-cell.width // 64))]
            lines += self._read_port(index, cell, values)
        for i, value in enumerate(values):
            word = slot + i
            if value == f"s->w[{word}]":
                continue
            following = self._plan.layout.more(1)
            lines.append(f"s->w[{following}]={value};d{edge}|=s->w[{following}]^s->w[{word}];")
            commit = (f"{{u64 m=-(u64)(s->w[{word}]!=s->w[{following}]);"
                      f"s->w[{word}]=s->w[{following}];"
                      f"{self.wake(self._plan.wake_state(word), 'm')}}}")
            commits[edge].append(commit)
            rise.append(commit)
        return lines

    def _read_port(self, index: int, cell: _nir.SyncReadPort, values: list[str]) -> list[str]:
        slot, reset = self._plan.layout.slots[index], self._plan.layout.reads[index]
        array, place_ = self.memory(cell.memory)
        inside = guarded("a", len(cell.addr), place_.depth)
        lines = []
        for i, value in enumerate(values):
            init = hexed(self._plan.layout.init[slot + i])
            rest = f"{self._values.word((reset.net,))}?{init}:" if reset.net else ""
            lines.append(f"u64 {value}={rest}s->w[{slot + i}];")
        lines.append(f"if({self._values.word((cell.en,))}){{u64 a={self._values.word(cell.addr)};")
        for i, value in enumerate(values):
            row = f"{array}[a]" if place_.width <= 64 else f"{array}[a][{i}]"
            lines.append(f"{value}={inside}?{row}:0;")
        for number in cell.transparent_for:
            port = self._cells[number]
            lines.append(f"if(a=={self._values.word(port.addr)}){{")
            for i, value in enumerate(values):
                data, enable = (self._values.word(nets[64 * i:64 * i + 64])
                                for nets in (port.data, port.en))
                lines.append(f"{{u64 e={enable};{value}=({value}&~e)|({data}&e);}}")
            lines.append("}")
        return [*lines, "}"]

    def _write_port(self, cell: _nir.SyncWritePort, edge: int, rise: list[str]) -> list[str]:
        """Note address, data and enable; the write itself is in the commit of every edge."""
        array, place_ = self.memory(cell.memory)
        count = -(-place_.width // 64)
        if not count:
            return []
        at = self._plan.layout.more(1 + 2 * count)
        enables, lines = self._values.words(cell.en), []
        for i, enable in enumerate(enables):
            lines.append(f"s->w[{at + 1 + i}]={enable};")
        any_ = "|".join(f"s->w[{at + 1 + i}]" for i in range(count))
        lines.append(f"if({any_}){{s->w[{at}]={self._values.word(cell.addr)};")
        lines += [f"s->w[{at + 1 + count + i}]={data};"
                  for i, data in enumerate(self._values.words(cell.data))]
        lines.append("}")
        inside = guarded(f"s->w[{at}]", len(cell.addr), place_.depth)
        code = [f"if(({any_})&&{inside}){{u64 a=s->w[{at}];"]
        for i in range(count):
            row = f"{array}[a]" if place_.width <= 64 else f"{array}[a][{i}]"
            code.append(f"{{u64 e=s->w[{at + 1 + i}];"
                        f"{row}=({row}&~e)|(s->w[{at + 1 + count + i}]&e);}}")
        code.append(self.wake(self._plan.wake_memory(cell.memory), hexed((1 << 64) - 1)) + "}")
        self._writes[edge].append("".join(code))
        rise.append("".join(code))
        return lines

    # The functions that run them.

    def _header(self) -> str:
        plan, lines = self._plan, ['#include "wide.h"', "typedef struct {"]
        lines.append(f"u64 w[{plan.layout.words}];")
        for cell, place_ in sorted(plan.layout.memories.items(), key=lambda item: item[1].offset):
            kind, words = _TYPES.get(place_.bytes, "u64"), -(-place_.width // 64)
            lines.append(f"{kind} m{cell}[{place_.depth}]{f'[{words}]' if words > 1 else ''};")
        lines += ["} State;", "#pragma GCC visibility push(hidden)",
                  "void model_settle(State*s);", "void model_commit(State*s,u64 edges);",
                  "int model_asynchronous(State*s);", "void model_touch(State*s,u64 word);"]
        for number, commits in enumerate(self._commits):
            lines.append(f"void g{number}(State*s);")
            lines += [f"void k{number}_{edge}(State*s);"
                      for edge, code in enumerate(commits) if code]
        return "\n".join([*lines, "#pragma GCC visibility pop"])

    def _initial(self) -> str:
        plan, lines = self._plan, []
        words = ",".join(hexed(word) for word in plan.layout.init)
        lines.append(f"static const u64 first[]={{{words}}};")
        lines += ["void model_reset(State*s){", "memset(s,0,sizeof*s);",
                  "memcpy(s->w,first,sizeof first);"]
        for cell in plan.layout.memories:
            width = self._cells[cell].width
            for row, value in enumerate(self._cells[cell].init):
                for i in range(-(-width // 64)):
                    part = value >> 64 * i & (1 << min(64, width - 64 * i)) - 1
                    if part:
                        item = f"[{row}]" if width <= 64 else f"[{row}][{i}]"
                        lines.append(f"s->m{cell}{item}={hexed(part)};")
        lines.append(self.wake((1 << len(plan.groups)) - 1, hexed((1 << 64) - 1)) + "}")
        return "\n".join(lines)

    def _settle(self) -> str:
        """Evaluate the groups that are marked."""
        return "\n".join(("void model_settle(State*s){",
                          *self._marked(self._plan.active, lambda n: f"g{n}(s)"), "}"))

    def _marked(self, start: int, call) -> list[str]:
        lines, names = [], [call(number) for number in range(len(self._plan.groups))]
        for i in range(self._plan.masks):
            lines.append(f"if(s->w[{start + i}]){{")
            lines += [f"if(s->w[{start + i}]&{hexed(1 << bit)}){name};"
                      for bit, name in enumerate(names[64 * i:64 * i + 64]) if name]
            lines.append(f"s->w[{start + i}]=0;}}")
        return lines

    def _commit(self) -> str:
        """Take the next state at some clock edges; everything is settled before."""
        lines = ["void model_commit(State*s,u64 edges){"]
        for edge, start in enumerate(self._plan.pending):
            lines.append(f"if(edges>>{edge}&1){{")
            lines += self._marked(
                start, lambda n, e=edge: f"k{n}_{e}(s)" if self._commits[n][e] else "")
            lines.append("}")
        for edge, writes in enumerate(self._writes):
            lines += [f"if(edges>>{edge}&1){{", *writes, "}"]
        return "\n".join([*lines, "}"])

    def _asynchronous(self) -> str:
        """Apply asynchronous resets; whether anything changed. Everything is settled before."""
        owners, always = self._plan.owners(), hexed((1 << 64) - 1)
        lines = ["int model_asynchronous(State*s){int any=0;"]
        for net, cells in self._plan.resets.items():
            before = self._plan.layout.more(1)
            lines.append(f"{{u64 now={self._values.word((net,))},rose=now&~s->w[{before}];"
                         f"s->w[{before}]=now;")
            lines += ["if(rose){any=1;", *self._rises.get(net, ()), "}", "if(now){"]
            for cell in cells:
                slot = self._plan.layout.slots[cell]
                for i in range(-(-len(self._cells[cell].data) // 64)):
                    word, init = slot + i, hexed(self._plan.layout.init[slot + i])
                    groups = self._plan.wake_state(word) | owners.get(word, 0)
                    lines.append(f"if(s->w[{word}]!={init}){{s->w[{word}]={init};any=1;"
                                 f"{self.wake(groups, always)}}}")
            lines.append("}}")
        return "\n".join([*lines, "return any;}"])

    def _touch(self) -> str:
        """Mark what depends on a word of state that was changed from outside."""
        owners, lines = self._plan.owners(), ["void model_touch(State*s,u64 word){switch(word){"]
        for word in range(self._plan.layout.state_words):
            groups = self._plan.wake_state(word) | owners.get(word, 0)
            if groups:
                lines.append(f"case {word}:{self.wake(groups, hexed((1 << 64) - 1))}break;")
        return "\n".join([*lines, "}}"])
