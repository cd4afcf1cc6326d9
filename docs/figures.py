"""Pictures of docs/architecture.md: ``python -m docs.figures`` draws what the simulation does.

One interrupt is sent through a small controller. Its signals become docs/interrupt.svg, and the
cycles in which something happens the table beside it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from vapic import Config
from vapic.layouts import Mode
from vapic.numbers import SchedState
from vapic.policy import Policy
from vapic.record import UNITS, Op
from vapic.regs import pack
from vapic_sim.verify.rig import Rig

__all__ = ["PAGE", "PICTURE", "Waves", "draw", "fill", "interrupt", "table"]

FOLDER = Path(__file__).resolve().parent
PICTURE, PAGE = FOLDER / "interrupt.svg", FOLDER / "architecture.md"

#: The source that is sent, and the vCPU that gets it.
PIN, VCPU = 3, 1
_BEFORE, _AFTER, _LIMIT = 1, 2, 60
_CONFIG = Config(rtes=8, irts=0, vcpus=2, lanes=2, domains=2, ports=32)


@dataclass
class Waves:
    """What happens from the cycle of the edge on.

    Parameters
    ----------
    bits : dict of str to list of int
        Value of one-bit signals in each cycle; cycle 0 is at index `_BEFORE`.
    boxes : dict of str to list of str
        A word about each cycle, of what has more than two values.
    irq : int
        Cycles to ``irq`` if the entry is on path LAPIC.
    events : dict of str to int
        Cycle of each event.
    """

    bits: dict[str, list[int]] = field(default_factory=dict)
    boxes: dict[str, list[str]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    irq: int = 0

    @property
    def cycles(self) -> int:
        """Length."""
        return len(next(iter(self.bits.values())))


#: Rows of the picture: signal and how it is read.
_BITS: dict[str, Callable[[Any], Any]] = {
    f"pin[{PIN}]": lambda dut: dut.pin[PIN],
    "ioapic.requests.offer": lambda dut: dut.ioapic.requests.offer,
    "requests.take": lambda dut: dut.dispatch.requests.take,
    "dispatch.evt_grant.target.valid": lambda dut: dut.dispatch.evt_grant.target.valid,
    "evt.grant.done.valid": lambda dut: dut.evt.grant.done.valid,
    "evt.note.valid": lambda dut: dut.evt.note.valid,
    f"upcall[{VCPU}]": lambda dut: dut.upcall[VCPU],
}
_RECORDS, _SELECTION, _PIPELINE = "commit records", "selection", "stage of the bank"
#: Event, who does it, the row where it is seen, and what happens then.
_EVENTS = (
    ("edge", "device", f"pin[{PIN}]",
     f"The line at pin {PIN} rises."),
    (Op.LINES.name, "ioapic", _RECORDS,
     "Two flip-flops have brought the line into the clock domain. It was low before: an edge, and "
     "the entry's pend bit is set."),
    ("offer", "ioapic", "ioapic.requests.offer",
     "The entry is not masked, nothing of it is in flight: the request is serviceable, and the "
     "round robin names it to dispatch."),
    (Op.START.name, "dispatch", "requests.take",
     "Dispatch takes it with its entry: C0. What it decides rests on the state of this cycle. C1 "
     "reads the row of the PIRQ (which lanes have an open port) and the lanes of the domain, C2 "
     "reduces each lane to its terms and key, then the tournament runs: of the lanes that are "
     "eligible the one with the smallest key wins, here the vCPU that runs."),
    ("grant", "dispatch", "dispatch.evt_grant.target.valid",
     "The winner is offered to its sink, the event channels."),
    ("decision", "evtchn", "evt.grant.done.valid",
     "The engine has read port, word, lane and PIRQ and decides. `evt_grant.ok` says that nothing "
     "the choice rests on has changed since C0 (else the grant aborts and the request is taken "
     "again). Pending, selector and in-flight bits and out count follow at once; nobody can see "
     "the state between."),
    (Op.GRANT.name, "evtchn", _RECORDS,
     "The port is pending, and software that reads sees it."),
    ("note", "evtchn", "evt.note.valid",
     "The vCPU had no upcall pending, now it has: the event channels note it to the bank, whose "
     "pipeline it enters: head row, registers, bitmaps, priority, decision."),
    (Op.UPCALL.name, "bank", f"upcall[{VCPU}]",
     "The new head row is there and the output of the vCPU rises."),
)


def interrupt() -> Waves:
    """Send one edge on path EVT, under PULL, to the second of two vCPUs: the first is preempted."""
    rig = Rig(_CONFIG)
    waves = Waves({name: [] for name in _BITS}, {_RECORDS: []})

    async def scenario(rig: Rig) -> None:
        await _prepare(rig, path=1)
        left = None
        for cycle in range(-_BEFORE, _LIMIT):
            if cycle == 0:
                rig.line(PIN, 1)
            _look(rig, waves, cycle)
            if left is None and waves.bits[f"upcall[{VCPU}]"][-1]:
                left = _AFTER
            if left == 0:
                break
            left = None if left is None else left - 1
            await rig.ticks(1)
        rig.line(PIN, 0)

    async def other_path(rig: Rig) -> None:
        await _prepare(rig, path=0)
        rig.line(PIN, 1)
        while not rig.irq(VCPU):
            assert waves.irq < _LIMIT
            await rig.ticks(1)
            waves.irq += 1
        rig.line(PIN, 0)

    rig.run(scenario)
    rig.run(other_path)
    missing = [name for name, *_ in _EVENTS if name not in waves.events]
    assert not missing, f"there is no event {missing}"
    first = [waves.events[name] for name in (Op.START.name, "note")]
    last = [waves.events[name] for name in ("grant", Op.UPCALL.name)]
    for row, letter, begin, end in zip((_SELECTION, _PIPELINE), ("C", ""), first, last,
                                       strict=True):
        waves.boxes[row] = [f"{letter}{cycle - begin}" if begin <= cycle < end else ""
                            for cycle in range(-_BEFORE, waves.cycles - _BEFORE)]
    return waves


async def _prepare(rig: Rig, path: int) -> None:
    await rig.setup(2)
    await rig.write("VCPU_SCHED", 0, value=pack("VCPU_SCHED", state=SchedState.RUNNABLE.value))
    await rig.write("REQX", PIN, value=pack("REQX", path=path, policy=Policy.PULL, allow=0b111))
    for lane in range(2):
        await rig.bind(PIN, lane)
    await rig.write("EVT_UPCALL", 0, VCPU, value=pack("EVT_UPCALL", mask=0))
    await rig.rte(PIN, vector=0x61, mode=Mode.LOWEST.value, dest=0xFF)
    await rig.settle()


def _look(rig: Rig, waves: Waves, cycle: int) -> None:
    get, dut, events = rig.ctx.get, rig.dut, waves.events
    for name, signal in _BITS.items():
        waves.bits[name].append(get(signal(dut)))
    now = {name: values[-1] for name, values in waves.bits.items()}
    records = []
    for unit in UNITS:
        port = getattr(dut.commits, unit)
        if get(port.valid):
            records.append(Op(get(port.record.op)).name)
    waves.boxes[_RECORDS].append(" ".join(records))
    seen = set(records) | {name for name, _, row, _ in _EVENTS if now.get(row)}
    for name in seen:
        events.setdefault(name, cycle)


def table(waves: Waves) -> str:
    """The cycles in which something happens, as a Markdown table, and the three latencies."""
    lines = ["| | cycle | where | what happens |", "|---|---|---|---|"]
    lines += [f"| {letter} | {waves.events[name]} | {where} | {text} |"
              for letter, (name, where, _, text) in zip("abcdefghijkl", _EVENTS, strict=False)]
    lines += ["", f"So the port is pending {waves.events['GRANT']} cycles after the edge, and the "
              f"upcall rises after {waves.events['UPCALL']}. On path LAPIC the bank itself is the "
              f"sink, and `irq` rises {waves.irq} cycles after the edge."]
    return "\n".join(lines) + "\n"


# The picture.

#: Room for the names of rows; a cycle; a wave; from row to row; for cycles and letters above.
_LEFT, _STEP, _HIGH, _ROW, _TOP = 260, 40, 18, 34, 52
_STYLE = """text{font:13px sans-serif;fill:#222}.mono{font:12px monospace}
.small{font:11px sans-serif;fill:#555}.mark{font:bold 13px sans-serif;fill:#a33}
.grid{stroke:#ddd}.event{stroke:#a33;stroke-dasharray:3 3}
.wave{stroke:#234a78;stroke-width:2;fill:none}.box{stroke:#234a78;fill:#dce8f5}"""


def draw(waves: Waves) -> str:
    """The picture as SVG."""
    bits = list(waves.bits)
    rows = [*bits[:3], _SELECTION, *bits[3:-1], _PIPELINE, bits[-1], _RECORDS]
    assert max(map(len, rows)) * 8 <= _LEFT, "a name is longer than its room"
    width, height = _LEFT + _STEP * waves.cycles + 20, _TOP + _ROW * len(rows) + 14
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}">', f"<style>{_STYLE}</style>",
             f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for i in range(waves.cycles):
        x = _LEFT + _STEP * i
        parts.append(f'<line class="grid" x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{height - 8}"/>')
        parts.append(f'<text class="small" x="{x + _STEP // 2}" y="{_TOP - 14}" '
                     f'text-anchor="middle">{i - _BEFORE}</text>')
    parts.append(f'<text class="small" x="{_LEFT - 10}" y="{_TOP - 14}" '
                 'text-anchor="end">cycle</text>')
    parts += _marks(waves, height)
    for number, name in enumerate(rows):
        y = _TOP + _ROW * number
        parts.append(f'<text class="mono" x="{_LEFT - 10}" y="{y + _HIGH - 4}" '
                     f'text-anchor="end">{escape(name)}</text>')
        parts += [_wave(waves.bits[name], y)] if name in waves.bits else _boxes(
            waves.boxes[name], y)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _marks(waves: Waves, height: int) -> list[str]:
    parts, shared = [], {}
    for letter, (name, *_) in zip("abcdefghijkl", _EVENTS, strict=False):
        shared.setdefault(waves.events[name], []).append(letter)
    for cycle, letters in shared.items():
        x = _LEFT + _STEP * (cycle + _BEFORE)
        parts.append(f'<line class="event" x1="{x}" y1="24" x2="{x}" y2="{height - 8}"/>')
        parts.append(f'<text class="mark" x="{x}" y="18" text-anchor="middle">'
                     f'{" ".join(letters)}</text>')
    return parts


def _wave(values: list[int], y: int) -> str:
    points = []
    for i, value in enumerate(values):
        level = y + (0 if value else _HIGH)
        points += [f"{_LEFT + _STEP * i},{level}", f"{_LEFT + _STEP * (i + 1)},{level}"]
    return f'<polyline class="wave" points="{" ".join(points)}"/>'


def _boxes(words: list[str], y: int) -> list[str]:
    parts = [f'<line class="wave" x1="{_LEFT}" y1="{y + _HIGH / 2}" '
             f'x2="{_LEFT + _STEP * len(words)}" y2="{y + _HIGH / 2}"/>']
    for i, word in enumerate(words):
        if word:
            x = _LEFT + _STEP * i
            parts.append(f'<rect class="box" x="{x}" y="{y}" width="{_STEP}" height="{_HIGH}"/>')
            below = _HIGH + 12 if len(word) > 4 else _HIGH - 5
            parts.append(f'<text class="small" x="{x + _STEP / 2}" y="{y + below}" '
                         f'text-anchor="middle">{escape(word)}</text>')
    return parts


def fill(page: str, name: str, text: str) -> str:
    """The page with what stands between the two comments of that name replaced."""
    pattern = rf"(<!-- {name}: .*? -->\n).*?(<!-- end -->)"
    filled, count = re.subn(pattern, lambda found: found[1] + text + found[2], page,
                            flags=re.DOTALL)
    assert count == 1, f"the page has {count} places {name}"
    return filled


def main() -> None:
    """Draw, and write table and picture."""
    waves = interrupt()
    PICTURE.write_text(draw(waves))
    PAGE.write_text(fill(PAGE.read_text(), "interrupt", table(waves)))


if __name__ == "__main__":
    main()
