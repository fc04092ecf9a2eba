"""The machine that engines run on: Debian's engines, and no Python but what a case mounts."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from integration.docker import Container, Done
from integration.images import CHECKOUT, DEBIAN, build
from integration.machines import WRAPPER

LINES = Path(__file__).parent / "lines"
USER = "1000:1000"
_HOME = "/home/worker"


@cache
def image() -> str:
    """Return the image of Debian's engines."""
    return build("engines", CHECKOUT / "docker" / "engines", DEBIAN)


@dataclass(frozen=True)
class Machine:
    """A machine without Python; what is below `folder` it sees below /jobs."""

    container: Container
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    @contextmanager
    def start(
        cls, name: str, folder: Path, *, venv: Path | None = None, options: Sequence[str] = ("--network", "none")
    ) -> Iterator[Machine]:
        """Start one that sees `folder`, and the submitting side's virtual environment where there is one."""
        folder.chmod(0o755)
        mounts = ["--volume", f"{folder}:/jobs"]
        for path in (venv, Path(sys.base_prefix)) if venv else ():
            mounts += ["--volume", f"{path}:{path}:ro"]
        container = Container.start(name, image(), [*options, *mounts])
        try:
            yield cls(container, folder)
        finally:
            container.remove()

    def job(self, tarball: Path, *files: Path) -> Job:
        """Return a new working directory with the wrapper, the tarball as venv.tar.gz, and the user's files."""
        name = f"job-{next(self._numbers)}"
        folder = self.folder / name
        folder.mkdir()
        folder.chmod(0o777)
        shutil.copy(tarball, folder / "venv.tar.gz")
        for file in (WRAPPER, LINES / "task.py", *files):
            shutil.copy(file, folder)
        return Job(self, folder, f"/jobs/{name}", f"{_HOME}/{name}")

    def bash(self, script: str, *options: str, timeout: float = 120) -> Done:
        """Run a bash script as root."""
        return self.container.exec("bash", "-c", script, options=options, timeout=timeout)


@dataclass(frozen=True)
class Job:
    """A user's working directory; the home is a new one, so that nothing has been unpacked there."""

    machine: Machine
    folder: Path
    path: str  # the same, as the machine sees it
    home: str

    def bash(self, script: str, *, user: str = USER, timeout: float = 120) -> Done:
        """Run a bash script here, as the user whose jobs these are."""
        options = ("--user", user, "--env", f"HOME={self.home}", "--workdir", self.path)
        return self.machine.bash(f"mkdir -p {self.home}; {script}", *options, timeout=timeout)

    def result(self, name: str, timeout: float = 60) -> dict[str, object]:
        """Wait until a task has written its result to a file, and return it."""
        file = self.folder / name
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError, IndexError):
                found: dict[str, object] = json.loads(file.read_text().splitlines()[-1])
                return found
            time.sleep(0.02)
        raise TimeoutError(f"no result in {name}: {file.read_text() if file.exists() else 'there is no such file'}")
