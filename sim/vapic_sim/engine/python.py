"""Amaranth's own simulator, with the contexts that both engines share."""

from typing import Any

from amaranth.sim._async import AsyncProcess
from amaranth.sim.pysim import PySimEngine

__all__ = ["PythonEngine"]


class PythonEngine(PySimEngine):
    """Amaranth's engine; its contexts have `elapsed_time` and `skip_time` besides."""

    def add_async_process(self, simulator: Any, process: Any) -> None:
        super().add_async_process(simulator, process)
        for added in self._processes:
            if type(added) is AsyncProcess:
                self._extend(added)

    def add_async_testbench(self, simulator: Any, process: Any, *, background: bool) -> None:
        super().add_async_testbench(simulator, process, background=background)
        self._extend(self._testbenches[-1])

    def _extend(self, process: AsyncProcess) -> None:
        process.context.elapsed_time = self._elapsed_time
        process.context.skip_time = self._skip_time

    def _elapsed_time(self) -> float:
        return int(self.now or 0) / 1e15

    def _skip_time(self, interval: float) -> None:
        timeline, skipped = self._state.timeline, round(interval * 1e15)
        if skipped < 0:
            raise ValueError("Skipped time cannot be negative")
        timeline.now += skipped
        for waker in timeline.wakers:
            timeline.wakers[waker] += skipped
