"""What the scheduler runs."""

from typing import Any

from amaranth.sim._async import AsyncProcess

from .contexts import CompiledProcessContext, CompiledTestbenchContext

__all__ = ["Task"]


class Task(AsyncProcess):
    """A testbench or process."""

    def __init__(self, design: Any, engine: Any, constructor: Any, *, testbench: bool,
                 background: bool):
        kind = CompiledTestbenchContext if testbench else CompiledProcessContext
        self.constructor, self.background = constructor, background
        self.context = kind(design, engine, self)
        self.coroutine = None
        self.reset()

    def reset(self) -> None:
        if self.coroutine is not None:
            self.coroutine.close()
        super().reset()
