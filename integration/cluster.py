"""A Work Queue cluster: a manager and clean workers on a network of their own, through pytest-docker and Compose."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_docker.plugin import Services, get_docker_services

from integration import images
from integration.docker import LABEL, OWNER, PREFIX, Done, docker
from integration.machines import SHIMS, WRAPPER, Environment

_FILE = Path(__file__).parent / "docker-compose.yml"
_PATIENCE = 180  # seconds that a manager or worker may live


@dataclass(frozen=True)
class Cluster:
    """A cluster at work; `job` is the manager's working directory, `workspaces` holds one folder for each worker."""

    job: Path
    workspaces: Path
    _project: str
    _services: Services

    @classmethod
    @contextmanager
    def start(cls, folder: Path, job: Path, command: str, *, workers: int) -> Iterator[Cluster]:
        """Start one whose manager runs a shell command in `job`; remove it on leaving."""
        project = f"{PREFIX}-{OWNER}-{folder.name}"
        workspaces = folder / "workspaces"
        workspaces.mkdir()
        for shared in (job, workspaces):
            shared.chmod(0o777)
        settings = {
            "MANAGER": images.manager(),
            "WORKER": images.worker("clean"),
            "COMMAND": command.replace("$", "$$"),
            "JOB": job,
            "WORKSPACES": workspaces,
            "SHIMS": SHIMS,
            "OWNER": OWNER,
            "PATIENCE": _PATIENCE,
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(f"PYPKG_IT_{name}", str(value))
            up = [f"up -d --no-build --scale worker={workers}"]
            with get_docker_services(_compose(), str(_FILE), project, up, ["down --volumes --timeout 5"]) as services:
                yield cls(job, workspaces, project, services)

    def wait(self) -> Done:
        """Return the manager's exit status and all that it said, once its command has ended."""
        status = self.job / "status"
        self.wait_until(status.exists, timeout=_PATIENCE)
        (manager,) = self.containers("manager")
        said = docker("logs", manager).ok()
        return Done(int(status.read_text()), said.stdout, said.stderr)

    def wait_until(self, check: Callable[[], bool], timeout: float = 90) -> None:
        """Return as soon as `check` says so."""
        self._services.wait_until_responsive(check, timeout=timeout, pause=0.1)

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers, ended ones included."""
        labels = (f"com.docker.compose.project={self._project}", f"com.docker.compose.service={service}")
        filters = [word for label in (*labels, f"{LABEL}={OWNER}") for word in ("--filter", f"label={label}")]
        return docker("ps", "--all", "--quiet", "--no-trunc", *filters).ok().out.split()

    def unpackings(self, worker: str) -> int:
        """Return how many archives a worker has unpacked, whether it still runs or not."""
        copied = docker("cp", f"{worker}:/tmp/unpacked", "-").ok().stdout
        return copied.count(b"unpacked\n")

    def workspace(self, worker: str) -> Path:
        """Return the folder below which a worker keeps everything; a container's host name is its short id."""
        return self.workspaces / worker[:12]

    def stop(self, worker: str) -> None:
        """End a worker as an administrator does."""
        docker("stop", "--time", "20", worker).ok()


def job_folder(folder: Path, *environments: Environment) -> Path:
    """Return a new folder for a manager, with the wrapper and tarballs in it."""
    folder.mkdir()
    shutil.copy(WRAPPER, folder)
    for environment in environments:
        os.link(environment.tarball, folder / environment.tarball.name)
    return folder


def _compose() -> str:
    return "docker-compose" if docker("compose", "version").status else "docker compose"
