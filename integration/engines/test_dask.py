"""Dask: a worker started by hand, and dask-jobqueue's workers on Slurm."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.engines.machine import Machine
from integration.engines.slurm import Cluster
from integration.engines.supplies import Supplies, prepare
from integration.engines.task import check
from integration.engines.ways import LINES, Results, Way
from python_package.analyze.engines import ENGINES

pytestmark = pytest.mark.engines

_SCHEDULER = "tcp://127.0.0.1:8786"


@pytest.fixture(scope="module")
def supplies(tmp_path_factory: pytest.TempPathFactory) -> Supplies:
    """Return an environment that has Dask on both sides."""
    return prepare(tmp_path_factory.mktemp("dask"), "dask", ["distributed", "dask-jobqueue"], engine="dask")


def test_worker__eight_tasks__each_runs_in_the_environment(
    supplies: Supplies, way: Way, results: Results, tmp_path: Path
) -> None:
    venv = supplies.venv
    with Machine.start("dask", tmp_path, venv) as machine:
        job = machine.job(supplies.tarball(way), LINES / "dask" / f"{way.lines}.sh", LINES / "dask" / "client.py")
        settings = f"export SCHEDULER={_SCHEDULER}"
        job.bash(
            f"{venv}/bin/dask scheduler --host 127.0.0.1 --port 8786 --no-dashboard >scheduler.log 2>&1 &\n"
            "for i in {1..300}; do grep -q 'Scheduler at' scheduler.log && exit; sleep 0.2; done; exit 1"
        ).ok()
        worker = f"(source ./{way.lines}.sh) >worker.log 2>&1 &"
        reports, seconds = job.run(f"{settings}\n{worker}\n{venv}/bin/python -u client.py")
    check(reports, numbers=range(8), below=f"{job.home}/" if way.lines == "ours" else f"{job.path}/env")
    results.add("Dask", way, seconds)


def test_for_dask__what_dask_itself_compares__is_shipped(supplies: Supplies) -> None:
    question = "from distributed.versions import required_packages as r; print(*sorted(r))"
    done = subprocess.run(
        [supplies.venv / "bin" / "python", "-c", question], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == list(ENGINES["dask"])


@pytest.fixture(scope="module")
def cluster(supplies: Supplies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a Slurm cluster whose nodes see the client's virtual environment."""
    with Cluster.start(tmp_path_factory.mktemp("jobqueue"), supplies.venv) as started:
        yield started


def test_jobqueue__workers_that_slurm_starts__run_in_the_environment(
    supplies: Supplies, cluster: Cluster, way: Way, results: Results
) -> None:
    client = LINES / "dask-jobqueue" / f"{way.lines}.py"
    job = cluster.nodes[0].job(supplies.tarball(way), client)
    reports, seconds = job.run(f"{supplies.venv}/bin/python -u {client.name}")
    check(reports, numbers=range(8), below=f"{job.home}/" if way.lines == "ours" else "/tmp/env-")
    results.add("dask-jobqueue on Slurm", way, seconds)
