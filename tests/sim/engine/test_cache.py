"""The build cache: entries, damage, room, and folders that can't be written."""

import errno
import os
import sys
import time
from pathlib import Path

import pytest

from vapic_sim.engine.cache import Cache
from vapic_sim.engine.disk import DiskError
from vapic_sim.engine.errors import BuildError, EngineWarning
from vapic_sim.engine.locks import Locks

KEY, OTHER, THIRD = "0" * 64, "1" * 64, "2" * 64


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def maker(size=10):
    """Make a file of that size, and one in a folder."""
    def make(folder):
        (folder / "model.so").write_bytes(b"x" * size)
        (folder / "more").mkdir()
        (folder / "more" / "layout.json").write_text("{}")
    return make


def never(folder):
    raise AssertionError("made again")


def left_over(cache):
    return list((cache.folder / "parts").iterdir())


# Entries.


def test_obtain(cache):
    assert cache.find(KEY) is None and cache.entries() == [] and not cache.folder.exists()
    before = time.time()
    folder = cache.obtain(KEY, "Counter", maker())
    assert (folder / "model.so").read_bytes() == b"x" * 10
    assert (folder / "more" / "layout.json").read_text() == "{}"
    assert cache.obtain(KEY, "Counter", never) == cache.find(KEY) == folder
    assert Cache(cache.folder).obtain(KEY, "Counter", never) == folder
    (entry,) = cache.entries()
    assert (entry.key, entry.name, entry.bytes) == (KEY, "Counter", 12)
    assert before <= entry.created <= time.time() and abs(entry.used - entry.created) < 5
    assert left_over(cache) == [] and cache.folder.stat().st_mode & 0o777 == 0o700


def test_relative_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Cache(Path("here")).obtain(KEY, "Counter", maker())
    assert folder.is_absolute() and folder.is_relative_to(tmp_path / "here")


@pytest.mark.parametrize("key", ["", "../" * 3, "A" * 64, "0" * 63])
def test_wrong_key(cache, key):
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        cache.obtain(key, "Counter", never)


@pytest.mark.parametrize("error", [BuildError("no"), KeyboardInterrupt(), ValueError("bug")])
def test_failing_maker(cache, error):
    def make(folder):
        (folder / "model.so").touch()
        raise error

    with pytest.raises(type(error)) as caught:
        cache.obtain(KEY, "Counter", make)
    assert caught.value is error
    assert cache.find(KEY) is None and left_over(cache) == []
    assert cache.obtain(KEY, "Counter", maker()) == cache.find(KEY)


def test_checks_are_quick(cache):
    cache.obtain(KEY, "Counter", maker(3_000_000))
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        cache.find(KEY)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.02


# Damage.


def flip(folder):
    (folder / "model.so").write_bytes(b"x" * 5 + b"y" + b"x" * 4)


def replace(folder):
    (folder / "more" / "layout.json").unlink()
    folder.rename(folder.with_suffix(".old"))
    folder.write_text("")


@pytest.mark.parametrize(("spoil", "why"), [
    (flip, "model.so has another checksum"),
    (lambda folder: (folder / "model.so").write_bytes(b"x"), "model.so has 1 bytes, not 10"),
    (lambda folder: (folder / "more" / "layout.json").unlink(),
     "more/layout.json: No such file or directory"),
    (lambda folder: (folder / "entry.json").unlink(), "entry.json: No such file or directory"),
    (lambda folder: (folder / "entry.json").write_text('{"name": '), "entry.json can't be read"),
    (lambda folder: (folder / "entry.json").write_text("[1]"), "entry.json can't be read"),
    (lambda folder: (folder / "entry.json").write_bytes(b"\xff\xfe"), "entry.json can't be read"),
    (lambda folder: (folder / "entry.json").write_text(
        '{"name": "a", "created": 1, "files": {"a": 3}}'), "entry.json can't be read"),
    (replace, "entry.json: Not a directory"),
])
def test_damaged(cache, spoil, why):
    folder = cache.obtain(KEY, "Counter", maker())
    spoil(folder)
    with pytest.warns(EngineWarning) as caught:
        assert cache.find(KEY) is None
    (warning,) = caught
    assert str(warning.message) == f"compiled design {folder} was damaged and is removed: {why}"
    assert Path(warning.filename) == Path(__file__)
    assert not folder.exists() and left_over(cache) == []
    assert cache.obtain(KEY, "Counter", maker()) == cache.find(KEY)


def test_damaged_is_made_again(cache):
    flip(cache.obtain(KEY, "Counter", maker()))
    with pytest.warns(EngineWarning, match="damaged"):
        folder = cache.obtain(KEY, "Counter", maker(20))
    assert (folder / "model.so").read_bytes() == b"x" * 20


def test_damaged_is_shown(cache):
    (cache.obtain(KEY, "Counter", maker()) / "entry.json").write_text("")
    (entry,) = cache.entries()
    assert (entry.name, entry.bytes) == ("(damaged)", 12)
    assert cache.clear() == 12 and cache.entries() == []


# Room.


def test_eviction(cache):
    """The one just made stays, then the last used, as far as they fit."""
    for i in range(5):
        folder = cache.obtain(f"{i:064x}", f"design {i}", maker(98))
        os.utime(folder, (1000 + i, 1000 + i))
    cache.find(f"{0:064x}")
    small = Cache(cache.folder, limit=350)
    small.obtain(f"{9:064x}", "design 9", maker(98))
    assert {entry.name for entry in cache.entries()} == {"design 9", "design 0", "design 4"}
    tiny = Cache(cache.folder, limit=0)
    tiny.obtain(f"{8:064x}", "design 8", maker(98))
    assert [entry.name for entry in cache.entries()] == ["design 8"]
    assert left_over(cache) == []


def test_held_ones_stay(cache):
    cache.obtain(KEY, "held", maker())
    cache.obtain(OTHER, "free", maker())
    with Locks(cache.folder / "locks").hold(KEY):
        Cache(cache.folder, limit=0).obtain(THIRD, "new", maker())
        assert {entry.name for entry in cache.entries()} == {"held", "new"}
        assert cache.clear() == 12
        assert [entry.name for entry in cache.entries()] == ["held"]
        assert [path.stem for path in (cache.folder / "locks").iterdir()] == [KEY]
    assert cache.clear() == 12 and cache.entries() == []


def test_clear(cache):
    assert cache.clear() == 0
    cache.obtain(KEY, "one", maker())
    cache.obtain(OTHER, "two", maker(1000))
    (cache.folder / "mine.txt").write_text("not the cache's")
    (cache.folder / "entries" / "other").mkdir()
    assert cache.clear() == 12 + 1002 and cache.entries() == [] and cache.clear() == 0
    assert (cache.folder / "mine.txt").exists() and (cache.folder / "entries" / "other").exists()
    assert list((cache.folder / "locks").iterdir()) == []
    assert cache.obtain(KEY, "one", maker()) == cache.find(KEY)


def test_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("VAPIC_CACHE", str(tmp_path))
    monkeypatch.setenv("VAPIC_CACHE_LIMIT", " 3")
    assert (Cache().folder, Cache().limit) == (tmp_path, 3 << 20)
    assert (Cache(tmp_path / "a", 5).folder, Cache(limit=5).limit) == (tmp_path / "a", 5)
    monkeypatch.setenv("VAPIC_CACHE", "")
    monkeypatch.setenv("VAPIC_CACHE_LIMIT", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Cache().limit == 1 << 30
    if sys.platform == "linux":
        assert Cache().folder == tmp_path / "vapic" / "engine"
    monkeypatch.setenv("VAPIC_CACHE", "~/designs")
    assert Cache().folder == Path.home() / "designs"
    for wrong in ("1G", "-1", "1.5"):
        monkeypatch.setenv("VAPIC_CACHE_LIMIT", wrong)
        with pytest.raises(BuildError, match=rf"VAPIC_CACHE_LIMIT={wrong}: it must be a number"):
            Cache()


# Folders that can't be written.


def test_disk_is_full(cache):
    """Writing to /dev/full always fails so."""
    def make(folder):
        (folder / "model.so").symlink_to("/dev/full")
        (folder / "model.so").write_bytes(b"x")

    with pytest.raises(DiskError) as caught:
        cache.obtain(KEY, "Counter", make)
    said = str(caught.value)
    assert said.startswith(f"no space left for {cache.folder}: ") and "`vapic cache clear`" in said
    assert left_over(cache) == [] and cache.entries() == []


@pytest.mark.parametrize(("folder", "why"), [
    ("file", r"file: File exists; .* make that a folder you can write, or set VAPIC_CACHE"),
    ("file/below", r"file/below: Not a directory; "),
    ("/proc/vapic", r"^/proc/vapic: No such file or directory; "),
])
def test_no_folder(tmp_path, folder, why):
    (tmp_path / "file").touch()
    broken = Cache(tmp_path / folder)
    with pytest.raises(DiskError, match=why):
        broken.obtain(KEY, "Counter", never)
    assert broken.find(KEY) is None and broken.entries() == [] and broken.clear() == 0


def test_read_only(cache, monkeypatch):
    """What is there is used; a new one says what to do. Root could write it, so the calls fail."""
    folder = cache.obtain(KEY, "Counter", maker())

    def fail(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    for name in ("mkdir", "utime", "open", "rename", "unlink"):
        monkeypatch.setattr(os, name, fail)
    assert cache.obtain(KEY, "Counter", never) == folder
    with pytest.raises(DiskError, match=rf"Read-only file system; .* {cache.folder}"):
        cache.obtain(OTHER, "Counter", maker())
    monkeypatch.undo()
    assert [entry.key for entry in cache.entries()] == [KEY]
