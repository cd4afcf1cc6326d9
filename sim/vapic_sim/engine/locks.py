"""Locks between processes, by name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from .disk import working_in

__all__ = ["Locks"]


class Locks:
    """Locks of the operating system: a process that is killed holds none any more.

    Parameters
    ----------
    folder : Path
        Folder for their files, made with the first.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    @contextmanager
    def hold(self, name: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold a lock; `waiting` is called, once, if that takes waiting for another process."""
        lock = self._lock(name)
        if not _free(lock):
            if waiting is not None:
                waiting()
            with working_in(self._folder):
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def hold_if_free(self, name: str) -> Iterator[bool]:
        """Hold a lock unless another has it; whether it is held now."""
        lock = self._lock(name)
        try:
            yield _free(lock)
        finally:
            lock.release()

    def clear(self) -> None:
        """Remove the files of locks that nobody holds."""
        for path in list(self._folder.glob("*.lock")):
            with self.hold_if_free(path.stem) as held:
                if held:
                    # Who has opened it already sees that it is gone, and makes it again.
                    with working_in(self._folder):
                        path.unlink(missing_ok=True)

    def _lock(self, name: str) -> BaseFileLock:
        with working_in(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / f"{name}.lock")


def _free(lock: BaseFileLock) -> bool:
    """Take a lock without waiting; whether that was possible."""
    with working_in(Path(lock.lock_file).parent):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
    return True
