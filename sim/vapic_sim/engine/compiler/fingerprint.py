"""A design's contents as a number, and its signals and memories in a fixed order.

What is equal here is compiled to the same code; so the number is the key of the build cache, and
the order is how a compiled model from there finds the signals of a design that was made anew.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Fragment, Signal
from amaranth.hdl import _ast as ast
from amaranth.hdl._ir import Design, Instance, IOBufferInstance, RequirePosedge
from amaranth.hdl._mem import MemoryInstance

from ..errors import Unsupported

__all__ = ["Contents"]

#: Bits of a value.
_WIDEST = (1 << 16) - 2


class Contents:
    """Signals, memories and fingerprint of a design.

    Parameters
    ----------
    design : amaranth.hdl._ir.Design
        Prepared design.

    Attributes
    ----------
    signals : SignalDict of int
        Number of each signal of the design.
    memories : dict of MemoryData to int
        Number of each memory.
    driven, combinational : set of int
        Numbers of the signals that the design drives, and of those it drives combinationally.

    Raises
    ------
    Unsupported
        If the design has something the compiled engine can't do.
    """

    def __init__(self, design: Design):
        self.signals: Any = ast.SignalDict()
        self.memories: dict[Any, int] = {}
        self.combinational: set[int] = set()
        self.driven: set[int] = set()
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []
        self._out: list[str] = []
        for fragment, info in design.fragments.items():
            for signal in info.used_signals:
                self.number(signal)
            self._fragment(fragment, info.depth)
        for name, port, direction in design.ports:
            if not isinstance(port, Signal):
                raise Unsupported(f"the compiled engine has no I/O ports, such as {name!r}; "
                                  f"simulate the design without its pads, or use engine=\"python\"")
            self._out.append(f"P{self.number(port)},{direction}")

    def number(self, signal: Signal) -> int:
        """Number of a signal; a new one's shape and start are part of the contents."""
        number = self.signals.get(signal)
        if number is None:
            _check_width(signal)
            number = self.signals[signal] = len(self.signals)
            self._out.append(f"S{len(signal)},{int(signal.shape().signed)},{signal.init},"
                             f"{int(signal.reset_less)}")
        return number

    def digest(self, exposed: Iterable[int]) -> str:
        """Hexadecimal hash of the contents and of which signals are exposed."""
        text = "\n".join((*self._out, "X", *map(str, sorted(exposed))))
        return hashlib.sha256(text.encode()).hexdigest()

    def _fragment(self, fragment: Fragment, depth: int) -> None:
        where = "{}:{}".format(*fragment.src_loc) if fragment.src_loc else "unknown place"
        if isinstance(fragment, (Instance, IOBufferInstance)):
            kind = fragment.type if isinstance(fragment, Instance) else "IOBuffer"
            raise Unsupported(f"the compiled engine can't see inside the instance of {kind!r} at "
                              f"{where}; replace it by an Amaranth model of it for simulation")
        self._out.append(f"F{depth},{type(fragment).__name__}")
        if isinstance(fragment, RequirePosedge):
            return
        for name, domain in fragment.domains.items():
            reset = "" if domain.rst is None else self.number(domain.rst)
            self._out.append(f"D{name},{self.number(domain.clk)},{domain.clk_edge},{reset},"
                             f"{int(domain.async_reset)}")
        for domain, statements in fragment.statements.items():
            self._out.append(f"T{domain}")
            self.driven |= {self.number(signal) for signal in statements._lhs_signals()}
            if domain == "comb":
                for signal in statements._lhs_signals():
                    self.combinational.add(self.number(signal))
            self._statements(statements)
        if isinstance(fragment, MemoryInstance):
            self._memory(fragment)

    def _memory(self, fragment: Any) -> None:
        data = fragment._data
        self.memories[data] = len(self.memories)
        width = ast.Shape.cast(data._shape).width
        rows = hashlib.sha256(repr(list(data._init._raw)).encode()).hexdigest()
        self._out.append(f"M{width},{data._depth},{rows}")
        for port in fragment._read_ports:
            if port._domain == "comb":
                for signal in ast.Value.cast(port._data)._lhs_signals():
                    self.combinational.add(self.number(signal))
            self._out.append(f"R{port._domain},{self._value(port._addr)},"
                             f"{self._value(port._data)},{self._value(port._en)},"
                             f"{port._transparent_for}")
        for port in fragment._write_ports:
            self._out.append(f"W{port._domain},{self._value(port._addr)},"
                             f"{self._value(port._data)},{self._value(port._en)},"
                             f"{port._granularity}")

    def _statements(self, statements: Any) -> None:
        for statement in statements:
            if isinstance(statement, ast.Assign):
                left, right = self._value(statement.lhs), self._value(statement.rhs)
                self._out.append(f"={left},{right}")
            elif isinstance(statement, ast.Switch):
                self._out.append(f"?{self._value(statement.test)}")
                for patterns, inner, _ in statement.cases:
                    self._out.append(f":{patterns}")
                    self._statements(inner)
                self._out.append(".")
            else:
                where = "{}:{}".format(*statement.src_loc) if statement.src_loc else "?"
                kind = (statement.kind.name if isinstance(statement, ast.Property)
                        else type(statement).__name__)
                raise Unsupported(f"the compiled engine has no {kind} "
                                  f"statements, such as that at {where}; check or print from a "
                                  f"testbench, or use engine=\"python\"")

    def _value(self, value: Any) -> int:
        """Number of a value; values met before aren't written again."""
        number = self._seen.get(id(value))
        if number is not None:
            return number
        if isinstance(value, Signal):
            text = f"s{self.number(value)}"
        elif isinstance(value, ast.Const):
            text = f"c{value.value},{len(value)},{int(value.shape().signed)}"
        elif isinstance(value, ast.Operator):
            text = f"o{value.operator},{[self._value(v) for v in value.operands]}"
        elif isinstance(value, ast.Slice):
            text = f"l{self._value(value.value)},{value.start},{value.stop}"
        elif isinstance(value, ast.Part):
            text = (f"p{self._value(value.value)},{self._value(value.offset)},{value.width},"
                    f"{value.stride}")
        elif isinstance(value, ast.Concat):
            text = f"a{[self._value(v) for v in value.parts]}"
        elif isinstance(value, ast.SwitchValue):
            cases = [(patterns, self._value(v)) for patterns, v in value.cases]
            text = f"w{self._value(value.test)},{cases}"
        else:
            where = "{}:{}".format(*value.src_loc) if value.src_loc else "unknown place"
            raise Unsupported(f"the compiled engine has no values such as {value!r} at {where}; "
                              f"drive a signal from a testbench, or use engine=\"python\"")
        _check_width(value)
        number = self._seen[id(value)] = len(self._kept)
        self._kept.append(value)
        self._out.append(text)
        return number


def _check_width(value: Any) -> None:
    if len(value) > _WIDEST:
        where = "{}:{}".format(*value.src_loc) if value.src_loc else "unknown place"
        raise Unsupported(f"the value at {where} is {len(value)} bits wide; Amaranth's netlist "
                          f"has at most {_WIDEST}")
