"""Unpacks compressed files, by what they contain and not by their names, as a stream."""

import bz2
import gzip
import importlib
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from .streams import Stream
from .trace import TraceError
from .words import shown

__all__ = ["CUT", "unpacked"]

#: A file may be packed so many times.
_DEEPEST = 5
#: Kinds by what they begin with.
_KINDS = (
    (b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"),
    (b"\x5d\x00\x00", "lzma"))
#: Names of a zip that a message shows.
_NAMES = 5
#: Bytes of zstd that are unpacked at once: few, since one of them can become thousands.
_PIECE = 1024

CUT = "compressed file is cut off: its rest is missing"


def unpacked(stream: Stream, name: str, stack: ExitStack, cut: Callable[[], None]) -> Stream:
    """What is inside a stream, however it is packed; the stream itself if it is not.

    Parameters
    ----------
    stream : Stream
        The file.
    name : str
        For messages.
    stack : ExitStack
        Closes what was opened.
    cut : callable
        Called if a packed file is cut off.

    Raises
    ------
    TraceError
        If it is damaged, if a zip has not exactly one file, or if nothing here unpacks it.
    """
    for _ in range(_DEEPEST + 1):
        kind = next((k for magic, k in _KINDS if stream.peek(8).startswith(magic)), None)
        if kind is None:
            return stream
        stream = Stream(_Unpacked(kind, stream, name, stack, cut).read)
    raise TraceError(f"{name}: packed more than {_DEEPEST} times")


class _Unpacked:
    """One layer of packing."""

    def __init__(self, kind: str, stream: Stream, name: str, stack: ExitStack,
                 cut: Callable[[], None]):
        self._kind, self._name, self._cut = kind, name, cut
        zstd, self._broken = _zstd() if kind == "zstd" else (None, ())
        source: Any = stream
        try:
            if kind == "zip":
                self._raw: Any = _zip(stream, name, stack)
            elif zstd is not None:
                self._raw = zstd(source)
            else:
                self._raw = {"gzip": lambda: gzip.GzipFile(fileobj=source, mode="rb"),
                             "xz": lambda: lzma.LZMAFile(source),
                             "lzma": lambda: lzma.LZMAFile(source),
                             "bz2": lambda: bz2.BZ2File(source)}[kind]()
        except zipfile.BadZipFile:
            raise self._damaged("its table is missing or wrong, so it is perhaps cut off") from None
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise self._damaged(error) from None

    def read(self, size: int) -> bytes:
        """Some bytes; at a place where the file is cut off, none."""
        try:
            return self._raw.read1(size)
        except EOFError:
            self._cut()
            return b""
        except (OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, *self._broken) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception | str) -> TraceError:
        return TraceError(f"{self._name}: damaged {self._kind} file: {shown(str(error))}")


def _zip(stream: Stream, name: str, stack: ExitStack) -> Any:
    """The one file of a zip, which is kept on disk as it has its table at the end."""
    copy = stack.enter_context(tempfile.TemporaryFile())
    shutil.copyfileobj(stream, copy)
    archive = stack.enter_context(zipfile.ZipFile(copy))
    files = [one for one in archive.infolist()
             if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        names = ", ".join(shown(one.filename) for one in files[:_NAMES])
        more = f" and {len(files) - _NAMES} more" if len(files) > _NAMES else ""
        raise TraceError(f"{name}: this zip has {len(files)} files"
                         + (f": {names}{more}" if files else "") + "; unpack it and name one")
    return stack.enter_context(archive.open(files[0]))


def _zstd() -> tuple[Callable[[Stream], Any], tuple[type[Exception], ...]]:
    """What reads zstd: Python itself from 3.14 on, a wheel before; and what it raises."""
    try:
        zstd: Any = importlib.import_module("compression.zstd")
    except ImportError:
        import zstandard

        return _Zstd, (zstandard.ZstdError,)
    return zstd.ZstdFile, (zstd.ZstdError,)


class _Zstd:
    """Reader of zstd that tells when the file is cut off, as those of other kinds do."""

    def __init__(self, stream: Stream):
        import zstandard

        self._stream, self._new = stream, zstandard.ZstdDecompressor().decompressobj
        self._frame, self._ready = self._new(), b""
        #: Whether bytes of the frame have been read.
        self._inside = False

    def read1(self, size: int) -> bytes:
        """Some bytes; none at the end.

        Raises
        ------
        EOFError
            If the file ends within a frame.
        """
        while not self._ready:
            piece = self._stream.read(_PIECE)
            if not piece:
                if self._inside:
                    self._inside = False
                    raise EOFError
                return b""
            self._ready = self._unpack(piece)
        found, self._ready = self._ready[:size], self._ready[size:]
        return found

    def _unpack(self, piece: bytes) -> bytes:
        """What a piece of the file becomes; frames follow each other."""
        parts = []
        while piece:
            parts.append(self._frame.decompress(piece))
            piece, self._inside = self._frame.unused_data, not self._frame.eof
            if self._frame.eof:
                self._frame = self._new()
            else:
                break
        return b"".join(parts)
