"""Reads kernel traces of any format: events to interrupts, everything else passed over by rule."""

import re
from collections import Counter
from collections.abc import Iterable

from .columns import MOST_NS
from .grammar import TEXT_BYTES, TOO_LATE, Grammar, is_interrupt, stamp
from .handlers import Handlers, Lane, Malformed
from .summary import Remark
from .tasks import Cpu, Tasks
from .trace import TraceError
from .words import quoted

__all__ = ["Scan"]

_ENTRY = re.compile(rb"[ \t]*irq=(?:0x[0-9a-f]+ \()?(\d+)\)?[ \t]+(?:name|handler)=([^\n]*)")
_EXIT = re.compile(rb"[ \t]*irq=(?:0x[0-9a-f]+ \()?(\d+)\)?[ \t]+(?:ret|return)=\w+")
_BARE = re.compile(rb"(?:irq:)?(irq_handler_(?:entry|exit))(?!\w)(?![ \t]*<-)")
#: Texts that are remembered, of each kind; most are alike.
_REMEMBERED = 50_000
#: What is longer than so many bytes makes room for itself.
_LONGEST = 500
_HIGHEST_IRQ = (1 << 32) - 1
_HIGHEST_CPU = (1 << 16) - 1


class Scan:
    """One kernel trace.

    Parameters
    ----------
    name : str
        File, for messages.
    grammar : Grammar
        Its format.
    """

    def __init__(self, name: str, grammar: Grammar):
        self.name, self._grammar = name, grammar
        self.handlers, self.tasks = Handlers(), Tasks()
        self.passed: Counter[str] = Counter()
        self.lines, self.unexplained = 0, 0
        self.unexplained_line: int | None = None
        self.begin, self.end = MOST_NS, 0
        self.remarks: list[Remark] = []
        self._lanes: dict[bytes, tuple[Lane, Cpu]] = {}
        self._entries: dict[bytes, tuple[int, int]] = {}
        self._exits: dict[bytes, int] = {}
        #: The line after which printed text may go on, the last one in which it did, and for how
        #: many bytes more it may.
        self._printed, self._goes_on, self._room = -1, -1, 0

    def read(self, blocks: Iterable[bytes]) -> None:
        """Read blocks of whole lines; the last may be without its end.

        Raises
        ------
        TraceError
            With the line's number and what was expected there, if a line looks like an interrupt
            and cannot be read.
        """
        for block in blocks:
            whole, end, rest = block.rpartition(b"\n")
            if end:
                self._block(whole + end)
            if rest:
                self._cut(rest)

    def _block(self, block: bytes) -> None:
        first = self.lines
        try:
            self._events(block)
        except Malformed as error:
            line = block.split(b"\n", self.lines - first)[self.lines - first - 1]
            column = line.find(error.token) + 1 if error.token else 0
            where = f" (column {column})" if column else ""
            raise TraceError(f"{self.name}:{self.lines}: expected {error}, "
                             f"found {quoted(line)}{where}") from None

    def _events(self, block: bytes) -> None:
        """All lines of a block. What is passed over costs no call."""
        known, lanes = self._grammar.known, self._lanes
        entries, exits = self._entries, self._exits
        number, others, begin, end = self.lines, 0, self.begin, self.end
        try:
            for cpu, seconds, part, event, text, record, other in self._grammar.line.findall(block):
                number += 1
                if event:
                    kind = known.get(event)
                    if kind is None:
                        others += 1
                        self._printed = number
                        continue
                elif record:
                    self.lines = number
                    self._record(cpu, record)
                    continue
                else:
                    self.lines = number
                    self._other(other)
                    continue
                try:
                    lane, tasks = lanes.get(cpu) or self._lane(cpu)
                    if len(part) == 6 and len(seconds) < 11:
                        time = int(seconds + part) * 1000
                    else:
                        time = stamp(seconds, part)
                    if time < begin:
                        begin = time
                    if time > end:
                        if time > MOST_NS:
                            raise Malformed(TOO_LATE, seconds)
                        end = time
                    if kind == "entry":
                        line, source = entries.get(text) or self._entry(text)
                        lane.entry(time, line, source)
                    elif kind == "exit":
                        line = exits.get(text)
                        lane.exit(time, self._exit(text) if line is None else line)
                    elif kind == "switch":
                        if not tasks.switch(time, text):
                            self.passed["switch"] += 1
                    else:
                        tasks.vector(time, kind == "in")
                except Malformed:
                    if kind == "entry" or kind == "exit":
                        raise
                    self.passed["switch" if kind == "switch" else "event"] += 1
        finally:
            self.lines, self.begin, self.end = number, begin, end
            self.passed["event"] += others

    def _lane(self, cpu: bytes) -> tuple[Lane, Cpu]:
        """What is kept of a CPU as a line has it."""
        if not cpu:
            raise Malformed(self._grammar.no_cpu)
        if len(cpu) > 18 or int(cpu) > _HIGHEST_CPU:
            raise Malformed(f"a CPU up to {_HIGHEST_CPU}", cpu)
        if len(self._lanes) >= _REMEMBERED:
            self._lanes.clear()
        found = self._lanes[cpu] = self.handlers.lane(int(cpu)), self.tasks.cpu(int(cpu))
        return found

    def _entry(self, text: bytes) -> tuple[int, int]:
        """Number of the line, and of the source, by the text of an entry."""
        found = _ENTRY.match(text)
        if found is None:
            raise Malformed("irq=NUMBER name=NAME")
        irq, name = _irq(found[1]), found[2].decode("utf-8", "replace").strip()
        if len(self._entries) >= _REMEMBERED or len(text) > _LONGEST:
            self._entries.clear()
        source = self.handlers.columns.number(f"{irq} {name}" if name else f"irq {irq}")
        self._entries[text] = irq, source
        return irq, source

    def _exit(self, text: bytes) -> int:
        """Number of the line by the text of an exit."""
        found = _EXIT.match(text)
        if found is None:
            raise Malformed("irq=NUMBER ret=handled|unhandled")
        if len(self._exits) >= _REMEMBERED or len(text) > _LONGEST:
            self._exits.clear()
        irq = self._exits[text] = _irq(found[1])
        return irq

    def _record(self, cpu: bytes, record: bytes) -> None:
        """A record without a name and a colon, such as ``function <-caller``."""
        if b"irq_handler_" in record[:40]:
            found = _BARE.match(record)
            if found is not None:
                raise Malformed(f"a colon and a space after {found[1].decode()}")
        if record.startswith(b"PERF_RECORD_LOST"):
            self._gap(int(cpu) if cpu else None, record)
            return
        self.passed["record"] += 1
        self._printed = self.lines

    def _gap(self, cpu: int | None, text: bytes) -> None:
        found = re.search(rb"lost(?:[ \t]samples)?[ \t:]+(\d{1,18})", text)
        self.handlers.gap(cpu, int(found[1]) if found else 0)

    def _rule(self, line: bytes) -> bool:
        """Whether a rule explains the line; counts it, and what it says of gaps."""
        found = self._grammar.rules.match(line)
        if found is None:
            return False
        rule = found.lastgroup
        if found["gap"] is not None:
            self.handlers.gap(int(found["cpu"]) if found["cpu"] else None,
                              int(found["lost"] or 0))
        else:
            self.passed["stack" if rule == "chain" else str(rule)] += 1
        return True

    def _other(self, line: bytes) -> None:
        """A line that is no event: passed over by rule, or counted as one without."""
        goes_on = self._printed == self.lines - 1
        if not line.strip():
            self._printed += goes_on
            return
        looks = not line.startswith(b"#") and is_interrupt(line, self._grammar.task)
        if looks:
            raise Malformed(self._grammar.expected)
        if self._rule(line):
            return
        if looks is None and not goes_on:
            raise Malformed(self._grammar.expected)
        if goes_on and self._continue(len(line)):
            return
        self.unexplained += 1
        if self.unexplained_line is None:
            self.unexplained_line = self.lines

    def _continue(self, size: int) -> bool:
        """Whether printed text can have gone on in this line: it has at most a page."""
        if self._printed != self._goes_on:
            self._room = TEXT_BYTES
        self._room -= size
        if self._room < 0:
            return False
        self._printed = self._goes_on = self.lines
        self.passed["text"] += 1
        return True

    def _cut(self, line: bytes) -> None:
        """The last line, which has no end: read if it is whole, else counted as cut off."""
        *_, event, _, record, other = self._grammar.line.findall(line + b"\n")[0]
        before = self.lines
        kind = self._grammar.known.get(event)
        try:
            if kind == "entry" or record or (other.strip() and not self._rule(other)):
                raise Malformed("a whole line")
            if event:
                self._events(line + b"\n")
            else:
                self.lines += 1
        except Malformed:
            self.lines = before + 1
            self.remarks.append(Remark("cut_line", 1, "last line is cut off: 1 line passed over"))


def _irq(digits: bytes) -> int:
    if len(digits) > 18 or int(digits) > _HIGHEST_IRQ:
        raise Malformed(f"an interrupt number up to {_HIGHEST_IRQ}", digits)
    return int(digits)
