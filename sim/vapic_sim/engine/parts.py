"""Folders that are not complete, or on their way out."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from .disk import working_in
from .locks import Locks

__all__ = ["Parts", "folders", "size_of"]


class Parts:
    """Folders beside the entries of the cache, on the same disk.

    The name of each begins with the name of a lock, which its process holds: where nobody does,
    the process was killed.

    Parameters
    ----------
    folder : Path
        Where they are.
    locks : Locks
        What they are named after.
    """

    def __init__(self, folder: Path, locks: Locks):
        self._folder, self._locks = folder, locks

    def make(self, name: str) -> Path:
        """Make an empty one for a lock that is held."""
        with working_in(self._folder):
            self._folder.mkdir(exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=f"{name}.", dir=self._folder))

    def discard(self, path: Path) -> bool:
        """Remove a folder, all at once, whose name is that of a lock that is held.

        Returns
        -------
        bool
            Whether there was one.
        """
        trash = self.make(path.name)
        try:
            with working_in(path.parent), suppress(FileNotFoundError):
                path.rename(trash / path.name)
                return True
            return False
        finally:
            shutil.rmtree(trash, ignore_errors=True)

    def sweep(self) -> int:
        """Remove what killed processes left; the bytes that were freed."""
        freed = 0
        for path in folders(self._folder):
            with self._locks.hold_if_free(path.name.partition(".")[0]) as held:
                if held:
                    freed += size_of(path)
                    shutil.rmtree(path, ignore_errors=True)
        return freed


def folders(folder: Path) -> list[Path]:
    """Folders in one, which need not be there."""
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def size_of(folder: Path) -> int:
    """Bytes of the files below a folder, of which some may be going."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total
