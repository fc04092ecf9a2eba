"""Many files read by several processes: the same as by one, whatever happens to them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from python_package.analyze import crew
from python_package.analyze.scope import Scope


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return files of all kinds, more than one chunk of them; a byte is worth a process, and there are two cores."""
    monkeypatch.setattr(crew, "_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    texts = {
        "bad.py": "import a\ndef (",
        "old.py": "import a\nprint 'x'",
        "meta.py": "# /// script\n# dependencies = ['a']\n# ///\n",
        "ñ\udcff.py": "import sys; sys.path.append('ñ')",
        "nb.ipynb": '{"cells": [{"cell_type": "code", "source": "import a"}]}',
    }
    texts |= {f"{number}.py": f"import a{number}\ndef f(): import b{number}" for number in range(3 * crew._CHUNK)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [(str(tmp_path / name), name) for name in [*texts, "gone.py"]]


@pytest.mark.parametrize("scope", [None, Scope("f"), Scope(None)])
def test_read_files__several_processes__say_what_one_says(files: list[tuple[str, str]], scope: Scope | None) -> None:
    by_one = [crew.page(*file, scope) for file in files]
    answers = crew._by_crew(files, scope, False, 2)
    assert [n for n in range(len(files)) if not answers.get(n)] == [2]  # what has metadata does not travel
    assert crew.read_files(files, scope) == by_one
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("executable", ["/nowhere/python", "/bin/false", "/bin/true", "", None])
def test_read_files__other_processes_that_do_not_work__is_done_by_this_one(
    files: list[tuple[str, str]], executable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    monkeypatch.setattr(sys, "executable", executable)
    assert crew.read_files(files) == [crew.page(*file) for file in files]
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_read_files__process_that_is_killed__its_files_are_read_by_this_one(
    files: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = crew._start

    def start_and_kill(todo: int) -> tuple[int, int, int]:
        started = start(todo)
        os.kill(started[0], signal.SIGKILL)
        return started

    monkeypatch.setattr(crew, "_start", start_and_kill)
    assert crew.read_files(files) == [crew.page(*file) for file in files]


def test_read_files__few_bytes__start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("import a")
    monkeypatch.setattr(crew, "_start", None)
    (found,) = crew.read_files([(str(tmp_path / "a.py"), "a.py")])
    assert [name for name, *_ in found.imports] == ["a"]


def test_read_files__very_many__are_read_alike(files: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    (Path(files[-1][0]).parent / "gone.py").write_text("import a\ntry: __import__(x), __import__(y)\nexcept: import b")
    files = [file for file in files if file[1] != "bad.py"]
    expected = [crew.page(*file) for file in files]
    monkeypatch.setattr(crew, "_WORTH_SKIMMING", 1)
    found = crew.read_files(files)
    assert found == expected
    assert found[-1].remarks == ("gone.py:2: imports 2 modules by names that only running it tells: not listed",)


def test_read_files__very_many_and_a_scope__are_parsed(
    files: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_WORTH_SKIMMING", 1)
    assert crew.read_files(files, Scope("f")) == [crew.page(*file, Scope("f")) for file in files]


def test_read_files__one_large_notebook__does_not_make_them_very_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_WORTH_SKIMMING", 100)
    (tmp_path / "a.py").write_text("import a\nx = = 1\n")
    (tmp_path / "b.ipynb").write_text('{"cells": []}' + " " * 1000)
    found = crew.read_files([(str(tmp_path / name), name) for name in ("a.py", "b.ipynb")])
    assert "a.py:2: not valid Python" in found[0].remarks[0]


def test_page__file_that_is_wrong_far_from_its_imports__is_noticed_but_by_a_quick_look(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import a\nx = 1\nx = = 1\n")
    (tmp_path / "b.py").write_text("import a b\n")
    file, other = (str(tmp_path / "a.py"), "a.py"), (str(tmp_path / "b.py"), "b.py")
    assert "a.py:3: not valid Python" in crew.page(*file).remarks[0]
    assert crew.page(*file, quick=True).imports == (("a", (), 0, 1, "required", True),)
    assert "b.py:1: not valid Python" in crew.page(*other, quick=True).remarks[0]


def test_read_files__tens_of_thousands_of_files__fit_into_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(crew, "_start", lambda _: (_ for _ in ()).throw(OSError))
    write = os.write

    def noted(descriptor: int, data: bytes) -> int:
        written.append(len(data))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", noted)
    assert crew._by_crew([("x", "x")] * 2_000_000, None, False, 2) == {}
    assert written[0] <= crew._PIPE
