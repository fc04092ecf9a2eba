"""Parsl's WorkQueueExecutor with `pack=True`: Debian's Work Queue, and an environment made while the script runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from integration import images, supplies
from integration.docker import LABEL, OWNER, PREFIX, Container, docker
from integration.engines.task import check, reports_in
from integration.engines.ways import LINES, OURS, Results
from integration.images import CHECKOUT

pytestmark = pytest.mark.engines

_MODULES = "/usr/lib/python3/dist-packages"
_USER = ("--user", "1000:1000", "--env", "HOME=/home/builder")


def _work_queue(folder: Path) -> None:
    """Lay out Debian's Python module as Parsl imports it: in the package `ndcctools` of today's releases."""
    package = folder / "ndcctools"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    container = docker("create", "--label", f"{LABEL}={OWNER}", images.manager()).ok().out.strip()
    try:
        docker("cp", f"{container}:{_MODULES}/work_queue.py", package).ok()
        # Debian has it for one Python alone; with another, this says that there is no such file.
        docker("cp", f"{container}:{_MODULES}/_work_queue.{sysconfig.get_config_var('SOABI')}.so", package).ok()
    finally:
        docker("rm", container)


def _wheels(folder: Path) -> None:
    """Download Parsl and what it needs: the submitting machine has no network."""
    command = [sys.executable, "-m", "pip", "download", "-qq", "--only-binary=:all:", "--dest", str(folder), "parsl"]
    subprocess.run(command, check=True, timeout=600)


@pytest.fixture
def submitter(tmp_path: Path) -> Iterator[Container]:
    """Return a user's machine with Parsl and our commands; a worker without Python asks it for work."""
    _work_queue(tmp_path / "modules")
    _wheels(tmp_path / "wheels")
    shutil.copy(LINES / "parsl" / "pack.py", tmp_path)
    tmp_path.chmod(0o777)
    made = supplies.prepare()
    network = f"{PREFIX}-{OWNER}-pack"
    options = ["--network", network, "--network-alias", "manager", "--workdir", "/job", "--volume", f"{tmp_path}:/job"]
    options += ["--volume", f"{made.channel}:/channel:ro", "--volume", f"{CHECKOUT}:/checkout:ro"]
    options += ["--env", "PIP_NO_INDEX=1", "--env", "PIP_FIND_LINKS=/opt/wheels /job/wheels"]
    with ExitStack() as stack:
        docker("network", "create", "--internal", "--label", f"{LABEL}={OWNER}", network).ok()
        stack.callback(docker, "network", "rm", network)
        container = Container.start("submitter", made.builder_image(), [*options, "--env", "PYTHONPATH=/job/modules"])
        stack.callback(container.remove)
        pip = ["python3", "-m", "pip", "install", "-q", "--root-user-action", "ignore", "--no-cache-dir"]
        container.exec(*pip, "--no-build-isolation", "/checkout", "parsl").ok()
        worker = Container.start("pack-worker", images.worker("clean"), ["--network", network])
        stack.callback(worker.remove)
        docker(
            "exec", "--detach", worker.name, "work_queue_worker", "--timeout", "300", "-s", "/tmp", "manager", "9123"
        )
        yield container


def test_pack__eight_tasks__each_runs_in_the_environment_of_its_function(
    submitter: Container, results: Results, tmp_path: Path
) -> None:
    start = time.monotonic()
    submitter.exec("sh", "-c", "python3 pack.py >out", options=_USER, timeout=300).ok()
    seconds = time.monotonic() - start
    reports = reports_in(tmp_path / "out")
    check(reports, numbers=range(8), below="/tmp/worker-")
    assert len({report["prefix"] for report in reports}) == 1
    results.add("Parsl, WorkQueueExecutor", OURS, seconds)
