"""Compiled designs, kept between runs."""

import os
import re
import shutil
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from .disk import DiskError, working_in
from .errors import BuildError, EngineWarning
from .locks import Locks
from .manifest import Damaged, Manifest
from .parts import Parts, folders, size_of

__all__ = ["Cache", "Entry"]

_MIB = 1 << 20
_LIMIT = 1024
_KEY = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """What the cache has for one key.

    Attributes
    ----------
    key : str
        SHA-256 of everything that it is made of, in hexadecimal.
    name : str
        What design it is, for people.
    bytes : int
        Size of its files.
    created, used : float
        When it was made and last looked up, in seconds since 1970.
    """

    key: str
    name: str
    bytes: int
    created: float
    used: float


class Cache:
    """A folder of compiled designs, which any number of processes may use at a time.

    An entry is a folder with the name of its key. It is made beside the others and comes to its
    place complete, with a manifest of checksums; one that is damaged is never used. When there is
    more than the limit, what has not been used for the longest time goes.

    Parameters
    ----------
    folder : Path, optional
        By default what the environment variable VAPIC_CACHE says, else ``vapic/engine`` among the
        user's caches.
    limit : int, optional
        Bytes; by default what VAPIC_CACHE_LIMIT says in MiB, else 1 GiB.

    Raises
    ------
    BuildError
        VAPIC_CACHE_LIMIT is no number.
    """

    def __init__(self, folder: Path | None = None, limit: int | None = None):
        self.folder = (_default_folder() if folder is None else folder).absolute()
        self.limit = _default_limit() if limit is None else limit
        self._entries = self.folder / "entries"
        self._locks = Locks(self.folder / "locks")
        self._parts = Parts(self.folder / "parts", self._locks)

    def find(self, key: str) -> Path | None:
        """Look up an entry and mark it as used; its folder, or None if there is none.

        A damaged one is removed, with an `EngineWarning`.
        """
        try:
            return self._look(key)
        except Damaged:
            pass
        with self._locks.hold_if_free(key) as free:
            # If it is not, a process makes it anew, or removes it.
            return self._look_or_discard(key) if free else None

    def obtain(self, key: str, name: str, make: Callable[[Path], None], *,
               waiting: Callable[[], None] | None = None) -> Path:
        """Look up an entry, or make it.

        Of several processes that want the same one at a time, one makes it and the others wait.

        Parameters
        ----------
        key : str
            SHA-256 in hexadecimal.
        name : str
            What it is, for people.
        make : callable
            Makes the files in the folder it is given; there may be folders in it. What it raises
            is raised, and nothing is kept.
        waiting : callable, optional
            Called, once, if another process makes it.

        Returns
        -------
        Path
            Folder of the entry, which nobody should change.

        Raises
        ------
        DiskError
            The cache can't be written, or its disk is full.
        """
        folder = self.find(key)
        if folder is not None:
            return folder
        with working_in(self.folder):
            # For this user only: what is in it is executed.
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._entries.mkdir(exist_ok=True)
        with self._locks.hold(key, waiting):
            folder = self._look_or_discard(key)
            if folder is None:
                folder = self._make(key, name, make)
        # What can't be removed does not spoil what was made.
        with suppress(DiskError):
            self._trim(key)
        return folder

    def entries(self) -> list[Entry]:
        """List what there is, the last used first."""
        found = [self._entry(path) for path in folders(self._entries) if _KEY.fullmatch(path.name)]
        return sorted((entry for entry in found if entry is not None),
                      key=lambda entry: entry.used, reverse=True)

    def clear(self) -> int:
        """Remove everything that is not being made right now; the bytes that were freed."""
        freed = self._parts.sweep()
        for entry in self.entries():
            with self._locks.hold_if_free(entry.key) as free:
                if free and self._parts.discard(self._entries / entry.key):
                    freed += entry.bytes
        self._locks.clear()
        return freed

    def _look(self, key: str) -> Path | None:
        if not _KEY.fullmatch(key):
            raise ValueError(f"key must be 64 hexadecimal digits, not {key!r}")
        folder = self._entries / key
        with working_in(self.folder):
            if not folder.exists():
                return None
        Manifest.load(folder).verify(folder)
        # A cache that can't be written can be used all the same.
        with suppress(OSError):
            os.utime(folder)
        return folder

    def _look_or_discard(self, key: str) -> Path | None:
        """Look up an entry whose lock is held."""
        try:
            return self._look(key)
        except Damaged as damage:
            self._parts.discard(self._entries / key)
            warnings.warn(f"compiled design {self._entries / key} was damaged and is removed: "
                          f"{damage}", EngineWarning, stacklevel=3)
            return None

    def _make(self, key: str, name: str, make: Callable[[Path], None]) -> Path:
        folder, part = self._entries / key, self._parts.make(key)
        try:
            with working_in(self.folder):
                make(part)
                Manifest.of(part, name).save(part)
                part.rename(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return folder

    def _entry(self, folder: Path) -> Entry | None:
        try:
            used = folder.stat().st_mtime
            manifest = Manifest.load(folder)
        except OSError:
            return None
        except Damaged:
            return Entry(folder.name, "(damaged)", size_of(folder), used, used)
        return Entry(folder.name, manifest.name, manifest.bytes, manifest.created, used)

    def _trim(self, newest: str) -> None:
        """Remove what was not used for the longest time, until the rest is within the limit."""
        self._parts.sweep()
        entries = self.entries()
        total = sum(entry.bytes for entry in entries)
        for entry in reversed(entries):
            if total <= self.limit:
                break
            if entry.key == newest:
                continue
            with self._locks.hold_if_free(entry.key) as free:
                if free:
                    self._parts.discard(self._entries / entry.key)
                    total -= entry.bytes


def _default_folder() -> Path:
    chosen = os.environ.get("VAPIC_CACHE", "")
    return Path(chosen).expanduser() if chosen else user_cache_path("vapic") / "engine"


def _default_limit() -> int:
    text = os.environ.get("VAPIC_CACHE_LIMIT", "").strip() or str(_LIMIT)
    if not re.fullmatch("[0-9]{1,9}", text):
        raise BuildError(f"VAPIC_CACHE_LIMIT={text}: it must be a number of MiB, as {_LIMIT}")
    return int(text) * _MIB
