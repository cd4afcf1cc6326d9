"""Amaranth's own simulator, with the contexts that both engines share."""

from typing import Any

from amaranth.sim._async import AsyncProcess
from amaranth.sim.pysim import PySimEngine

__all__ = ["PythonEngine"]


class PythonEngine(PySimEngine):
    """Amaranth's engine; its contexts know the simulated time besides."""

    def add_async_process(self, simulator: Any, process: Any) -> None:
        super().add_async_process(simulator, process)
        for added in self._processes:
            if type(added) is AsyncProcess:
                added.context.elapsed_time = self._elapsed_time

    def add_async_testbench(self, simulator: Any, process: Any, *, background: bool) -> None:
        super().add_async_testbench(simulator, process, background=background)
        self._testbenches[-1].context.elapsed_time = self._elapsed_time

    def _elapsed_time(self) -> float:
        return self._state.timeline.now * 1e-15
