"""Which files of a directory are the user's own source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from python_package.analyze.directory import look_into


def _lay_out(folder: Path, *files: str) -> None:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _files(folder: Path) -> tuple[str, ...]:
    return look_into(str(folder), "project").files


def test_look_into__python_files_and_notebooks__are_found_in_order(tmp_path: Path) -> None:
    _lay_out(tmp_path, "b.py", "a/c.ipynb", "a/b/d.py", "README.md", "a.pyc", "run", "x.py.txt", "data.json")
    assert _files(tmp_path) == ("a/b/d.py", "a/c.ipynb", "b.py")


@pytest.mark.parametrize(
    "made",
    [
        ".git/x.py",
        ".ipynb_checkpoints/x.ipynb",
        ".hidden.py",
        "a/.tox/x.py",
        "__pycache__/x.py",
        "node_modules/x.py",
        "x.egg-info/x.py",
        "x-1.0.dist-info/x.py",
        "build/lib/x.py",
        "dist/x.py",
        "docs/_build/x.py",
        "lib/python3.11/site-packages/x.py",
    ],
)
def test_look_into__what_is_installed_made_or_hidden__is_left_out(tmp_path: Path, made: str) -> None:
    _lay_out(tmp_path, "main.py", made)
    assert _files(tmp_path) == ("main.py",)


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta/history"])
def test_look_into__environment_under_any_name__is_left_out(tmp_path: Path, mark: str) -> None:
    _lay_out(tmp_path, "main.py", f"mine/{mark}", "mine/bin/x.py", "mine/lib/x.py")
    assert _files(tmp_path) == ("main.py",)


@pytest.mark.parametrize("name", ["build", "dist", "_build"])
def test_look_into__package_that_is_called_as_what_is_made__is_source(tmp_path: Path, name: str) -> None:
    _lay_out(tmp_path, f"pkg/{name}/__init__.py", f"pkg/{name}/x.py")
    assert _files(tmp_path) == (f"pkg/{name}/__init__.py", f"pkg/{name}/x.py")


@pytest.mark.parametrize("name", ["venv", "env", "tests", "docs", "builder"])
def test_look_into__folder_that_only_sounds_like_it__is_source(tmp_path: Path, name: str) -> None:
    _lay_out(tmp_path, f"{name}/x.py")
    assert _files(tmp_path) == (f"{name}/x.py",)


@pytest.mark.parametrize("name", [".hidden", "build", "site-packages", "conda"])
def test_look_into__folder_that_is_named__is_looked_into_whatever_it_is(tmp_path: Path, name: str) -> None:
    _lay_out(tmp_path / name, "x.py", "pyvenv.cfg")
    assert _files(tmp_path / name) == ("x.py",)


def test_look_into__what_only_looks_like_a_file__is_left_out(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "broken.py").symlink_to("nowhere")
    (tmp_path / "circle.py").symlink_to("circle.py")
    _lay_out(tmp_path, "main.py")
    (tmp_path / "link.py").symlink_to("main.py")
    assert _files(tmp_path) == ("link.py", "main.py")


def test_look_into__links_to_folders__are_followed_to_packages_once(tmp_path: Path) -> None:
    _lay_out(
        tmp_path, "shared/pkg/__init__.py", "shared/pkg/x.py", "data/x.py", "mine/main.py", "mine/inner/__init__.py"
    )
    mine = tmp_path / "mine"
    (mine / "pkg").symlink_to(tmp_path / "shared" / "pkg")
    (mine / "again").symlink_to(tmp_path / "shared" / "pkg")
    (tmp_path / "shared" / "pkg" / "circle").symlink_to(tmp_path / "shared" / "pkg")
    (mine / "same").symlink_to("inner")
    (mine / "data").symlink_to(tmp_path / "data")
    (mine / "up").symlink_to("..")
    found = _files(mine)
    assert {name for name in found if not name.startswith(("pkg", "again"))} == {"inner/__init__.py", "main.py"}
    assert len(found) == 4


def test_look_into__folder_that_cannot_be_read__is_a_remark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _lay_out(tmp_path, "main.py", "secret/x.py")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # chmod would not stop root
    found = look_into(str(tmp_path), "project")
    assert found.files == ("main.py",)
    assert found.remarks == ("project/secret: Permission denied; what is in it is not listed",)


def test_look_into__projects_in_it__are_roots_with_their_src(tmp_path: Path) -> None:
    _lay_out(tmp_path, "a/pyproject.toml", "b/c/setup.py", "d/x.py", ".e/setup.py")
    assert set(look_into(str(tmp_path), "project").roots) == {"", "src", "a", "a/src", "b/c", "b/c/src"}
