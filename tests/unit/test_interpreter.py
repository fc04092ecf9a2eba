"""Asking the default python3 for its version."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package.errors import InterpreterError
from python_package.host_python.default_python import Question


def _ask(python: str, timeout: float = 20) -> str:
    question = Question(python, timeout)
    try:
        return question.version()
    finally:
        question.close()


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("echo Python 3.11.7", "3.11.7"),
        ("echo Python 3.13.0rc1", "3.13.0rc1"),
        ("echo Python 3.8.13+", "3.8.13+"),
        ("echo Python 3.10.14 '(75b3de9d9035, Apr 21 2024)'; echo '[PyPy 7.3.16 with GCC 10.2.1]'", "3.10.14"),
        ("echo pyenv: rehashing >&2; echo Python 3.11.7", "3.11.7"),
        ("echo Python 2.7.18 >&2", "2.7.18"),
        ("echo Python 3.11.7; sleep 60", "3.11.7"),
        ("sleep 60 & echo Python 3.11.7", "3.11.7"),
    ],
)
def test_version__interpreter_that_answers__is_its_full_version(says: str, version: str, tmp_path: Path) -> None:
    assert _ask(fake_python(tmp_path, says)) == version


def test_version__real_python__is_what_platform_says(tmp_path: Path) -> None:
    import platform
    import sys

    (tmp_path / "python3").symlink_to(sys.executable)
    assert _ask(str(tmp_path / "python3")) == platform.python_version()


def test_version__asked_twice__starts_the_interpreter_once(tmp_path: Path) -> None:
    question = Question(fake_python(tmp_path, f"echo x >> {tmp_path}/count; echo Python 3.11.7"), 20)
    assert question.version() == question.version() == "3.11.7"
    question.close()
    assert (tmp_path / "count").read_text() == "x\n"


def test_version__name_without_a_slash__is_looked_up_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_python(tmp_path, "echo Python 3.7.3", name="python3")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert _ask("python3") == "3.7.3"


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("exit 3", "says 'nothing' and exits with status 3"),
        ("echo 'pyenv: python3: command not found' >&2; exit 127", "command not found' and exits with status 127"),
        ("echo hello", "says 'hello'"),
        ("echo Python", "says 'Python'"),
        ("echo Python 3.11", "says 'Python 3.11'"),
        ("echo Python 3.x.y", "says 'Python 3.x.y'"),
        ("echo first; echo second", "says 'first'"),
        ("kill -9 $$", "status -9"),
        ("exec yes", "says 'y'"),
    ],
)
def test_version__interpreter_that_does_not_answer__is_one_clear_line(says: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InterpreterError) as caught:
        _ask(fake_python(tmp_path, says))
    assert "fake-python3" in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("says", ["sleep 60", "exec >&- 2>&-; sleep 60", "sleep 60 & sleep 60"])
def test_version__interpreter_that_hangs__ends_at_the_timeout_and_is_killed(says: str, tmp_path: Path) -> None:
    before = _open_descriptors()
    question = Question(fake_python(tmp_path, f"echo $$ > {tmp_path}/pid\n{says}"), 0.3)
    start = time.monotonic()
    with pytest.raises(InterpreterError, match=r"within 0\.3 s"):
        question.version()
    question.close()
    assert time.monotonic() - start < 5
    assert _open_descriptors() == before
    group = int((tmp_path / "pid").read_text())
    # A killed orphan is there until whoever adopted it has taken note.
    while _running(group) and time.monotonic() - start < 10:
        time.sleep(0.01)
    assert _running(group) == []


def _running(group: int) -> list[str]:
    """Return the processes of a group that are more than zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has just ended
            continue
        if int(process_group) == group and state != "Z":
            found.append(path.parent.name)
    return found


def test_question__no_such_command__says_that_it_is_not_on_path() -> None:
    before = _open_descriptors()
    with pytest.raises(InterpreterError, match="no-such-python3 is not on PATH"):
        Question("no-such-python3", 1)
    assert _open_descriptors() == before


def test_question__file_that_is_not_executable__says_so(tmp_path: Path) -> None:
    path = Path(fake_python(tmp_path, "echo Python 3.11.7"))
    path.chmod(0o644)
    with pytest.raises(InterpreterError, match="cannot be run: Permission denied"):
        Question(str(path), 1)


def test_question__interpreter_line_that_leads_nowhere__is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "python3"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(InterpreterError):
        Question(str(path), 1)


def test_close__question_never_answered__leaves_no_process(tmp_path: Path) -> None:
    before = _open_descriptors()
    question = Question(fake_python(tmp_path, "sleep 60"), 60)
    question.close()
    question.close()
    assert _open_descriptors() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
