"""The machine that engines run on: Debian's engines, and no Python but what a case mounts."""

from __future__ import annotations

import itertools
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from integration.docker import Container, DockerError, Done
from integration.engines.task import Report, reports_in
from integration.engines.ways import LINES
from integration.images import CHECKOUT, DEBIAN, build
from integration.machines import WRAPPER

_USER = "1000:1000"
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
        cls, name: str, folder: Path, venv: Path | None = None, options: Sequence[str] = ("--network", "none")
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
        for file in (WRAPPER, LINES / "task.py", LINES / "work.py", *files):
            Path(shutil.copy(file, folder)).chmod(0o755)
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

    def bash(self, script: str, timeout: float = 120) -> Done:
        """Run a bash script here, as the user whose jobs these are."""
        options = ("--user", _USER, "--env", f"HOME={self.home}", "--workdir", self.path)
        return self.machine.bash(f"mkdir -p {self.home}; {script}", *options, timeout=timeout)

    def result(self, name: str, timeout: float = 90) -> Report:
        """Wait until a task has written its result to a file, and return it."""
        file = self.folder / name
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if found := reports_in(file):
                return found[-1]
            time.sleep(0.02)
        raise TimeoutError(f"no result in {name}: {file.read_text() if file.exists() else 'there is no such file'}")

    def run(self, script: str, timeout: float = 240) -> tuple[list[Report], float]:
        """Run a bash script that prints results; return them, and the seconds until the first one came."""
        start = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self.bash, f"exec >out; {script}", timeout=timeout)
            while not (first := reports_in(self.folder / "out")) and not running.done():
                time.sleep(0.02)
            seconds = time.monotonic() - start
            done = running.result()
        if done.status or not first:
            raise DockerError(f"status {done.status}: {done.err[-5000:]}")
        return reports_in(self.folder / "out"), seconds
