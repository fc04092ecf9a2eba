"""The cache of wheels that were made here."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest
from wheels import write_wheel

from python_package.errors import PackError
from python_package.pypi.wheel import parse_name
from python_package.pypi.wheel_cache import WheelCache


@pytest.fixture
def cache(tmp_path: Path) -> WheelCache:
    return WheelCache(tmp_path / "cache")


def test_put__wheel__is_under_its_hash_and_says_how_to_ask_for_it(cache: WheelCache, tmp_path: Path) -> None:
    file = write_wheel(tmp_path, "My.Lib", {"mylib.py": ""}, version="1.0")
    wheel = cache.put(file, "file:///a")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert wheel.path == cache.folder / digest / file.name
    assert (wheel.name, wheel.version, wheel.sha256, wheel.origin) == ("my-lib", "1.0", digest, "file:///a")
    assert wheel.path.read_bytes() == file.read_bytes()
    assert wheel.requirement() == f"my-lib @ {wheel.path.as_uri()}"
    assert wheel.requirement("[more,less]") == f"my-lib[more,less] @ {wheel.path.as_uri()}"
    assert [path.name for path in wheel.path.parent.iterdir()] == [file.name]
    assert cache.folder.stat().st_mode & 0o077 == 0


def test_recall__what_was_remembered__is_the_same_wheel(cache: WheelCache, tmp_path: Path) -> None:
    wheel = cache.put(write_wheel(tmp_path, "one", {}), "here")
    assert cache.recall("key", "here") is None
    cache.remember("key", wheel)
    assert cache.recall("key", "here") == wheel
    assert cache.recall("another", "here") is None


def test_recall__file_was_harmed__is_forgotten(cache: WheelCache, tmp_path: Path) -> None:
    wheel = cache.put(write_wheel(tmp_path, "one", {}), "")
    cache.remember("key", wheel)
    with wheel.path.open("ab") as file:
        file.write(b"!")
    assert cache.recall("key", "") is None
    assert not wheel.path.exists()


def test_recall__file_is_gone__is_forgotten(cache: WheelCache, tmp_path: Path) -> None:
    wheel = cache.put(write_wheel(tmp_path, "one", {}), "")
    cache.remember("key", wheel)
    wheel.path.unlink()
    assert cache.recall("key", "") is None


def test_room__held__makes_another_wait_and_leaves_nothing(cache: WheelCache) -> None:
    order = []

    def other() -> None:
        with cache.workspace("key") as room:
            order.append(("other", list(room.iterdir())))

    with cache.workspace("key") as room:
        thread = threading.Thread(target=other)
        thread.start()
        (room / "file").touch()
        time.sleep(0.1)
        order.append(("first", []))
    thread.join(30)
    assert order == [("first", []), ("other", [])]
    assert not room.exists()


def test_trim__unused_for_months__is_removed(cache: WheelCache, tmp_path: Path) -> None:
    old = cache.put(write_wheel(tmp_path, "old", {}), "")
    new = cache.put(write_wheel(tmp_path, "new", {}), "")
    cache.remember("old", old)
    long_ago = time.time() - 100 * 24 * 3600
    os.utime(old.path.parent, (long_ago, long_ago))
    os.utime(cache.folder / "sources" / "old", (long_ago, long_ago))
    cache.trim()
    assert (old.path.exists(), new.path.exists()) == (False, True)
    assert list((cache.folder / "sources").iterdir()) == []


def test_trim__put_again__is_in_use(cache: WheelCache, tmp_path: Path) -> None:
    file = write_wheel(tmp_path, "old", {})
    wheel = cache.put(file, "")
    os.utime(wheel.path.parent, (0, 0))
    cache.put(file, "")
    cache.trim()
    assert wheel.path.exists()


def test_put__cache_cannot_be_written__says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PackError, match=r"cannot be written.*XDG_CACHE_HOME"):
        WheelCache(tmp_path / "file").put(write_wheel(tmp_path, "one", {}), "")


def test_wheels__cache_home__is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert WheelCache().folder == tmp_path / "python_package" / "wheels"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/a/home")
    assert WheelCache().folder == Path("/a/home/.cache/python_package/wheels")


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("My_Lib-1.0-py3-none-any.whl", ("my-lib", "1.0")),
        ("a-1.0+b.2-1-cp311-cp311-linux_x86_64.whl", ("a", "1.0+b.2")),
        ("a.whl", None),
        ("a-1.0.tar.gz", None),
    ],
)
def test_parse_name__file_name__is_distribution_and_version(name: str, parsed: tuple[str, str] | None) -> None:
    assert parse_name(name) == parsed
