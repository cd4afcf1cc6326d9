"""How many cycles pass in a second when nobody looks: a free run under load, on both engines."""

from time import perf_counter
from typing import Any

from vapic.config import Config

from ..engine import Simulator
from .load import LoadedController
from .rows import Disagreement, Result, Say

__all__ = ["VCPUS", "FreeRun", "measure_free_run"]

#: Of the controller that everything is measured on.
VCPUS = 16
#: Cycles before anything is measured: writing all registers takes about 3,600.
_SETUP = 4_000


class FreeRun:
    """A controller under load that runs for as many cycles as it is told.

    Parameters
    ----------
    engine : str
        ``"python"`` or ``"compiled"``.
    vcpus : int
        Of the controller.

    Attributes
    ----------
    cycles : int
        Cycles so far.
    digests : dict of int to int
        The design's digest of everything after so many cycles, at the end of each run.
    taken : int
        Interrupts taken so far.
    """

    def __init__(self, engine: str, vcpus: int = VCPUS):
        self._design = LoadedController(Config.for_vcpus(vcpus))
        self._sim = Simulator(self._design, engine=engine)
        self._sim.add_clock(10e-9)
        self._sim.add_testbench(self._bench, background=True)
        self.cycles = self.taken = 0
        self.digests: dict[int, int] = {}
        self._count, self._seconds = 0, 0.0

    def run(self, count: int) -> float:
        """Let some cycles pass; seconds that took, of one wait of a testbench.

        One more cycle passes before them if this is not the first run.
        """
        self._count, seen = count, len(self.digests)
        while len(self.digests) == seen:
            self._sim.run()
        return self._seconds

    async def _bench(self, ctx: Any) -> None:
        while True:
            # The simulation goes on for as long as this is critical.
            with ctx.critical():
                start = perf_counter()
                await ctx.tick().repeat(self._count)
                self._seconds = perf_counter() - start
                self.cycles += self._count
                self.digests[self.cycles] = ctx.get(self._design.digest)
                self.taken = ctx.get(self._design.taken)
            await ctx.tick()
            self.cycles += 1


def measure_free_run(quick: bool, say: Say) -> Result:
    """Measure the same load on both engines by turns, the best of several times each.

    Raises
    ------
    Disagreement
        If they differ in what the controller has put out after the same number of cycles.
    """
    times, slow_cycles, fast_cycles = (2, 500, 200_000) if quick else (3, 2_000, 1_000_000)
    say("building")
    fast, slow = FreeRun("compiled"), FreeRun("python")
    say("setting up")
    for each in (slow, fast):
        each.run(_SETUP)
    # The compiled one goes the way of the other once, to compare, before it is measured.
    for _ in range(times):
        fast.run(slow_cycles)
    slow_rates, fast_rates = [], []
    for i in range(times):
        say(f"measuring, {i + 1} of {times}")
        slow_rates.append(slow_cycles / slow.run(slow_cycles))
        fast_rates.append(fast_cycles / fast.run(fast_cycles))
        if slow.digests[slow.cycles] != fast.digests[slow.cycles]:
            raise Disagreement(f"the engines differ after {slow.cycles} cycles of a free run")
    if not slow.taken:
        raise Disagreement("no interrupt was taken in a free run")
    python, compiled = max(slow_rates), max(fast_rates)
    return Result(
        compiled / python,
        f"{compiled:,.0f} cycles/s compiled, {python:,.0f} cycles/s by Amaranth's simulator; the "
        f"best of {times} runs each, of {fast_cycles:,} and {slow_cycles:,} cycles, by turns",
        {"compiled_cycles_per_s": fast_rates, "python_cycles_per_s": slow_rates,
         "compiled_cycles": fast_cycles, "python_cycles": slow_cycles,
         "compared_after_cycles": slow.cycles,
         "digest": f"{slow.digests[slow.cycles]:08x}"})
