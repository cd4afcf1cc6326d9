"""The golden model: a whole controller in plain Python."""

from collections.abc import Iterable
from typing import Any

from .access import perform
from .core import Core
from .grants import Dispatcher
from .pages.place import Access
from .params import Params
from .records import AcceptResult, BusResult, Err, Outcome, Record, Trace
from .replay import Replay
from .selection import Selection
from .state import snapshot

__all__ = ["Model"]


class Model:
    """A controller that obeys the specification, without time.

    It is used alone (`access`, `set_lines`, `msi`, `settle`), every operation then being complete
    when the call returns; or it follows the commit records of a controller (`apply`) and raises
    `Mismatch` at the first that it does not agree with.

    Parameters
    ----------
    params : Params
        Sizes.

    Attributes
    ----------
    core : Core
        The state, for tests that look closer than `state` does.
    """

    def __init__(self, params: Params | None = None) -> None:
        self.params = params or Params()
        self.core = Core(self.params)
        self._dispatcher = Dispatcher(self.core)
        self._replay = Replay(self.core, self._dispatcher)

    # Direct use

    def access(self, vmm: bool, dom: int, vcpu: int, address: int, write: bool, data: int = 0,
               sel: int = 0xF) -> BusResult:
        """One bus access; commands answer their result in `data`."""
        return perform(self.core, Access(vmm, dom, vcpu, address & 0xFFFF_FFFC, write,
                                         data & 0xFFFF_FFFF, sel))

    def set_lines(self, bits: int) -> None:
        """Drive all pins, bit n pin n."""
        self.core.ioapic.set_lines(bits)
        self.core.refresh()

    def msi(self, address: int, data: int) -> bool:
        """A device writes a message; whether it was latched (else ERR-06)."""
        latched = self.core.ioapic.msi(address, data)
        if not latched:
            self.core.log(Err.MSI, address, 0)
        return latched

    def start(self, n: int) -> Selection:
        """Start the selection of request n on the state of now.

        Raises
        ------
        ValueError
            If the request is not serviceable, or another selection is under way.
        """
        if reason := self.core.request_fault(n):
            raise ValueError(f"request {n} is not serviceable: {reason}")
        if self.core.selection:
            raise ValueError(f"the selection of {self.core.selection.n} is not over")
        return self._dispatcher.start(n)

    def finish(self) -> AcceptResult | Outcome:
        """End the selection that was started: the last target's answer, or the outcome."""
        selection = self.core.selection
        if selection is None:
            raise ValueError("no selection is under way")
        choice, dispatcher = selection.choice, self._dispatcher
        answer: AcceptResult | Outcome = choice.outcome
        if choice.outcome not in (Outcome.NONE, Outcome.ERROR) or not choice.targets:
            dispatcher.end(selection)
            return answer
        if choice.outcome == Outcome.ERROR:
            if dispatcher.stale(selection, choice.targets[0]):
                dispatcher.abort(selection, choice.targets[0])
                return AcceptResult.ABORT
            for lane in choice.targets:
                dispatcher.report(selection, lane)
            dispatcher.end(selection)
            return answer
        while self.core.selection is selection:
            left = selection.left or choice.targets
            lane = dispatcher.winner(selection) if choice.entry.dynamic else left[0]
            assert lane is not None
            if not selection.begun and dispatcher.stale(selection, lane):
                dispatcher.abort(selection, lane)
                answer = AcceptResult.ABORT
            elif not choice.entry.evt and dispatcher.retries(selection, lane):
                dispatcher.retry(selection, lane)
                answer = AcceptResult.RETRY
            else:
                answer = dispatcher.grant(selection, lane)
        self.core.refresh()
        return answer

    def settle(self) -> int:
        """Serve all that is serviceable, round robin after the last granted; count of grants."""
        grants, rest = 0, 0
        n = self._dispatcher.last_granted
        while rest < self.params.pirqs:
            n = (n + 1) % self.params.pirqs
            rest += 1
            if self.core.request_fault(n) or self.core.blocked(n):
                continue
            self.start(n)
            answer = self.finish()
            if answer in (AcceptResult.SET, AcceptResult.MERGED, AcceptResult.SKIP) \
                    and isinstance(answer, AcceptResult):
                grants, rest = grants + 1, 0
        return grants

    # Replay

    def apply(self, record: Record) -> None:
        """Advance by one commit record; raises `Mismatch` if it is not what must happen."""
        self._replay.apply(record)
        self.core.refresh()

    def apply_cycle(self, records: Iterable[Record]) -> None:
        """Advance by all records of one cycle.

        A request that falls and rises in one cycle, as when its entry is written while its line
        changes, stays parked or waiting, as the hardware looks at the cycle as a whole.
        """
        for record in records:
            self._replay.apply(record)
        self.core.refresh()

    def check_quiet(self) -> None:
        """Check that no selection, mask store or upcall note is left; raises `Mismatch`."""
        self._replay.check_quiet()

    # Questions

    def explain(self, n: int) -> str:
        """The last decision about request n in words."""
        return self._dispatcher.explain(n)

    @property
    def expected_traces(self) -> list[Trace]:
        """What the trace stream must have said so far (GEN-08), times and drops apart."""
        return self._dispatcher.traces

    def state(self) -> dict[str, Any]:
        """Architectural state as plain values; see `vapic_sim.model.state.snapshot`."""
        return snapshot(self.core)

    def irq(self, v: int) -> bool:
        """Output irq[v]."""
        return self.core.vcpus[v].irq

    def upcall(self, v: int) -> bool:
        """Output upcall[v]."""
        return self.core.vcpus[v].upcall and not self.core.vcpus[v].freeze
