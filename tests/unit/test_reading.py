"""Many files read by several processes: the same as by one, whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from python_package.analyze import reading
from python_package.analyze.reading import read, read_file, read_files
from python_package.analyze.values import Scope
from python_package.errors import BoundError


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return files of all kinds, more than one chunk of them; a byte is worth a process, and there are two cores."""
    monkeypatch.setattr(reading, "_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    texts = {
        "bad.py": "import a\ndef (",
        "old.py": "import a\nprint 'x'",
        "meta.py": "# /// script\n# dependencies = ['a']\n# ///\n",
        "ñ\udcff.py": "import sys; sys.path.append('ñ')",
        "nb.ipynb": '{"cells": [{"cell_type": "code", "source": "import a"}]}',
    }
    texts |= {f"{number}.py": f"import a{number}\ndef f(): import b{number}" for number in range(3 * reading._CHUNK)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [(str(tmp_path / name), name) for name in [*texts, "gone.py"]]


@pytest.mark.parametrize("scope", [None, Scope("f"), Scope(None)])
def test_read_files__several_processes__say_what_one_says(files: list[tuple[str, str]], scope: Scope | None) -> None:
    assert read_files(files, scope) == [read_file(*file, scope) for file in files]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def _who(*_: object, **__: object) -> str:
    return str(os.getpid())


def test_read_files__several_processes__read_all_of_them(
    files: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "read_file", _who)
    found = read_files(files)
    assert len(found) == len(files)
    assert str(os.getpid()) not in found


@pytest.mark.parametrize("function", ["fork", "pipe"])
def test_read_files__no_other_process_can_be_started__is_done_by_this_one(
    files: list[tuple[str, str]], function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no more")

    expected = [read_file(*file) for file in files]
    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        assert read_files(files) == expected


def _be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_read_files__process_that_is_killed__its_files_are_read_by_this_one(
    files: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [read_file(*file) for file in files]
    monkeypatch.setattr(reading, "_be_a_worker", _be_killed)
    assert read_files(files) == expected


def test_read_files__threads_beside_it__is_done_by_this_process(
    files: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "read_file", _who)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert {str(found) for found in read_files(files)} == {str(os.getpid())}
    finally:
        done.set()
        thread.join()


def test_read_files__few_bytes__start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("import a")
    monkeypatch.setattr(reading, "_read_by", None)
    (found,) = read_files([(str(tmp_path / "a.py"), "a.py")])
    assert [each.name for each in found.module.imports] == ["a"]


WAITING = """
import os, time
from python_package.analyze import reading
def wait(*_, **__):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)
reading._WORTH_A_PROCESS = 1
reading.read_file = wait
os.sched_getaffinity = lambda _: {0, 1}
reading.read_files([(__file__, "x.py")] * 100)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_read_files__is_ended_meanwhile__leaves_no_process_behind(tmp_path: Path, end: int) -> None:
    (tmp_path / "x.py").write_text(WAITING)
    with subprocess.Popen([sys.executable, tmp_path / "x.py"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        workers = [int(process.stdout.readline()) for _ in range(2)]
        process.send_signal(end)
        process.wait(30)
        _until(lambda: not any(map(_is_running, workers)))


COMMAND = """
from python_package.cli import process
from python_package.errors import OutputError
process.run("analyze", lambda _: reading.read_files([(__file__, "x.py")] * 1000), OutputError)
"""


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["process", "group"])
def test_read_files__interrupted_while_workers_read__ends_at_once_and_leaves_none(
    tmp_path: Path, send: Callable[[int, int], None]
) -> None:
    (tmp_path / "x.py").write_text(WAITING.rpartition("\nreading.")[0] + COMMAND)
    with subprocess.Popen(
        [sys.executable, tmp_path / "x.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        workers = [int(process.stdout.readline()) for _ in range(2)]
        send(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (130, b"analyze: interrupted\n")
        _until(lambda: not any(map(_is_running, workers)))


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it takes longer than 30 s")


def test_read_files__very_many__are_read_alike(files: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    (Path(files[-1][0]).parent / "gone.py").write_text("import a\ntry: __import__(x), __import__(y)\nexcept: import b")
    files = [file for file in files if file[1] != "bad.py"]
    expected = [read_file(*file) for file in files]
    monkeypatch.setattr(reading, "_WORTH_HASTE", 1)
    found = read_files(files)
    assert found[1:] == expected[1:]
    assert found[0].module == expected[0].module  # of an older Python, which is not noticed below the last import
    assert found[-1].remarks == ("gone.py:2: imports 2 modules by names that only running it tells: not listed",)


def test_read_files__very_many_and_a_scope__are_parsed(
    files: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_WORTH_HASTE", 1)
    assert read_files(files, Scope("f")) == [read_file(*file, Scope("f")) for file in files]


def test_read_files__one_large_notebook__does_not_make_them_very_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_WORTH_HASTE", 100)
    (tmp_path / "a.py").write_text("import a\nx = = 1\n")
    (tmp_path / "b.ipynb").write_text('{"cells": []}' + " " * 1000)
    found = read_files([(str(tmp_path / name), name) for name in ("a.py", "b.ipynb")])
    assert "a.py:2: not valid Python" in found[0].remarks[0]


def test_read_file__wrong_far_from_its_imports__is_noticed_but_in_haste(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import a\nx = 1\nx = = 1\n")
    (tmp_path / "b.py").write_text("import a b\n")
    file, other = (str(tmp_path / "a.py"), "a.py"), (str(tmp_path / "b.py"), "b.py")
    assert "a.py:3: not valid Python" in read_file(*file).remarks[0]
    assert [found.name for found in read_file(*file, hasty=True).module.imports] == ["a"]
    assert "b.py:1: not valid Python" in read_file(*other, hasty=True).remarks[0]


@pytest.mark.parametrize("source", ["import " + "a," * 20_000 + "b\n", "from google import " + "a," * 20_000 + "b\n"])
def test_read__more_imported_names_than_are_looked_up__is_refused(source: str) -> None:
    with pytest.raises(BoundError, match=r"^x\.py: more than 20,000 imported names$"):
        read(source.encode(), "/x.py", "x.py")


def test_read__as_many_imported_names_as_are_looked_up__has_them_all() -> None:
    assert len(read(b"import " + b"a," * 19_999 + b"b\n", "/x.py", "x.py").module.imports) == 20_000
