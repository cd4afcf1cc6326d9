"""Files that are no text: what they are, and the tools that make text of some of them."""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from typing import NamedTuple

from .streams import CHUNK, Stream
from .trace import TraceError
from .words import clipped, shown

__all__ = ["HEAD", "refuse_binary", "told", "tool_of"]

#: First bytes of a file that tell what it is.
HEAD = 4096


class _Tool(NamedTuple):
    """A kind of file that a tool makes text of."""

    magic: bytes
    kind: str
    #: Format of the text.
    format: str
    #: The tool with its options; the file comes last.
    command: tuple[str, ...]
    #: What to tell a person to type.
    advice: str


_TOOLS = (
    _Tool(b"\x17\x08\x44tracing", "trace.dat", "trace-cmd",
          ("trace-cmd", "report", "-t", "-i"), "trace-cmd report -t FILE > my.trace"),
    _Tool(b"PERFILE2", "perf.data", "perf",
          ("perf", "script", "--ns", "--force", "--show-lost-events", "-i"),
          "perf script --ns -i FILE > my.trace"),
    _Tool(b"2ELIFREP", "perf.data of a machine of the other byte order", "perf",
          ("perf", "script", "--ns", "--force", "--show-lost-events", "-i"),
          "perf script --ns -i FILE > my.trace"),
)
#: What else is taken for a trace, by its first bytes, and what to do.
_OTHERS = (
    (b"\x04\x22\x4d\x18", "an lz4 file; unpack it first: `lz4 -d FILE`"),
    (b"\x1f\x9d", "a file of `compress`; unpack it first: `uncompress FILE`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first: `7z x FILE`"),
    (b"Rar!", "a rar archive; unpack it first"),
    (b"\x7fELF", "a program, not a trace"),
    (b"SQLite format 3", "a database, not a trace"),
    (b"%PDF", "a PDF document, not a trace"),
)
_PERFETTO = "give the text that `traceconv systrace FILE my.trace` makes"
_JSON = re.compile(rb'\s*[\[{]\s*(?:\{\s*)?"(?:traceEvents|systemTraceEvents|displayTimeUnit|'
                   rb'name|pid|ph|cat|ts|args|metadata)"')


def tool_of(head: bytes) -> _Tool | None:
    """The tool for a file that begins so."""
    return next((tool for tool in _TOOLS if head.startswith(tool.magic)), None)


def refuse_binary(name: str, head: bytes) -> None:
    """Refuse by name what is a trace in no readable form, or no trace at all.

    Raises
    ------
    TraceError
        With what it is, and what to do.
    """
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise TraceError(f"{name}: this is {what}")
    if head[257:262] == b"ustar":
        raise TraceError(f"{name}: this is a tar archive; unpack it and name one of its files")
    if _is_perfetto(head):
        raise TraceError(f"{name}: this is a Perfetto trace; {_PERFETTO}")
    if _JSON.match(head):
        raise TraceError(f"{name}: this is a trace in JSON, as Chrome and Perfetto write it; "
                         f"of the Perfetto trace {_PERFETTO}")


def _is_perfetto(head: bytes) -> bool:
    """Whether it begins with packets of a Perfetto trace: tag 0x0a and a length, each."""
    if not head.startswith(b"\n") or not any(byte < 9 for byte in head[:512]):
        return False
    at = packets = 0
    while at < len(head) and head[at] == 0x0A:
        length = shift = 0
        at += 1
        while at < len(head) and shift < 35:
            length |= (head[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if head[at - 1] < 0x80:
                break
        at, packets = at + length, packets + 1
    return packets > 0 and (at == len(head) or at > len(head) >= HEAD)


def told(tool: _Tool, stream: Stream, path: str | None, name: str, stack: ExitStack) -> Stream:
    """The text that a tool makes of a file.

    Parameters
    ----------
    tool : _Tool
        Of `tool_of`.
    stream : Stream
        The file's content; it is written to a file for the tool if there is no `path`.
    path : str or None
        The file, if it is one as the tool wants it.
    name : str
        For messages.
    stack : ExitStack
        Ends the tool and removes the file.

    Raises
    ------
    TraceError
        If the machine has no such tool; while reading, if the tool fails.
    """
    program = shutil.which(tool.command[0])
    if program is None:
        raise TraceError(f"{name}: this is {tool.kind}, and there is no {tool.command[0]} here "
                         f"that reads it; give the text that `{tool.advice}` makes")
    try:
        if path is None:
            copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="vapic-"))
            shutil.copyfileobj(stream, copy)
            copy.flush()
            path = copy.name
        complaints = stack.enter_context(tempfile.TemporaryFile())
        child = subprocess.Popen(
            [program, *tool.command[1:], os.path.abspath(path)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=complaints, env=os.environ | {"LC_ALL": "C"})
    except OSError as error:
        raise TraceError(f"{name}: cannot run {shown(program)} on it: {error.strerror}") from None
    stack.callback(_end, child)
    assert child.stdout is not None
    output = child.stdout

    def read(size: int) -> bytes:
        found = output.read1(min(size, CHUNK))
        if not found and child.wait() != 0:
            complaints.seek(0)
            words = complaints.read(4096).decode("utf-8", "replace").strip().splitlines()
            raise TraceError(
                f"{name}: this is {tool.kind}, and `{' '.join(tool.command[:2])}` failed on it"
                + (f": {clipped(shown(words[-1]))}" if words else ""))
        return found

    return Stream(read)


def _end(child: subprocess.Popen) -> None:
    """End the tool if it still runs: somebody has had enough."""
    if child.poll() is None:
        child.kill()
    if child.stdout is not None:
        child.stdout.close()
    child.wait()
