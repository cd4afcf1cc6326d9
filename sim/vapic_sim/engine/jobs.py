"""Programs run beside each other; when one fails, or the user stops, none is left."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

__all__ = ["JobFailed", "run_jobs"]


class JobFailed(Exception):
    """A program could not be run or failed.

    Attributes
    ----------
    command : tuple of str
        The whole command.
    code : int
        Its exit code, negative the signal that ended it.
    output : str
        What it wrote, standard output and error together.
    """

    def __init__(self, command: Sequence[str], code: int, output: str):
        super().__init__(f"{command[0]}: exit code {code}")
        self.command, self.code, self.output = tuple(command), code, output


class _Children:
    """Processes under way, each the leader of a group of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]):
        self._folder, self._environment = folder, environment
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        self._lock = Lock()

    def run(self, command: Sequence[str]) -> None:
        """Run one to its end, in any thread; does nothing after `stop`."""
        with self._started(command) as process:
            if process is None:
                return
            # Ends when no process of the group has the pipe any more.
            output, _ = process.communicate()
        if process.returncode:
            raise JobFailed(command, process.returncode, output.decode(errors="replace"))

    @contextmanager
    def _started(self, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes] | None]:
        with self._lock:
            if self._stopped:
                yield None
                return
            try:
                process = subprocess.Popen(
                    command, cwd=self._folder, env=self._environment, process_group=0,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            except OSError as error:
                raise JobFailed(command, 127, f"error: {error}") from None
            self._running.add(process)
        try:
            yield process
        finally:
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """Kill what runs, and what it has started; nothing starts from now on."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                if process.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)


def run_jobs(commands: Sequence[Sequence[str]], folder: Path, *, workers: int,
             environment: Mapping[str, str],
             finished: Callable[[int], None] | None = None, limit: float | None = None) -> None:
    """Run programs, several at a time; returns when all have succeeded.

    Whatever ends this early, an interrupt by the user too, kills all programs first and waits
    until they are gone.

    Parameters
    ----------
    commands : sequence of sequences of str
        Programs with arguments, started in this order.
    folder : Path
        Where they run.
    workers : int
        As many run at a time.
    environment : mapping of str to str
        Their environment.
    finished : callable, optional
        Called, in the caller's thread, with the number of programs that have succeeded so far.
    limit : float, optional
        Seconds for all of them.

    Raises
    ------
    JobFailed
        The first that failed.
    TimeoutError
        If they take longer than `limit`.
    """
    children = _Children(folder, environment)
    pool = ThreadPoolExecutor(workers)
    try:
        jobs = [pool.submit(children.run, command) for command in commands]
        for count, job in enumerate(as_completed(jobs, limit), 1):
            job.result()
            if finished is not None:
                finished(count)
    finally:
        children.stop()
        pool.shutdown(cancel_futures=True)
