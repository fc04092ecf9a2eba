"""A worker for the wrapper's tests: a home, a place for tasks, a shell and the tools that it finds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from run_tarball import Environment, environment, pack

WRAPPER = Path(__file__).parents[1] / "python_package" / "python_package_run"
# In "busybox" every tool is busybox's too, tar and gzip among them, and there is no flock.
SHELLS = ("dash", "bash", "busybox")
# No test waits longer than this for a wrapper.
PATIENCE = 60


def tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"these tests need {name}: apt-get install {name}"
    return found


class Worker:
    """Runs the wrapper under one shell, in an environment of its own."""

    def __init__(self, root: Path, shell: str) -> None:
        self.root = root
        self.home, self.task, self.tmp = root / "home", root / "task", root / "tmp"
        for folder in (self.home, self.task, self.tmp):
            folder.mkdir()
        self.shell = [tool(shell)] + (["ash"] if shell == "busybox" else [])
        path = os.environ["PATH"]
        if shell == "busybox":
            tools = root / "tools"
            tools.mkdir()
            subprocess.run([tool("busybox"), "--install", "-s", str(tools)], check=True, capture_output=True)
            path = str(tools)
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
            timeout=PATIENCE,
            check=False,
        )
        return subprocess.CompletedProcess(
            result.args, result.returncode, result.stdout.decode(), result.stderr.decode()
        )

    def start(self, *args: str | Path, **env: str) -> subprocess.Popen[str]:
        """Start the wrapper in a process group of its own, as workers do."""
        return subprocess.Popen(
            self._argv(args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.task,
            env={**self.env, **env},
            text=True,
            start_new_session=True,
        )

    def _argv(self, args: tuple[str | Path, ...]) -> list[str]:
        return [*self.shell, str(WRAPPER), *map(str, args)]


def lines(text: str) -> int:
    """Return how many lines a message has."""
    return len(text.splitlines())
