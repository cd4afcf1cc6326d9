"""C statements that evaluate nodes."""

from collections.abc import Callable

from amaranth.hdl import _nir

from .graph import Node
from .layout import MemoryPlace
from .values import Values, hexed, ones

__all__ = ["Cells", "declare", "guarded"]

_WIDE = {"b": "any", "r|": "any", "r&": "all", "r^": "xor", "+": "add", "*": "mul",
         "==": "eq", "!=": "ne", "u<": "ult", "u>": "ugt", "u<=": "ule", "u>=": "uge",
         "s<": "slt", "s>": "sgt", "s<=": "sle", "s>=": "sge", "<<": "shl", "u>>": "shr",
         "s>>": "sar", "u//": "udiv", "u%": "umod", "s//": "sdiv", "s%": "smod"}


def declare(name: str, width: int) -> str:
    """Declaration of a value."""
    return f"u64 {name};" if width <= 64 else f"u64 {name}[{-(-width // 64)}];"


def guarded(address: str, bits: int, depth: int) -> str:
    """Condition that an address of so many bits is in a memory."""
    return "1" if 1 << bits <= depth else f"{address}<{depth}"


def _far(node: Node) -> bool:
    """Whether the bit that an offset names may be beyond what 64 bits count."""
    return node.op == "part" and len(node.args[1]) + node.extra[0].bit_length() > 63


class Cells:
    """Writes nodes as C.

    Parameters
    ----------
    values : Values
        Writes operands.
    name : callable
        C name of a node's value, of one word or of an array of them.
    memory : callable
        (C name, place) of a memory cell.
    declared : bool
        Whether the names are declared elsewhere.
    """

    def __init__(self, values: Values, name: Callable[[Node], str],
                 memory: Callable[[int], tuple[str, MemoryPlace]], *, declared: bool = False):
        self._values, self._name, self._memory = values, name, memory
        self._declared = declared

    def node(self, node: Node, inner: Callable[[int], list[str]]) -> list[str]:
        """Statements that evaluate a node; ``inner(i)`` are those that only its arm i needs."""
        if node.op == "assign":
            lines = self._assign(node, inner)
        elif node.op == "read":
            lines = self._read(node)
        elif node.width > 64 or any(len(arg) > 64 for arg in node.args) or _far(node):
            lines = self._wide(node)
        else:
            lines = [f"{self._name(node)}={self._narrow(node)};"]
        if not self._declared:
            if node.width <= 64 and lines[0].startswith(self._name(node) + "="):
                lines[0] = "u64 " + lines[0]
            else:
                lines.insert(0, declare(self._name(node), node.width))
        return lines

    def _assign(self, node: Node, inner: Callable[[int], list[str]]) -> list[str]:
        name, word = self._name(node), self._values.word
        lines = [f"{name}={word(node.args[0])};"]
        for i, (cond, bit, value) in enumerate(node.arms):
            if len(value) == node.width:
                text = f"{name}={word(value)};"
            else:
                keep = ones(node.width) & ~(ones(len(value)) << bit)
                text = f"{name}=({name}&{hexed(keep)})|({word(value)}<<{bit});"
            code = inner(i)
            if code:
                lines += [f"if({word((cond,))}){{", *code, text, "}"]
            else:
                lines.append(f"if({word((cond,))}){text}")
        return lines

    def _read(self, node: Node) -> list[str]:
        array, place = self._memory(node.extra)
        name, nets = self._name(node), node.args[0]
        inside = guarded("a", len(nets), place.depth)
        if node.width <= 64:
            return [f"{{u64 a={self._values.word(nets)};{name}={inside}?{array}[a]:0;}}"]
        return [f"{{u64 a={self._values.word(nets)};for(int i=0;i<{-(-node.width // 64)};i++)"
                f"{name}[i]={inside}?{array}[a][i]:0;}}"]

    def _narrow(self, node: Node) -> str:
        op, args, word = node.op, node.args, self._values.word
        full = hexed(ones(node.width))
        match op:
            case "match":
                return self._match(node)
            case "prio":
                terms = [word(args[1])]
                if args[0] != (_nir.Net.from_const(1),):
                    terms.append(word(args[0]))
                terms += [f"!{word((net,))}" for net in args[2]]
                return "&".join(f"({term})" for term in terms)
            case "part":
                stride, signed = node.extra
                value = self._values.signed(args[0]) if signed else word(args[0])
                shift = "sar" if signed else "shr"
                return f"{shift}({value},{stride}*({word(args[1])}))&{full}"
        a = word(args[0])
        if len(args) == 1:
            return {"~": f"~{a}&{full}", "-": f"(0-{a})&{full}", "b": f"{a}!=0", "r|": f"{a}!=0",
                    "r&": f"{a}=={hexed(ones(len(args[0])))}",
                    "r^": f"__builtin_parityll({a})"}[op]
        b = word(args[1])
        if op in ("&", "|", "^"):
            return f"{a}{op}{b}"
        if op in ("+", "-", "*"):
            return f"({a}{op}{b})&{full}"
        if op in ("==", "!="):
            return f"{a}{op}{b}"
        if op == "<<":
            return f"shl({a},{b})&{full}"
        if op == "u>>":
            return f"shr({a},{b})"
        if op == "s>>":
            return f"sar({self._values.signed(args[0])},{b})&{full}"
        if op[0] == "s":
            a, b = self._values.signed(args[0]), self._values.signed(args[1])
        match op[1:]:
            case "//":
                return f"{op[0]}div({a},{b})&{full}"
            case "%":
                return f"{op[0]}mod({a},{b})&{full}"
        return f"{a}{op[1:]}{b}"

    def _match(self, node: Node) -> str:
        nets = node.args[0]
        words = self._values.words(nets)
        terms = []
        for pattern in node.extra:
            care = int("0" + pattern.replace("0", "1").replace("-", "0"), 2)
            want = int("0" + pattern.replace("-", "0"), 2)
            terms.append("&".join(
                f"(({text}&{hexed(care >> 64 * i & ones(64))})=={hexed(want >> 64 * i & ones(64))})"
                for i, text in enumerate(words)))
        return "|".join(f"({term})" for term in terms) or "0"

    def _wide(self, node: Node) -> list[str]:
        """By functions of wide.h, over arrays of words."""
        name = self._name(node)
        if node.op == "match":
            return [f"{name}={self._match(node)};"]
        operands, code = [], []
        for i, arg in enumerate(node.args):
            code.append(f"u64 x{i}[]={{{','.join(self._values.words(arg))}}};")
            operands.append(f"x{i},{len(arg)}")
        out = f"{name if node.width > 64 else '&' + name},{node.width}"
        if node.op == "part":
            stride, signed = node.extra
            code.append(f"w_part({out},{','.join(operands)},{stride},{int(signed)});")
        elif node.op == "-":
            code.append(f"w_{'neg' if len(operands) == 1 else 'sub'}({out},{','.join(operands)});")
        else:
            code.append(f"w_{_WIDE[node.op]}({out},{','.join(operands)});")
        return ["{" + "".join(code) + "}"]
