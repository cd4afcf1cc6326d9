"""What an entry of the build cache consists of, with checksums."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["MANIFEST", "Damaged", "Manifest"]

#: Its file in the folder of the entry.
MANIFEST = "entry.json"


class Damaged(Exception):
    """An entry is not what was put there; the message says how."""


@dataclass(frozen=True)
class Manifest:
    """What an entry consists of.

    Attributes
    ----------
    name : str
        What design it is, for people.
    created : float
        When it was made, in seconds since 1970.
    files : dict
        Size and SHA-256 by path.
    """

    name: str
    created: float
    files: dict[str, tuple[int, str]]

    @classmethod
    def of(cls, folder: Path, name: str) -> "Manifest":
        """Describe a folder."""
        files = sorted(path for path in folder.rglob("*")
                       if path.is_file() and path != folder / MANIFEST)
        return cls(name, time.time(), {
            path.relative_to(folder).as_posix(): (path.stat().st_size, _sum(path))
            for path in files})

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read that of a folder; `Damaged` if there is none to be read."""
        try:
            raw = json.loads((folder / MANIFEST).read_bytes())
            return cls(str(raw["name"]), float(raw["created"]), {
                str(path): (int(size), str(digest))
                for path, (size, digest) in raw["files"].items()})
        except OSError as error:
            raise Damaged(f"{MANIFEST}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Damaged(f"{MANIFEST} can't be read") from None

    def save(self, folder: Path) -> None:
        """Write it to a folder."""
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    def verify(self, folder: Path) -> None:
        """Compare a folder with it; `Damaged` if they differ."""
        for name, (size, digest) in self.files.items():
            path = folder / name
            try:
                if path.stat().st_size != size:
                    raise Damaged(f"{name} has {path.stat().st_size} bytes, not {size}")
                if _sum(path) != digest:
                    raise Damaged(f"{name} has another checksum")
            except OSError as error:
                raise Damaged(f"{name}: {error.strerror}") from None

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(size for size, _ in self.files.values())


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
