"""Other programs: where they run, how long, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from python_package import subprocesses
from python_package.errors import ProgramError
from python_package.files import scratch


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let all temporary folders be below one of the test's own, and return it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def is_alive(process: int) -> bool:
    """Tell whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(process: int) -> bool:
    """Tell whether a process ends soon."""
    deadline = time.monotonic() + 30
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(process)


def sh(script: str, *arguments: str) -> list[str]:
    return ["/bin/sh", "-c", script, "sh", *arguments]


def test_run__any__starts_in_an_empty_folder_that_is_gone_afterwards(temporary: Path) -> None:
    done = subprocesses.run(sh('pwd; ls -A; ls -A "$TMPDIR"; cat; echo said >&2; exit 7'), seconds=60)
    assert done.code == 7
    assert Path(done.stdout.strip()).is_relative_to(temporary)
    assert done.stderr == "said\n"
    assert list(temporary.iterdir()) == []


def test_run__here_and_input__is_the_callers_folder_and_text_comes_back_as_it_went() -> None:
    done = subprocesses.run(sh("pwd; cat"), seconds=60, here=True, stdin="\udcff\xe9")
    assert done.stdout == f"{Path.cwd()}\n\udcff\xe9"


def test_run__variables_of_python__reach_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.setenv("PYTHONSTARTUP", "x.py")
    assert subprocesses.run(sh('echo "$PYTHONPATH$PYTHONSTARTUP"'), seconds=60).stdout == "\n"


def test_run__program_in_a_relative_folder_of_path__is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "own").write_text("#!/bin/sh\necho own")
    (tmp_path / "bin" / "own").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"bin:{os.environ['PATH']}")
    assert subprocesses.run(["own"], seconds=60).stdout == "own\n"


def test_run__too_long__is_ended_with_all_that_it_started(tmp_path: Path, temporary: Path) -> None:
    script = 'sleep 600 & echo $! >"$1/pid"; exec sleep 600'
    with pytest.raises(ProgramError, match="sh did not finish within 2 s"):
        subprocesses.run(sh(script, str(tmp_path)), seconds=2)
    assert gone(int((tmp_path / "pid").read_text()))
    assert list(temporary.iterdir()) == []


def test_run__leaves_something_running__is_ended(tmp_path: Path) -> None:
    subprocesses.run(sh('sleep 600 >/dev/null 2>&1 & echo $! >"$1/pid"', str(tmp_path)), seconds=60)
    assert gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("name", ["no-such-program", "./absent", "text"])
def test_run__no_such_program__is_refused_by_name(
    tmp_path: Path, temporary: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("no program")
    with pytest.raises(ProgramError, match=f"{name}: no such program"):
        subprocesses.run([name], seconds=60)
    assert list(temporary.iterdir()) == []


def test_run__what_is_not_executable__is_refused_with_the_reason(tmp_path: Path, temporary: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    with pytest.raises(ProgramError, match="cannot be started: Exec format error"):
        subprocesses.run([broken], seconds=60)
    assert list(temporary.iterdir()) == []


def test_follow__lines__are_told_as_they_come() -> None:
    told: list[str] = []
    code, said = subprocesses.follow(sh("echo one; echo two >&2; printf three; exit 3"), told.append, seconds=60)
    assert (code, said, told) == (3, "one\ntwo\nthree", ["one", "two"])


@pytest.mark.parametrize("script", ["echo said; exec sleep 600", "exec >/dev/null 2>&1; exec sleep 600"])
def test_follow__too_long__is_ended(script: str) -> None:
    with pytest.raises(ProgramError, match="did not finish within 2 s"):
        subprocesses.follow(sh(script), lambda _: None, seconds=2)


def test_end_all__while_a_program_runs__ends_it_and_starts_no_other() -> None:
    program = (
        "import threading, time\n"
        "from python_package import subprocesses\n"
        "from python_package.errors import ProgramError\n"
        "got = []\n"
        "thread = threading.Thread(target=lambda: got.append(subprocesses.run(['sleep', '600'], seconds=600).code))\n"
        "thread.start()\n"
        "while not subprocesses._running: time.sleep(0.01)\n"
        "subprocesses.end_all()\n"
        "thread.join()\n"
        "try:\n    subprocesses.run(['true'], seconds=60)\n"
        "except ProgramError as error:\n    print(got, error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120).stdout
    assert said == "[-9] true was not started: this process is about to end\n"


def test_sweep__folder_of_a_killed_process__is_removed_with_the_programs_that_it_started(temporary: Path) -> None:
    program = (
        "import sys; from python_package import subprocesses\n"
        "with subprocesses.Program(['sleep', '600']) as program:\n"
        "    print(program.process.pid, flush=True); sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        started = int(process.stdout.readline())
        scratch.sweep()
        assert is_alive(started)  # its owner lives
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert is_alive(started)
    scratch.sweep()
    assert gone(started)
    assert list(temporary.iterdir()) == []


def test_sweep__what_is_not_ours__stays(temporary: Path) -> None:
    (temporary / "python_package-scratch-file").touch()
    (temporary / "elsewhere").mkdir()
    (temporary / "python_package-scratch-link").symlink_to(temporary / "elsewhere")
    (temporary / "python_package-1000").mkdir()  # Parsl's, with the tarballs of its functions
    with scratch.folder() as mine:
        scratch.sweep()
        assert mine.is_dir()
    assert sorted(path.name for path in temporary.iterdir()) == [
        "elsewhere",
        "python_package-1000",
        "python_package-scratch-file",
        "python_package-scratch-link",
    ]


@pytest.mark.slow
def test_folder__others_sweep_all_the_while__is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done = threading.Event()

    def sweep() -> None:
        while not done.is_set():
            scratch.sweep()

    sweepers = [threading.Thread(target=sweep) for _ in range(2)]
    for each in sweepers:
        each.start()
    try:
        for _ in range(500):
            with scratch.folder() as folder:
                assert folder.is_dir()
    finally:
        done.set()
        for each in sweepers:
            each.join()
