"""Runs one job for each policy, in processes of their own, and gathers what came of them."""

import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from vapic.controller import Controller

from .report.explain import explain
from .report.figures import Figures, figures_of
from .run.job import Job, plan
from .run.machine import Machine
from .run.outcome import Outcome
from .world.simulated import SimulatedLink, simulate

__all__ = ["Finish", "RunError", "Task", "race", "run_here"]


class RunError(Exception):
    """A run ended in a failure of the controller or of the machine around it."""


@dataclass(frozen=True)
class Task:
    """One run.

    Parameters
    ----------
    job : Job
        What to run.
    vcd : str or None
        Waveform file.
    explained : int or None
        Interrupt to explain, counted from 1.
    """

    job: Job
    vcd: str | None = None
    explained: int | None = None


@dataclass(frozen=True)
class Finish:
    """What a run gives back.

    Parameters
    ----------
    figures : Figures
        Row of the table.
    explanation : str or None
        Of the interrupt that was asked for.
    engine : str
        ``compiled`` or ``python``: what the controller was simulated with.
    """

    figures: Figures
    explanation: str | None = None
    engine: str = "python"


def run_here(task: Task, progress: Callable[[int], None] | None = None) -> Finish:
    """Run a task in this process."""
    outcomes: list[Outcome] = []

    async def body(link: SimulatedLink) -> None:
        outcomes.append(await Machine(task.job, link, progress).run())

    engine = simulate(Controller(plan(task.job)), body, hz=task.job.clock_hz, vcd=task.vcd)
    job, text = task.job, None
    if task.explained is not None:
        text = explain(task.explained, outcomes[0].ledger, job.trace, job.policy, job.clock_hz)
    return Finish(figures_of(outcomes[0]), text, engine)


def race(tasks: Sequence[Task], progress: Callable[[int, int], None]) -> list[Finish]:
    """Run tasks side by side, as many as there are processors.

    Parameters
    ----------
    tasks : sequence of Task
        What to run.
    progress : callable
        Called with a task's index and its number of arrivals so far.

    Returns
    -------
    list of Finish
        In the order of the tasks.

    Raises
    ------
    RunError
        If a run failed; the others are ended. They are ended too when this process is
        interrupted.
    """
    context = multiprocessing.get_context("spawn")
    reports: Any = context.Queue()
    waiting, done = list(enumerate(tasks)), {}
    with _children() as children:
        while len(done) < len(tasks):
            while waiting and len(children) < (os.cpu_count() or 1):
                index, task = waiting.pop(0)
                child = context.Process(target=_child, args=(index, task, reports), daemon=True)
                with _no_interrupts():
                    child.start()
                children[index] = child
            try:
                index, kind, content = reports.get(timeout=0.5)
            except queue.Empty:
                _check(children, reports)
                continue
            if kind == "progress":
                progress(index, content)
            elif kind == "failed":
                raise RunError(f"policy {tasks[index].job.policy}: {content}")
            else:
                done[index] = content
                children.pop(index).join()
    return [done[index] for index in range(len(tasks))]


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Children inherit that they ignore Ctrl-C: the parent is told of it, and ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _children() -> Iterator[dict[int, Any]]:
    children: dict[int, Any] = {}
    try:
        yield children
    finally:
        for child in children.values():
            child.terminate()
        for child in children.values():
            child.join()


def _check(children: dict[int, Any], reports: Any) -> None:
    for index, child in children.items():
        if child.exitcode is not None and reports.empty():
            raise RunError(f"run {index + 1} ended without a result, exit code {child.exitcode}")


def _child(index: int, task: Task, reports: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    step = max(1, len(task.job.trace.arrivals) // 50)

    def progress(count: int) -> None:
        if parent is not None and not parent.is_alive():
            os._exit(1)
        if count % step == 0:
            reports.put((index, "progress", count))

    try:
        reports.put((index, "progress", 0))
        reports.put((index, "done", run_here(task, progress)))
    except Exception as error:
        detail = traceback.format_exc() if os.environ.get("VAPIC_DEBUG") else ""
        reports.put((index, "failed", f"{type(error).__name__}: {error}\n{detail}".rstrip()))
