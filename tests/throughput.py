"""Grants that one domain gets at most: cycles a grant, and grants a second.

    python -m tests.throughput --mhz 100                of this tree
    python -m tests.throughput --of 868cfae --mhz 62.5  of any other revision

All pins of the default configuration are edge triggered and have an occurrence waiting all the
time; every vCPU may have every one. Path EVT has ``autoeoi``: grants fill all ports, or software
clears the pending words as fast as the bus does, which ends what is in flight. On path LAPIC no
software is needed, or the vCPUs acknowledge and end one interrupt after the other.
"""

import argparse
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from .neutral import PLACES
from .revisions import ROOT, dump_revision, dump_tree, find

#: What is measured: name, path EVT, policy, software at work.
CASES = tuple((f"{'EVT' if evt else 'LAPIC'}, {name}, {'software' if served else 'hardware'}",
               evt, policy, served)
              for evt in (True, False) for name, policy in (("PULL", 6), ("RR", 1))
              for served in (False, True))
#: Grants before it counts, and those that count: together less than there are ports.
_BEFORE, _COUNTED = 40, 300
#: Cycles between two changes of the lines: an edge of each comes more often than its turn.
_PERIOD = 32
#: Registers by bit, as every revision has them: path, policy, allowed states, autoeoi.
_EVT, _POLICY, _ALLOW, _AUTOEOI = 1, 4, 7 << 12, 1 << 23
_DYNAMIC = 1
#: Most room that PULL can be told of.
_DEPTH = 255


class Lines:
    """Toggle all lines together, now and then.

    Parameters
    ----------
    rig : Rig
        Whose.
    """

    def __init__(self, rig: Any):
        self._rig, self._level, self._next = rig, 0, 0

    def step(self) -> None:
        """Toggle, if it is time."""
        if self._rig.now >= self._next:
            self._next, self._level = self._rig.now + _PERIOD, self._level ^ -1
            mask = (1 << self._rig.config.rtes) - 1
            self._rig.ctx.set(self._rig.bench.shaker.base, self._level & mask)


def taken(history: list[tuple[int, Any]]) -> list[int]:
    """Cycles of the grants that were accepted, from commit records."""
    good = {int(find(("vapic_sim",), "model").AcceptResult[name]) for name in ("SET", "MERGED")}
    return [cycle for cycle, record in history
            if record.op in ("ACCEPT", "GRANT") and record.result & 7 in good]


def measure(rig: Any, *, evt: bool, policy: int, served: bool) -> float:
    """Cycles a grant."""
    cycles: list[int] = []

    async def scenario(rig: Any) -> None:
        c = rig.config
        await rig.setup(c.lanes)
        await rig.write("PULL", value=_DEPTH)
        for n in range(c.rtes):
            await rig.write("REQX", n, value=evt * (_EVT | _AUTOEOI) | policy << _POLICY | _ALLOW)
            if evt:
                for lane in range(c.lanes):
                    await rig.bind(n, lane)
            await rig.rte(n, 0x40 + 4 * n, mode=_DYNAMIC, dest=0xFF)
        await rig.settle()
        rig.monitor.history.clear()
        lines, serve = Lines(rig), _software(rig, evt)
        while len(taken(rig.monitor.history)) < _BEFORE + _COUNTED + 1:
            lines.step()
            if served:
                await serve()
            else:
                await rig.ticks(8)
        cycles.extend(taken(rig.monitor.history))
        # Nothing comes any more: what waits is not what is measured.
        await rig.write("CTRL", value=0)

    rig.run(scenario)
    return (cycles[_BEFORE + _COUNTED] - cycles[_BEFORE]) / _COUNTED


def _software(rig: Any, evt: bool) -> Callable[[], Awaitable[None]]:
    turn = 0
    config = rig.config

    async def clear() -> None:
        nonlocal turn
        words = 1 + config.rtes * config.lanes // 32
        turn = (turn + 1) % words
        await rig.write("EVT_PENDING_W1C", 0, turn, value=0xFFFFFFFF)

    async def end() -> None:
        nonlocal turn
        turn = (turn + 1) % config.lanes
        if await rig.inta(turn) is not None:
            await rig.eoi(turn)

    return clear if evt else end


def dump(path: Path) -> None:
    """Measure all cases on the sources imported."""
    from vapic import Config
    rig = find(PLACES, "rig").Rig(Config())
    path.write_text(json.dumps({
        name: measure(rig, evt=evt, policy=policy, served=served)
        for name, evt, policy, served in CASES}))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.throughput", description=__doc__.split("\n\n")[0])
    parser.add_argument("--of", metavar="REV", help="revision to measure (this tree)")
    parser.add_argument("--mhz", metavar="F", type=float, default=100.0,
                        help="clock frequency (100)")
    parser.add_argument("--dump", metavar="FILE", type=Path,
                        help="only write the cycles of the sources imported")
    options = parser.parse_args()
    if options.dump:
        dump(options.dump)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        if options.of:
            path = dump_revision("tests.throughput", options.of, f"{_COUNTED}", [])
        else:
            path = Path(folder) / "cycles.txt"
            dump_tree("tests.throughput", ROOT, path, [])
        cycles = json.loads(path.read_text())
    print(f"{options.of or 'this tree'} at {options.mhz:g} MHz")
    for name, value in cycles.items():
        print(f"{name:24} {value:6.2f} cycles a grant, {options.mhz / value:6.2f} million grants/s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
