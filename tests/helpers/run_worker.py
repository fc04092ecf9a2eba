"""A worker for the wrapper's tests: a home, a place for tasks, a shell and the tools that it finds."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

from run_tarball import Environment, environment, pack

WRAPPER = Path(__file__).parents[2] / "python_package" / "run" / "python_package_run"
# In "busybox" every tool is busybox's too, tar and gzip among them, and there is no flock.
SHELLS = ("dash", "bash", "busybox")
# No test waits longer than this for a wrapper.
PATIENCE = 60


def tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"these tests need {name}: apt-get install {name}"
    return found


@cache
def _busybox_tools() -> str:
    """Return a folder that holds a link for each of busybox's tools."""
    folder = tempfile.mkdtemp(prefix="python_package_test-", dir="/var/tmp")  # the sandbox hides /tmp
    atexit.register(shutil.rmtree, folder)
    Path(folder).chmod(0o755)
    subprocess.run([tool("busybox"), "--install", "-s", folder], check=True, capture_output=True)
    return folder


class Worker:
    """Runs the wrapper under one shell, in an environment of its own."""

    def __init__(self, root: Path, shell: str) -> None:
        self.root = root
        self.home, self.task, self.tmp = root / "home", root / "task", root / "tmp"
        for folder in (self.home, self.task, self.tmp):
            folder.mkdir()
        # The wrapper must need nothing that lies beside it.
        self.wrapper = Path(shutil.copy(WRAPPER, root))
        self.user: int | None = None
        self._started: list[subprocess.Popen[str]] = []
        # As bash is where it is the machine's sh.
        self.shell = [tool(shell), *{"busybox": ["ash"], "bash": ["--posix"]}.get(shell, [])]
        self.busybox = shell == "busybox"
        path = _busybox_tools() if self.busybox else os.environ["PATH"]
        self.env = {"PATH": path, "HOME": str(self.home), "TMPDIR": str(self.tmp)}

    @property
    def cache(self) -> Path:
        """Return where environments go when nothing says otherwise."""
        return self.home / ".cache" / "python_package" / "envs"

    def envs(self, root: Path | None = None) -> list[Path]:
        """Return the environments that are unpacked in the cache, failed ones not counted."""
        return sorted(path.parent for path in (root or self.cache).glob("*/bin"))

    def relocations(self, root: Path | None = None) -> list[str]:
        """Return where environments were relocated to, one item for each time."""
        return [line for env in self.envs(root) for line in (env / "relocated").read_text().splitlines()]

    def pack(self, name: str = "venv", env: Environment | None = None) -> Path:
        """Put NAME.tar.gz where the task starts."""
        return pack(self.task / f"{name}.tar.gz", env or environment())

    def add_tool(self, name: str, script: str) -> None:
        """Put a program of our own before all others on PATH."""
        folder = self.root / "tools"
        if not folder.exists():
            folder.mkdir()
            self.env["PATH"] = f"{folder}:{self.env['PATH']}"
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    def run(
        self, *args: str | Path, cwd: Path | None = None, stdin: bytes = b"", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the wrapper to its end; keyword arguments are further environment variables."""
        result = subprocess.run(
            self._argv(args),
            input=stdin,
            capture_output=True,
            cwd=cwd or self.task,
            env={**self.env, **env},
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            timeout=PATIENCE,
            check=False,
        )
        return subprocess.CompletedProcess(
            result.args, result.returncode, result.stdout.decode(), result.stderr.decode()
        )

    def start(self, *args: str | Path, **env: str) -> subprocess.Popen[str]:
        """Start the wrapper in a process group of its own, as workers do."""
        process = subprocess.Popen(
            self._argv(args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.task,
            env={**self.env, **env},
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def stop(self) -> None:
        """Kill what a failed test has left behind."""
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=PATIENCE)

    def _argv(self, args: tuple[str | Path, ...]) -> list[str]:
        return [*self.shell, str(self.wrapper), *map(str, args)]


def lines(text: str) -> int:
    """Return how many lines a message has."""
    return len(text.splitlines())


def wait_for(folder: Path, pattern: str) -> Path:
    """Return the first path in a folder that matches, as soon as there is one."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := list(folder.glob(pattern)):
            return found[0]
        time.sleep(0.01)
    raise AssertionError(f"nothing like {pattern} came in {folder}")
