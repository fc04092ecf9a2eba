"""Slurm, as Debian has it: a job, and an array whose tarball is broadcast."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from integration.engines.slurm import Cluster
from integration.engines.supplies import Supplies
from integration.engines.task import check
from integration.engines.ways import LINES, Results, Way

_TASKS = 20


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a cluster of two nodes."""
    with Cluster.start(tmp_path_factory.mktemp("slurm")) as started:
        yield started


def test_sbatch__one_job__runs_in_the_environment(
    cluster: Cluster, light: Supplies, way: Way, results: Results
) -> None:
    job = cluster.nodes[0].job(light.tarball(way), LINES / "slurm" / f"{way.lines}.sh")
    start = time.monotonic()
    job.bash(f"sbatch {way.lines}.sh").ok()
    report = job.result("job.out")
    results.add("Slurm", way, time.monotonic() - start)
    check([report], numbers=[4], below=job.home if way.lines == "ours" else "/tmp/env-")


def test_sbatch__array_with_sbcast__each_node_unpacks_once(cluster: Cluster, light: Supplies) -> None:
    job = cluster.nodes[0].job(light.ours, LINES / "slurm" / "array.sh")
    for node in cluster.nodes:
        node.bash("rm -f /tmp/unpacked")
    job.bash("CORES=1 sbatch array.sh").ok()
    reports = [job.result(f"array-{number}.out") for number in range(_TASKS)]
    while cluster.nodes[0].bash("squeue --noheader").ok().out:
        time.sleep(0.2)  # the last tasks remove their copies
    check(reports, numbers=range(_TASKS), below=job.home)
    assert {report["node"] for report in reports} == {"node1", "node2"}
    for node in cluster.nodes:
        assert node.bash("cat /tmp/unpacked").out == "unpacked\n"
        assert node.bash("ls /tmp/venv-*.tar.gz").status == 2
