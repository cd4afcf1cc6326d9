"""Any other combination of triggers: changes, edges of any signal, delays, and samples."""

from collections.abc import Callable, Generator
from typing import Any

from amaranth.hdl import ShapeCastable
from amaranth.sim import BrokenTrigger
from amaranth.sim._async import ChangedTrigger, DelayTrigger, EdgeTrigger, SampleTrigger

from .waits import EdgeWait

__all__ = ["CombinedWait"]


class CombinedWait:
    """A combination of triggers that a testbench or process awaits.

    Samples are taken right before a clock edge that activates it; else right after the change
    that does, when nothing has followed from it yet if it was a change of state.

    Parameters
    ----------
    engine : CompiledEngine
        Whose triggers.
    combination : amaranth.sim.TriggerCombination
        What is awaited.
    oneshot : bool
        Whether it is awaited once.
    """

    def __init__(self, engine: Any, combination: Any, *, oneshot: bool):
        self._engine, self._oneshot = engine, oneshot
        self.process = combination._process
        self.broken = False
        self._result: tuple[Any, ...] = ()
        self._triggers = combination._triggers
        self._hits: set[Any] = set()
        self._spent: set[Any] = set()
        self._edges: dict[EdgeWait, Any] = {}
        self._values = [trigger.value for trigger in self._triggers
                        if isinstance(trigger, (SampleTrigger, ChangedTrigger))]
        self._early: list[int] | None = None
        self._read = engine.reader(self._values, settle=False) if self._values else None
        self._settled = engine.reader(self._values) if self._values else None
        for trigger in self._triggers:
            if isinstance(trigger, EdgeTrigger):
                clock = engine.clock_of(trigger.signal, trigger.bit)
                if clock is None:
                    engine.watch(trigger.signal, self, trigger)
                else:
                    engine.make_room()
                    wait = EdgeWait(engine.tables, self, (*clock, trigger.polarity), self._values,
                                    stays=True)
                    engine.register(wait)
                    self._edges[wait] = trigger
                    wait.arm()
            elif isinstance(trigger, ChangedTrigger):
                engine.watch(trigger.signal, self, trigger)
            elif isinstance(trigger, DelayTrigger):
                engine.add_delay(trigger.interval_fs, self, trigger)

    def fire(self, wait: EdgeWait) -> None:
        """A clock edge came."""
        values = wait.values()
        self._early = list(values)
        self.hit(self._edges[wait])

    def changed(self, trigger: Any, before: int, after: int) -> None:
        """A watched signal changed."""
        if isinstance(trigger, EdgeTrigger):
            old, new = before >> trigger.bit & 1, after >> trigger.bit & 1
            if old == new or new != trigger.polarity:
                return
        self.hit(trigger)

    def hit(self, trigger: Any) -> None:
        """One of the triggers was hit."""
        if self.broken or trigger in self._spent:
            return
        if self._oneshot:
            self._spent.add(trigger)
        self._hits.add(trigger)
        if self.process.waits_on is self:
            if self._early is None:
                self._early = self._now(self._read)
            self._engine.activate(self)
        else:
            self.broken = True
            self.drop()

    def sample_early(self) -> None:
        """Take the samples now, as clock edges are about to come at the same time."""
        self._early = self._now(self._settled)

    def compute_result(self) -> None:
        """Make the tuple that the testbench is given."""
        values = iter(self._early if self._early is not None else self._now(self._settled))
        self._early = None
        result = []
        for trigger in self._triggers:
            if isinstance(trigger, (SampleTrigger, ChangedTrigger)):
                value = next(values)
                if isinstance(trigger.shape, ShapeCastable):
                    value = trigger.shape.from_bits(value)
                result.append(value)
            else:
                result.append(trigger in self._hits)
        self._result = tuple(result)

    @staticmethod
    def _now(read: Callable[[], Any] | None) -> list[int]:
        if read is None:
            return []
        values = read()
        return list(values) if type(values) is tuple else [values]

    def run(self) -> None:
        """Resume the testbench."""
        self.compute_result()
        self.process.runnable, self.process.waits_on = True, None
        self._hits.clear()
        if self._oneshot:
            return
        for trigger in self._triggers:
            if isinstance(trigger, DelayTrigger):
                self._engine.add_delay(trigger.interval_fs, self, trigger)

    def initial_eligible(self) -> bool:
        """Whether it is activated at the very start."""
        return not self._oneshot and any(isinstance(trigger, ChangedTrigger)
                                         for trigger in self._triggers)

    def drop(self) -> None:
        """Wait no longer."""
        self._engine.unwatch(self)
        for wait in self._edges:
            self._engine.unregister(wait)
        self._edges.clear()

    def __await__(self) -> Generator["CombinedWait", None, tuple[Any, ...]]:
        if self.broken:
            raise BrokenTrigger
        try:
            yield self
        finally:
            if self._oneshot:
                self.drop()
        if self.broken:
            raise BrokenTrigger
        return self._result

