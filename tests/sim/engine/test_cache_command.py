"""The command `vapic cache`."""

import json
import re
from datetime import UTC, datetime

import pytest

from vapic import cli
from vapic_sim.engine.cache import Cache
from vapic_sim.engine.locks import Locks

KEY, OTHER = "0" * 64, "1" * 64


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache that the command is to use, with two entries."""
    monkeypatch.setenv("VAPIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VAPIC_CACHE_LIMIT", "20")
    store = Cache()
    store.obtain(KEY, "Controller", lambda folder: (folder / "a").write_bytes(bytes(3 << 20)))
    store.obtain(OTHER, "Odd [red]", lambda folder: (folder / "a").write_bytes(bytes(5)))
    return store


def run(capsys, *argv):
    code = cli.main(["cache", *argv])
    return code, *capsys.readouterr()


def test_show(cache, capsys):
    code, out, err = run(capsys)
    assert (code, err) == (0, "")
    date = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    assert re.search(rf"Controller +│ +3\.0 MiB │ {date} │ {date}", out)
    assert re.search(rf"Odd \[red\] +│ +5 B │ {date} │ {date}", out)
    assert all(title in out for title in ("design", "size", "created", "last used"))
    assert out.endswith(f"2 compiled designs, 3.0 MiB of at most 20.0 MiB, in {cache.folder}\n")
    assert run(capsys, "show")[:2] == (0, out)


def test_show_as_json(cache, capsys):
    code, out, err = run(capsys, "--json")
    shown = json.loads(out)
    assert (code, err) == (0, "")
    entries = {entry["name"]: entry for entry in shown.pop("entries")}
    assert shown == {"folder": str(cache.folder), "limit": 20 << 20, "bytes": (3 << 20) + 5}
    assert entries.keys() == {"Controller", "Odd [red]"}
    big = entries["Controller"]
    assert (big["key"], big["bytes"]) == (KEY, 3 << 20)
    for time in (big["created"], big["used"]):
        assert abs((datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()) < 60


def test_clear(cache, capsys):
    assert run(capsys, "clear") == (0, f"3.0 MiB freed in {cache.folder}\n", "")
    assert cache.entries() == []
    assert run(capsys) == (
        0, f"0 compiled designs, 0 B of at most 20.0 MiB, in {cache.folder}\n", "")


def test_clear_as_json(cache, capsys):
    with Locks(cache.folder / "locks").hold(KEY):
        code, out, _ = run(capsys, "clear", "--json")
        assert code == 0 and json.loads(out) == {
            "folder": str(cache.folder), "freed": 5, "left": 1}
        assert run(capsys, "clear")[1] == (
            f"0 B freed in {cache.folder}; 1 left, in use by other processes\n")


def test_damaged(cache, capsys):
    (cache.folder / "entries" / KEY / "entry.json").write_text("")
    assert "(damaged)" in run(capsys)[1]


def test_nothing_yet(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VAPIC_CACHE", str(tmp_path / "none"))
    monkeypatch.delenv("VAPIC_CACHE_LIMIT", raising=False)
    assert run(capsys) == (
        0, f"0 compiled designs, 0 B of at most 1.0 GiB, in {tmp_path / 'none'}\n", "")
    assert run(capsys, "clear")[:2] == (0, f"0 B freed in {tmp_path / 'none'}\n")
    assert not (tmp_path / "none").exists()


def test_wrong_use(cache, capsys, monkeypatch):
    with pytest.raises(SystemExit) as stop:
        run(capsys, "clean")
    assert stop.value.code == 2 and "invalid choice: 'clean'" in capsys.readouterr().err
    monkeypatch.setenv("VAPIC_CACHE_LIMIT", "much")
    assert run(capsys) == (
        2, "", "vapic cache: VAPIC_CACHE_LIMIT=much: it must be a number of MiB, as 1024\n")


def test_can_not_be_cleared(cache, capsys):
    (cache.folder / "parts").rmdir()
    (cache.folder / "parts").touch()
    code, out, err = run(capsys, "clear")
    assert (code, out) == (1, "")
    assert err.startswith(f"vapic cache: {cache.folder}/parts: ") and "Traceback" not in err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        run(capsys, "--help")
    shown = capsys.readouterr().out
    for part in ("Show or clear the cache of compiled designs.", "VAPIC_CACHE ",
                 "VAPIC_CACHE_LIMIT", "vapic cache clear", "--json"):
        assert part in shown
