"""The scheduler: testbenches and processes in Python, everything between them in the model."""

import heapq
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

from amaranth.hdl import Shape, Signal, Value, ValueCastable
from amaranth.hdl._ir import DriverConflict
from amaranth.sim._base import BaseEngine
from amaranth.sim._pyeval import eval_assign

from ..errors import Unsupported
from .expressions import reader, structure
from .library import Model
from .state import State
from .tables import NOW, WATCH_HIT, Tables
from .tasks import Task
from .triggers import CombinedWait
from .waits import EdgeWait
from .watches import Watch

__all__ = ["CompiledEngine"]

_FOREVER = (1 << 63) - 1
#: Clock edges between two looks whether the user has pressed Ctrl-C: less than a second.
_SLICE = 1 << 18
#: As many can toggle at a time in `runtime.c`.
_CLOCKS = 64
_STUCK = "a testbench waits for what can't happen any more: there is no clock and no delay"


class CompiledEngine(BaseEngine):
    """An engine of `amaranth.sim.Simulator` that runs a compiled model.

    Parameters
    ----------
    design : amaranth.hdl._ir.Design
        What is simulated.
    model : Model
        The same, compiled.
    """

    def __init__(self, design: Any, model: Model):
        self._design, self.model = design, model
        self.tables = Tables(model)
        self._state = State(self, model)
        self._processes: list[Task] = []
        self._testbenches: list[Task] = []
        self._clocks: list[tuple[int, int, int, int]] = []
        self._clock_places = {(word, bit) for word, bit, _ in model.description.edges}
        self._waits: dict[Any, EdgeWait] = {}
        self._numbers: dict[int, EdgeWait] = {}
        self._delays: list[tuple[int, int, CombinedWait, Any]] = []
        self._sequence = 0
        self._watched: dict[int, Watch] = {}
        self._active: dict[CombinedWait, None] = {}
        self._recorders: list[Any] = []
        self._busy = self._due = False
        self._deferred: dict[Any, None] | None = None
        self._resets = any(domain.async_reset for fragment in design.fragments
                           for domain in fragment.domains.values())
        self._reactive = self._resets
        for fragment in design.fragments:
            for domain in fragment.domains.values():
                self._clock_places |= {piece[:2] for piece in model.pieces(domain.clk)}

    # What amaranth.sim.Simulator asks for.

    @property
    def state(self) -> State:
        return self._state

    @property
    def now(self) -> int:
        return self.tables.control[NOW]

    def reset(self) -> None:
        self.model.reset()
        self.tables.reset()
        self._forget()
        self._delays.clear()
        self._watched.clear()
        self._active.clear()
        self._due = False
        self._set_watches()
        self._set_clocks()
        for task in (*self._processes, *self._testbenches):
            task.reset()

    def add_clock_process(self, clock: Signal, *, phase: int, period: int) -> None:
        if self._state.slots[self._state.get_signal(clock)].is_comb:
            raise DriverConflict("Clock signal is already driven by combinational logic")
        if len(self._clocks) == _CLOCKS:
            raise Unsupported(f"the compiled engine has at most {_CLOCKS} clocks; "
                              "use engine=\"python\"")
        (word, bit, _), = self.model.pieces(clock)
        self._clocks.append((word, bit, phase, period // 2))
        self._clock_places.add((word, bit))
        self._set_clocks()

    def _set_clocks(self) -> None:
        self.tables.set_clocks([
            (word, bit, phase, half, self.model.edge(word, bit, "pos"),
             self.model.edge(word, bit, "neg")) for word, bit, phase, half in self._clocks])

    def add_async_process(self, simulator: Any, process: Any) -> None:
        self._processes.append(Task(self._design, self, process, testbench=False,
                                     background=True))

    def add_async_testbench(self, simulator: Any, process: Any, *, background: bool) -> None:
        self._testbenches.append(Task(self._design, self, process, testbench=True,
                                       background=background))

    def add_trigger_combination(self, combination: Any, *, oneshot: bool) -> CombinedWait:
        return CombinedWait(self, combination, oneshot=oneshot)

    def get_value(self, expr: Any) -> int:
        return self.reader([Value.cast(expr)])()

    def set_value(self, expr: Any, value: int) -> None:
        eval_assign(self._state, Value.cast(expr), value)

    # Values.

    def reader(self, values: Sequence[Value], *, settle: bool = True) -> Callable[[], Any]:
        """Function that reads values as they are, when all has followed from the state or now."""
        return reader(self.model, values, lambda word: f"w[{word}]", self.model.words,
                      settle=settle)

    def defer(self, slot: Any) -> bool:
        """Whether what is set now is to be committed when processes have run."""
        if self._deferred is None:
            return False
        self._deferred[slot] = None
        return True

    def writer(self, value: Value) -> Callable[[int], None]:
        """Function that sets a value from a testbench; it returns when all is settled."""
        if isinstance(value, Signal):
            slot = self._state.slots[self._state.get_signal(value)]
            pieces = self.model.pieces(value)
            if not slot.is_comb and len(pieces) == 1 and pieces[0][:2] not in self._clock_places:
                return self._plain_writer(*pieces[0])

        def write(number: int) -> None:
            eval_assign(self._state, value, number)
            self._settle_processes()

        return write

    def _plain_writer(self, word: int, bit: int, width: int) -> Callable[[int], None]:
        model, words, wakes = self.model, self.model.words, self.model.wakes(word)
        mask = (1 << width) - 1
        keep = ~(mask << bit)

        def write(number: int) -> None:
            old = words[word]
            new = old & keep | (number & mask) << bit
            if new != old:
                words[word] = new
                for at, bits in wakes:
                    words[at] |= bits
                model.stale = model.cold_stale = True
                if self._reactive:
                    self._settle_processes()

        return write

    def store(self, pieces: Sequence[tuple[int, int, int]], value: int,
              wakes: Sequence[tuple[int, int]] | None = None) -> None:
        """Set a signal or a row; a clock that is set so makes its edge at once."""
        words, at = self.model.words, 0
        for word, bit, width in pieces:
            mask = (1 << width) - 1
            part = value >> at & mask
            at += width
            if word < 0 or words[word] >> bit & mask == part:
                continue
            if (word, bit) in self._clock_places:
                edge = self.model.edge(word, bit, "pos" if part else "neg")
                self.model.code.model_clock(self.model.address, self.tables.address, word, bit,
                                            1 << edge if edge >= 0 else 0)
                self.model.stale = self.model.cold_stale = True
                self._dispatch()
                continue
            words[word] = words[word] & ~(mask << bit) | part << bit
            for place, bits in self.model.wakes(word) if wakes is None else wakes:
                words[place] |= bits
            self.model.stale = self.model.cold_stale = True

    # Waiting.

    def tick_wait(self, process: Any, domain: Any, values: tuple[Any, ...],
                  until: Value | None = None, *, stays: bool = False) -> EdgeWait:
        """What waits for the active edge of a domain; the same object for the same things."""
        key = (id(process), id(domain), tuple(map(_identity, values)),
               None if until is None else structure(until), stays)
        wait = self._waits.get(key)
        if wait is not None:
            if stays:
                del self._waits[key]
                wait.broken = False
            return wait
        contents = self.model.contents
        if contents.signals.get(domain.clk) in contents.driven:
            raise Unsupported(f"the clock of domain {domain.name!r} is driven by logic of the "
                              f"design; the compiled engine can't wait for it (use a clock "
                              f"enable, or engine=\"python\")")
        self.make_room()
        (word, bit, _), = self.model.pieces(domain.clk)
        self._clock_places.add((word, bit))
        reset = domain.rst
        wait = EdgeWait(self.tables, process, (word, bit, int(domain.clk_edge == "pos")),
                        ((reset if reset is not None else 0), *values), until=until, reset=reset,
                        stays=stays, key=(key, process, domain, values, until))
        self._numbers[wait.number] = wait
        if not stays:
            self._waits[key] = wait
        return wait

    def release(self, wait: EdgeWait) -> None:
        """A wait that stays is no longer needed; it is kept for the next who needs the same."""
        if self._numbers.get(wait.number) is wait:
            self.tables.disarm(wait.number)
            self._waits[wait.key[0]] = wait

    def register(self, wait: EdgeWait) -> None:
        """Let a wait that was made elsewhere be told of its edges."""
        self._numbers[wait.number] = wait

    def unregister(self, wait: EdgeWait) -> None:
        """Undo `register`."""
        self.tables.disarm(wait.number)
        self._numbers.pop(wait.number, None)

    def make_room(self) -> None:
        """Forget the waits that nobody waits on, if there are many."""
        if not self.tables.crowded():
            return
        control = self.tables
        armed = control.take_armed()
        kept = [(self._numbers[number], control.count_of(number)) for number in armed]
        self._forget()
        for wait, count in kept:
            wait.place()
            self._numbers[wait.number] = wait
            wait.arm(count)
        control.tidied()

    def _forget(self) -> None:
        """Empty the tables of waits."""
        for wait in (*self._waits.values(), *self._numbers.values()):
            wait.placed = False
        self.tables.forget()
        self._waits.clear()
        self._numbers.clear()

    def clock_of(self, signal: Signal, bit: int) -> tuple[int, int] | None:
        """Place of a bit of a signal, if it is a clock."""
        slot = self._state.slots[self._state.get_signal(signal)]
        pieces = self.model.pieces(signal)
        place = pieces[0][0], pieces[0][1] + bit
        if slot.is_comb or len(pieces) > 1 or place not in self._clock_places:
            return None
        return place

    def watch(self, signal: Signal, wait: CombinedWait, trigger: Any) -> None:
        """Tell a wait of changes of a signal."""
        watch = self._watched.get(id(signal))
        if watch is None:
            watch = self._watched[id(signal)] = Watch(self, signal)
        watch.waits.append((wait, trigger))
        self._set_watches()

    def unwatch(self, wait: CombinedWait) -> None:
        """Tell a wait of no more changes."""
        before = len(self._watched)
        for key, watch in list(self._watched.items()):
            watch.waits = [entry for entry in watch.waits if entry[0] is not wait]
            if not watch.waits:
                del self._watched[key]
        if len(self._watched) != before:
            self._set_watches()

    def _set_watches(self) -> None:
        rows = [row for watch in self._watched.values() for row in watch.rows()]
        self.tables.set_watches(rows, cold=any(self.model.is_cold(row[0]) for row in rows))
        self._reactive = bool(rows) or self._resets

    def add_delay(self, interval: int, wait: CombinedWait, trigger: Any) -> None:
        """Tell a wait when some time has passed."""
        self._check_time(self.now + interval)
        self._delays = [entry for entry in self._delays
                        if entry[2] is not wait or entry[3] is not trigger]
        self._sequence += 1
        self._delays.append((self.now + interval, self._sequence, wait, trigger))
        heapq.heapify(self._delays)

    @staticmethod
    def _check_time(time: int) -> None:
        if time >= _FOREVER:
            raise OverflowError(f"simulated time ends at {_FOREVER / 1e15:.0f} s: it is counted "
                                f"in femtoseconds, in 64 bits")

    def skip_time(self, interval: int) -> None:
        """Put off everything by some time in fs."""
        if interval < 0:
            raise ValueError("Skipped time cannot be negative")
        self._check_time(self.now + interval)
        self._record()
        self.tables.skip(interval)
        self._delays = [(due + interval, *rest) for due, *rest in self._delays]

    def activate(self, wait: CombinedWait) -> None:
        """Resume who awaits this, in the step under way."""
        self._active[wait] = None

    # Running.

    def _dispatch(self) -> None:
        """Tell those who wait for what happened in the model."""
        for number in self.tables.take_fired():
            wait = self._numbers.get(number)
            if wait is None:
                continue
            process = wait.process
            if isinstance(process, CombinedWait):
                process.fire(wait)
            elif wait.hit():
                process.waits_on, process.runnable = None, True
        if self.tables.control[WATCH_HIT]:
            self.tables.control[WATCH_HIT] = 0
            for watch in list(self._watched.values()):
                watch.look()
            self._set_watches()

    def _settle_processes(self) -> None:
        """Run processes until nothing changes: what Amaranth calls delta cycles."""
        if self._busy:
            return
        if not (self._processes or self._watched or self._active or self._recorders):
            if self._reactive and self.model.stale:
                self.model.settle()
                self.model.cold_stale = True
            return
        self._busy = True
        try:
            while self._delta():
                pass
            if self._reactive and self.model.stale:
                self.model.settle()
                self.model.cold_stale = True
        finally:
            self._busy = False
        self._record()

    def _record(self) -> None:
        """Write what has changed into waveforms."""
        for recorder in self._recorders:
            recorder.record()

    def _delta(self) -> bool:
        """Tell of changes, run processes, and set what they set; whether anything happened."""
        changed = self._watched and self.model.code.model_watch(
            self.model.address, self.tables.address)
        if changed:
            self._dispatch()
        active = self._resume()
        runnable = [process for process in self._processes if process.runnable]
        if runnable:
            self._deferred = {}
            try:
                for process in runnable:
                    process.runnable = False
                    process.run()
            except BaseException:
                for slot in self._deferred:
                    slot.discard()
                raise
            finally:
                deferred, self._deferred = self._deferred, None
            for slot in deferred:
                slot.commit()
        return bool(changed or active or runnable)

    def _resume(self) -> bool:
        """Resume those whose triggers were hit; whether there are any."""
        active, self._active = self._active, {}
        for wait in active:
            wait.run()
        return bool(active)

    def step_design(self) -> None:
        self._settle_processes()

    def _run_testbenches(self) -> bool:
        """Run testbenches until all wait; whether there is something critical."""
        again = True
        while again:
            again = False
            for testbench in self._testbenches:
                if testbench.runnable:
                    testbench.runnable = False
                    testbench.run()
                    again = True
        for tasks in (self._testbenches, self._processes):
            for task in tasks:
                if task.critical:
                    return True
        return False

    def advance(self, limit: int = _FOREVER, *, single: bool = True) -> bool:
        """Run what is due, then let time pass: to the next event, or to the next one that matters.

        Parameters
        ----------
        limit : int
            Time in fs before which to stop.
        single : bool
            Whether to stop at the next event of any kind.

        Returns
        -------
        bool
            Whether a critical testbench or process remains.
        """
        if self._due:
            self._due = False
            self._happen()
        self._settle_processes()
        critical = self._run_testbenches()
        self._record()
        if (critical or limit != _FOREVER) and not single and not self._recorders:
            self._pass_time(limit)
        else:
            following = self._next_event()
            if following is not None:
                self.tables.control[NOW] = following
            elif limit != _FOREVER:
                self.tables.control[NOW] = limit
            elif critical and not single:
                raise RuntimeError(_STUCK)
            self._due = True
        return critical

    def _next_event(self) -> int | None:
        times = [self._delays[0][0]] if self._delays else []
        toggle = self.tables.next_toggle()
        return min([*times, *([] if toggle is None else [toggle])], default=None)

    def _happen(self) -> None:
        """Let happen what is due now."""
        now = self.now
        while self._delays and self._delays[0][0] <= now:
            _, _, wait, trigger = heapq.heappop(self._delays)
            wait.sample_early()
            wait.hit(trigger)
        self._resume()
        self.model.code.model_run(self.model.address, self.tables.address, now + 1, 1)
        self.tables.control[NOW] = now
        self.model.stale = self.model.cold_stale = True
        self._dispatch()

    def _pass_time(self, limit: int) -> None:
        """Run the model until a testbench or process is to be told something, or to the limit."""
        model, tables = self.model, self.tables
        bound = min(self._delays[0][0] if self._delays else _FOREVER, limit)
        if bound == _FOREVER and not self._clocks:
            raise RuntimeError(_STUCK)
        happened = 2
        while happened == 2:
            happened = model.code.model_run(model.address, tables.address, bound, _SLICE)
            model.stale = model.cold_stale = True
        if happened == 1:
            self._dispatch()
            return
        self._due = True
        if bound == limit:
            following = self._next_event()
            tables.control[NOW] = limit if following is None else max(following, limit)

    def run_until(self, deadline: int) -> None:
        """Run until a time in fs."""
        assert self.now <= deadline
        self._check_time(deadline)
        while self.now < deadline:
            self.advance(deadline, single=False)

    @contextmanager
    def write_vcd(self, *, vcd_file: Any, gtkw_file: Any, traces: Any, fs_per_delta: int):
        from .waveform import Recorder
        recorder = Recorder(self, self._design, vcd_file=vcd_file, gtkw_file=gtkw_file,
                            traces=traces)
        self._recorders.append(recorder)
        try:
            yield
        finally:
            self._recorders.remove(recorder)
            recorder.close()


def _identity(value: Any) -> Any:
    """Key of something that is sampled."""
    if isinstance(value, Signal):
        return id(value)
    if isinstance(value, ValueCastable):
        shape = value.shape()
        return (structure(Value.cast(value)), id(shape)) if isinstance(shape, Shape) \
            else (id(value),)
    return structure(Value.cast(value))
