"""Files are written whole or not at all, known by their content, and removed when nobody uses them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from python_package.files import disk


def test_sha256__file__is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * (3 << 20))
    assert disk.sha256(tmp_path / "a") == hashlib.sha256(b"x" * (3 << 20)).hexdigest()


def test_write__file_that_is_there__is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").write_text("new")
    disk.write(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_write__fails__leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(FileNotFoundError):
        disk.write(tmp_path / "a", tmp_path / "nowhere")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_emptied__leftovers__are_gone_before_and_after(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with disk.emptied(tmp_path / "a") as folder:
        assert not list(folder.iterdir())
        (folder / "c").touch()
    assert not folder.exists()


def test_remove_unused__old_files_and_folders__go(tmp_path: Path) -> None:
    for name in ("old", "old-folder/x", "new"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("old", "old-folder"):
        os.utime(tmp_path / name, (0, 0))
    disk.remove_unused(tmp_path.iterdir(), 90)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_path_of__quoted__is_unquoted() -> None:
    assert disk.path_of("file:///a%20b/c#sha256=1") == Path("/a b/c")
