"""What uv has resolved is recalled while it holds, and only where nobody but PyPI could say otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from python_package.pypi import recent


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no configuration of the machine's count."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def asked(
    tmp_path: Path, environ: Mapping[str, str] | None = None, question: str = "numpy", *, refresh: bool = False
) -> bool:
    """Tell whether a question is asked anew; the answer must be one that was given to it."""
    calls: list[str] = []

    def ask() -> str:
        calls.append(question)
        return f"answer to {question}"

    settings = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CONFIG_DIRS": "", "HOME": str(tmp_path)}
    assert recent.recall(question, {**settings, **(environ or {})}, ask, refresh=refresh) == f"answer to {question}"
    return bool(calls)


def test_recall__asked_a_moment_ago__is_recalled_and_other_questions_are_not(tmp_path: Path) -> None:
    assert [asked(tmp_path, question=each) for each in ("numpy", "numpy", "pandas", "numpy", "pandas")] == [
        *(True, False, True),
        *(False, False),
    ]


def test_recall__to_be_refreshed__is_asked_anew_and_the_answer_is_kept(tmp_path: Path) -> None:
    assert [asked(tmp_path, refresh=True) for _ in range(2)] == [True, True]
    assert not asked(tmp_path)


def test_recall__other_settings_of_uv__is_another_question(tmp_path: Path) -> None:
    assert [asked(tmp_path, {"UV_PRERELEASE": each}) for each in ("allow", "allow", "disallow")] == [True, False, True]


def test_recall__answer_is_older_than_pypi_says_it_holds__is_asked_anew(tmp_path: Path) -> None:
    assert asked(tmp_path)
    (kept,) = (tmp_path / "cache").rglob("resolved/*")
    for age, expected in ((recent.SECONDS - 60, False), (recent.SECONDS + 1, True), (-3600, True)):
        os.utime(kept, (time.time() - age,) * 2)
        assert asked(tmp_path) is expected


@pytest.mark.parametrize(
    "environ",
    [
        {"UV_INDEX_URL": "https://index.invalid/simple"},
        {"UV_DEFAULT_INDEX": "https://index.invalid/simple"},
        {"UV_EXTRA_INDEX_URL": "file:///index"},
        {"UV_INDEX": "https://index.invalid/simple"},
        {"UV_CONFIG_FILE": "/uv.toml"},
        {"UV_CONSTRAINT": "/constraints.txt"},
        {"UV_FIND_LINKS": "https://index.invalid/links"},
        {"UV_FIND_LINKS": "/there/is/no/such/folder"},
    ],
)
def test_recall__somebody_else_is_asked_too__is_never_recalled(tmp_path: Path, environ: dict[str, str]) -> None:
    assert [asked(tmp_path, environ) for _ in range(2)] == [True, True]


@pytest.mark.parametrize("file", ["config/uv/uv.toml", "uv.toml", "pyproject.toml"])
def test_recall__configuration_file_names_an_index__is_never_recalled(tmp_path: Path, file: str) -> None:
    assert [asked(tmp_path) for _ in range(2)] == [True, False]
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text('[[tool.uv.index]]\nurl = "https://index.invalid/simple"\n')
    assert [asked(tmp_path) for _ in range(2)] == [True, True]
    (tmp_path / file).write_text("[tool.uv]\nexclude-newer = '2026-01-01'\n")
    assert [asked(tmp_path) for _ in range(2)] == [True, False]


def test_recall__folder_of_wheels_changes__is_asked_anew(tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    environ = {"UV_FIND_LINKS": str(links)}
    assert [asked(tmp_path, environ) for _ in range(2)] == [True, False]
    (links / "numpy-3.0-py3-none-any.whl").touch()
    os.utime(links, (1, 1))
    assert asked(tmp_path, environ)


@pytest.mark.parametrize("kind", ["a file in its place", "a folder in its place"])
def test_recall__cache_cannot_be_written__is_asked_each_time(tmp_path: Path, kind: str) -> None:
    if kind == "a file in its place":
        (tmp_path / "cache").touch()
    else:
        assert asked(tmp_path)
        (kept,) = (tmp_path / "cache").rglob("resolved/*")
        kept.unlink()
        (kept / "inside").mkdir(parents=True)
    assert [asked(tmp_path) for _ in range(2)] == [True, True]
