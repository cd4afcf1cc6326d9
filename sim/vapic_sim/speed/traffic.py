"""How fast random traffic goes, whose every commit the golden model checks, on both engines."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from vapic.config import Config

from ..verify.configs import CONFIGS
from ..verify.rig import Rig
from ..verify.traffic import Traffic
from .free_run import VCPUS
from .rows import Disagreement, Result, Say

__all__ = ["measure_traffic"]

_LARGE = f"{VCPUS} vCPUs"
_SEED = 1


@contextmanager
def _engine(name: str) -> Iterator[None]:
    before = os.environ.get("VAPIC_ENGINE")
    os.environ["VAPIC_ENGINE"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["VAPIC_ENGINE"]
        else:
            os.environ["VAPIC_ENGINE"] = before


@dataclass(frozen=True)
class _Run:
    """Seconds of a run, and what must be the same on both engines."""

    seconds: float
    books: tuple[int, ...]


def _rig(config: Config, engine: str) -> Rig:
    with _engine(engine):
        return Rig(config)


def _run(rig: Rig, operations: int) -> _Run:
    """Random traffic from reset until all is settled: the set-up, then so many operations."""
    books: list[int] = []

    async def scenario(rig: Rig) -> None:
        traffic = Traffic(rig, _SEED)
        await traffic.prepare()
        end = traffic.operations + operations
        traffic.shake(True)
        while traffic.operations < end:
            await traffic.step()
        traffic.shake(False)
        await rig.settle()
        books.extend((rig.now, traffic.operations, traffic.overlapped, len(traffic.issued),
                      len(rig.monitor.history), len(rig.traces)))

    gc.collect()
    start = perf_counter()
    rig.run(scenario)
    return _Run(perf_counter() - start, tuple(books))


def _compare(config: Config, operations: int, times: int) -> tuple[float, float, int]:
    """Best seconds compiled and by Amaranth's simulator, by turns; cycles."""
    fast, slow = _rig(config, "compiled"), _rig(config, "python")
    # What is found once and kept, as functions that read values, is not of the run.
    _run(fast, 1)
    pairs = [(_run(fast, operations), _run(slow, operations)) for _ in range(times)]
    # The compiled runs are so short that one more of each costs nothing.
    more = [_run(fast, operations) for _ in range(2 * times)]
    books = {run.books for pair in pairs for run in pair} | {run.books for run in more}
    if len(books) != 1:
        raise Disagreement(f"random traffic differs between the engines: {sorted(books)}")
    return (min(run.seconds for run in [pair[0] for pair in pairs] + more),
            min(pair[1].seconds for pair in pairs), books.pop()[0])


def measure_traffic(quick: bool, say: Say) -> Result:
    """Measure the random bench of the test suite with the same seed on both engines.

    Raises
    ------
    Disagreement
        If cycles, accesses, commits or grants are not the same.
    """
    operations, times = (100, 1) if quick else (800, 2)
    raw, fast_total, slow_total = {}, 0.0, 0.0
    for name, config in CONFIGS.items():
        say(f"configuration {name!r}")
        fast, slow, cycles = _compare(config, operations, times)
        raw[name] = _figures(config, fast, slow, cycles, operations)
        fast_total, slow_total = fast_total + fast, slow_total + slow
    ratio = slow_total / fast_total
    apart = ", ".join(f"{name!r} {figures['ratio']:.0f}" for name, figures in raw.items())
    note = (f"{operations} operations in each of the {len(CONFIGS)} configurations of the test: "
            f"{fast_total:.3g} s compiled, {slow_total:.3g} s by Amaranth's simulator, the best of "
            f"{3 * times} and {times} runs; apart {apart}")
    if not quick:
        say(f"configuration of {_LARGE}")
        config = Config.for_vcpus(VCPUS)
        fast, slow, cycles = _compare(config, operations, 1)
        raw[_LARGE] = _figures(config, fast, slow, cycles, operations)
        note += f"; not counted, the controller of {_LARGE}: {slow / fast:.0f}"
    return Result(ratio, note, {"operations": operations, "seed": _SEED, "configurations": raw})


def _figures(config: Config, fast: float, slow: float, cycles: int,
             operations: int) -> dict[str, float]:
    return {"vcpus": config.vcpus, "cycles": cycles, "compiled_s": fast, "python_s": slow,
            "ratio": slow / fast, "compiled_operations_per_s": operations / fast}
