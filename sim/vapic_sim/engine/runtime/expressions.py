"""Amaranth values as Python functions and as conditions that the model evaluates itself."""

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import Signal, Value
from amaranth.hdl import _ast as ast
from amaranth.hdl._mem import MemoryData
from amaranth.sim._pyrtl import _PythonEmitter, _RHSValueCompiler

from .library import Model

__all__ = ["condition", "reader", "structure", "words_of"]

_OPS = {name: number for number, name in enumerate((
    "END", "LOAD", "CONST", "AND", "OR", "XOR", "NOT", "EQ", "NE", "LT", "LE", "SLT", "SLE",
    "ADD", "SUB", "ANY", "ALL", "PARITY", "SHL", "SHR", "EXTEND", "CHOOSE"))}
_DEPTH = 60


def _pieces(model: Model, value: Any) -> list[tuple[int, int, int]]:
    if isinstance(value, Signal):
        return model.pieces(value)
    return model.row(value._memory, value._index)


class _Reading(_RHSValueCompiler):
    """Amaranth's translation of expressions to Python, with our places of signals."""

    def __init__(self, model: Model, emitter: Any, place: Callable[[int], str]):
        super().__init__(None, emitter, mode="curr")
        self._model, self._place = model, place

    def on_value(self, value: Any) -> Any:
        if isinstance(value, MemoryData._Row):
            return self._load(value, value.shape().signed)
        return super().on_value(value)

    def on_Signal(self, value: Any) -> str:
        return self._load(value, value.shape().signed)

    def _load(self, value: Any, signed: bool) -> str:
        parts, at = [], 0
        for word, bit, width in _pieces(self._model, value):
            mask = (1 << width) - 1
            if word == -2:
                parts.append(f"{mask << at:#x}")
            elif word >= 0:
                text = self._place(word) + (f">>{bit}" if bit else "")
                text = f"({text}&{mask:#x})" if width < 64 or bit else text
                parts.append(f"({text}<<{at})" if at else text)
            at += width
        text = f"({'|'.join(parts)})" if parts else "0"
        if signed and at:
            sign = 1 << at - 1
            text = f"(({text}^{sign:#x})-{sign:#x})"
        return text


def structure(value: Any) -> Any:
    """What equal expressions of the same signals have in common, to find them by.

    Signals go by their identity: whoever keeps what was found by this must keep the value too.
    """
    kind = type(value)
    if kind is Signal:
        return id(value)
    if kind is ast.Const:
        return 0, value.value, len(value), value.shape().signed
    if kind is ast.Slice:
        return 1, structure(value.value), value.start, value.stop
    if kind is ast.Operator:
        return 2, value.operator, *map(structure, value.operands)
    if kind is ast.Concat:
        return 3, *map(structure, value.parts)
    return 4, id(value)


def words_of(model: Model, value: Value) -> list[int]:
    """Indices of the words that a value depends on, each once."""
    found: dict[int, None] = {}
    for leaf in _leaves(value):
        for word, _, _ in _pieces(model, leaf):
            if word >= 0:
                found[word] = None
    return list(found)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, (Signal, MemoryData._Row)):
        return [value]
    below: Sequence[Any] = ()
    if isinstance(value, ast.Operator):
        below = value.operands
    elif isinstance(value, ast.Slice):
        below = (value.value,)
    elif isinstance(value, ast.Part):
        below = (value.value, value.offset)
    elif isinstance(value, ast.Concat):
        below = value.parts
    elif isinstance(value, ast.SwitchValue):
        below = (value.test, *(case for _, case in value.cases))
    elif not isinstance(value, ast.Const):
        raise ValueError(f"Value {value!r} cannot be used in simulation")
    return [leaf for part in below for leaf in _leaves(part)]


def reader(model: Model, values: Sequence[Value], place: Callable[[int], str],
           array: Any, *, settle: bool) -> Callable[[], Any]:
    """Function that gives the value of one expression, or a tuple of several.

    Parameters
    ----------
    model : Model
        Where signals are.
    values : sequence of Value
        Expressions; one that is alone isn't put into a tuple.
    place : callable
        Python expression of a word, in terms of ``w``.
    array : array of int
        What ``w`` is.
    settle : bool
        Whether values that follow from the state are computed first.
    """
    emitter = _PythonEmitter()
    emitter.append("def read():")
    with emitter.indent():
        if settle:
            words = [word for value in values for word in words_of(model, value)]
            if any(model.is_cold(word) for word in words):
                emitter.append("if model.cold_stale: model.settle_cold()")
            elif any(model.is_derived(word) for word in words):
                emitter.append("if model.stale: model.settle()")
        compiler = _Reading(model, emitter, place)
        results = [compiler(value) if isinstance(value, (Signal, MemoryData._Row))
                   else compiler.sign(value) for value in values]
        emitter.append("return " + (results[0] if len(results) == 1
                                    else f"({''.join(f'{r},' for r in results)})"))
    space = {"w": array, "model": model, **_RHSValueCompiler.helpers}
    exec(compile(emitter.flush(), "<reader>", "exec"), space)
    return space["read"]


def condition(model: Model, value: Value) -> list[int] | None:
    """Program of `runtime.c` for an expression; None if it is too wide or too deep for one."""
    code: list[int] = []
    try:
        _emit(model, value, code, 1)
    except OverflowError:
        return None
    return [*code, _OPS["END"]]


def _emit(model: Model, value: Any, code: list[int], depth: int) -> None:
    width, signed = len(value), value.shape().signed
    if width > 64 or depth > _DEPTH:
        raise OverflowError
    mask = (1 << width) - 1

    def put(name: str, *operands: int) -> None:
        code.append(_OPS[name])
        code.extend(operands)

    def extend() -> None:
        if signed and width < 64:
            put("EXTEND", 64 - width)

    if isinstance(value, ast.Const):
        put("CONST", value.value & (1 << 64) - 1)
    elif isinstance(value, (Signal, MemoryData._Row)):
        at = 0
        for word, bit, count in _pieces(model, value) or [(-1, 0, 0)]:
            if word < 0:
                put("CONST", (1 << count) - 1 if word == -2 else 0)
            else:
                put("LOAD", model.address + 8 * word, bit, (1 << count) - 1)
            if at:
                put("SHL", at)
                put("OR")
            at += count
        extend()
    elif isinstance(value, ast.Slice):
        _emit(model, value.value, code, depth)
        put("SHR", value.start, mask)
    elif isinstance(value, ast.Concat):
        put("CONST", 0)
        at = 0
        for part in value.parts:
            _emit(model, part, code, depth + 1)
            put("SHR", 0, (1 << len(part)) - 1)
            put("SHL", at)
            put("OR")
            at += len(part)
    elif isinstance(value, ast.Operator):
        _emit_operator(model, value, code, depth, put, extend)
    else:
        raise OverflowError


def _emit_operator(model: Model, value: Any, code: list[int], depth: int, put: Callable,
                   extend: Callable) -> None:
    op, operands, width = value.operator, value.operands, len(value)
    mask = (1 << width) - 1
    if op in ("<", "<=", ">", ">=", "==", "!="):
        shape = ast.Shape._unify(operand.shape() for operand in operands)
        if shape.width > 64:
            raise OverflowError
    for i, operand in enumerate(operands):
        _emit(model, operand, code, depth + i)
    inner = (1 << len(operands[0])) - 1
    if len(operands) == 1:
        match op:
            case "~":
                put("NOT", (1 << 64) - 1 if value.shape().signed else mask)
            case "b" | "r|":
                put("ANY")
            case "r&":
                put("SHR", 0, inner)
                put("ALL", inner)
            case "r^":
                put("SHR", 0, inner)
                put("PARITY")
            case "u":
                put("SHR", 0, mask)
            case "s":
                extend()
            case _:
                raise OverflowError
        return
    match op:
        case "&" | "|" | "^":
            put({"&": "AND", "|": "OR", "^": "XOR"}[op])
        case "+" | "-":
            put("ADD" if op == "+" else "SUB")
        case "==" | "!=":
            put("EQ" if op == "==" else "NE")
        case "<" | "<=" | ">" | ">=":
            signed = any(operand.shape().signed for operand in operands)
            if op in (">", ">="):
                put("SLE" if op == ">" and signed else "LE" if op == ">" else
                    "SLT" if signed else "LT")
                put("CONST", 1)
                put("XOR")
            else:
                put(("S" if signed else "") + ("LT" if op == "<" else "LE"))
        case _:
            raise OverflowError
