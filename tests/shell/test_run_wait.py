"""python_package_run tells who looks on that it still waits for another process, and waits no longer than -w."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_tarball import UNPACK, environment
from run_worker import PATIENCE, SHELLS, Worker, lines, tool, wait_for

GREETING = "hello from the environment\n"
# Waits until the test lets it go on, while it holds the lock.
HELD = UNPACK + 'until [ -e "$prefix/go" ]; do sleep 0.05; done\n'
WORD = "python_package_run: another process is still unpacking into "


@pytest.fixture(params=[*SHELLS, "flock without -w"])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    """Return a worker whose wrapper says every second what it says every 30; busybox has no flock."""
    made = Worker(tmp_path, "dash" if "flock" in request.param else request.param)
    if "flock" in request.param:
        made.add_tool("flock", f'[ "$1" != -w ] || exit 1\nexec {tool("flock")} "$@"')
    source, changed = re.subn(r"(?m)^_patience=30$", "_patience=1", made.wrapper.read_text())
    assert changed == 1
    made.wrapper.write_text(source)
    made.pack(env=environment(HELD))
    yield made
    made.stop()


@pytest.fixture
def env(worker: Worker) -> Path:
    """Return the environment that a first task unpacks, and does not get done with."""
    worker.start("venv", "greet")
    return wait_for(worker.cache, "*/relocated").parent


def test_wait__with_debug__says_so_again_and_again_and_not_after_the_end(worker: Worker, env: Path) -> None:
    result = worker.run("-d", "-w", "3", "venv", "greet")

    assert (result.returncode, result.stdout) == (3, "")
    said = result.stderr.splitlines()
    assert 1 <= said.count(f"{WORD}{env}") <= 2
    assert said[-1] == f"python_package_run: another process has been unpacking into {env} for more than 3 s"


def test_wait__with_a_terminal__says_so(worker: Worker, env: Path) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*worker.shell, worker.wrapper, "venv", "greet"],
        cwd=worker.task,
        env=worker.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    try:
        assert os.read(ours, 4096).decode().rstrip() == f"{WORD}{env}"
        (env / "go").touch()
        assert process.communicate(timeout=PATIENCE)[0] == GREETING
    finally:
        process.kill()
        os.close(ours)


def test_wait__in_a_file_of_messages__is_silent(worker: Worker, env: Path) -> None:
    result = worker.run("-w", "2", "venv", "greet")

    assert (result.returncode, result.stdout, lines(result.stderr)) == (3, "", 1)
    assert result.stderr.endswith(f"unpacking into {env} for more than 2 s\n")


def test_wait__longer_than_a_word_takes__gets_the_environment(worker: Worker, env: Path) -> None:
    second = worker.start("-d", "venv", "greet")
    assert second.stderr
    while second.stderr.readline() != f"{WORD}{env}\n":
        assert second.poll() is None
    (env / "go").touch()

    assert second.communicate(timeout=PATIENCE)[0] == GREETING
    assert len(worker.relocations()) == 1


@pytest.mark.parametrize("seconds", ["0", "1"])
def test_wait__not_longer_than_a_word_takes__says_only_that_it_was_in_vain(
    worker: Worker, env: Path, seconds: str
) -> None:
    result = worker.run("-d", "-w", seconds, "venv", "greet")

    assert (result.returncode, result.stdout) == (3, "")
    assert f"{WORD}{env}" not in result.stderr
    assert f"for more than {seconds} s" in result.stderr
