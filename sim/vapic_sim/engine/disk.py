"""What to say when a folder of the engine can't be written."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BuildError

__all__ = ["DiskError", "full", "working_in"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DiskError(BuildError):
    """A folder has no space or can't be written; the message says which, and how to mend it."""


def full(folder: Path) -> DiskError:
    """Make the error for a disk without space."""
    return DiskError(
        f"no space left for {folder}: free some on that disk (`vapic cache clear` removes the "
        "compiled designs), or set VAPIC_CACHE to a folder on another disk")


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Tell an `OSError` of what is done in a folder as a `DiskError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full(folder) from None
        name = error.filename
        path = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else folder
        raise DiskError(
            f"{path}: {error.strerror or error}; the compiled engine works in {folder}: make that "
            "a folder you can write, or set VAPIC_CACHE to another") from None
