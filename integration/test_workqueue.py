"""Real Work Queue: Makeflow as the manager, three workers without Python, one of which dies on the way."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration.cluster import Cluster, job_folder
from integration.docker import Done, docker
from integration.machines import Environment

TASKS = 60

_TASK = """
import os, socket, sys, time
start = time.time()
time.sleep(0.4)
number = int(sys.argv[1])
print(number * number, socket.gethostname(), start, time.time(), sys.prefix)
"""


@dataclass(frozen=True)
class Output:
    """What one task has printed."""

    square: int
    host: str
    start: float
    end: float
    prefix: str


@dataclass(frozen=True)
class Run:
    """A workflow that has ended."""

    cluster: Cluster
    manager: Done
    killed: str
    survivors: list[str]
    outputs: dict[int, Output]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, small: Environment) -> Iterator[Run]:
    """Run 60 tasks on three workers of two cores, and kill one worker on the way."""
    folder = tmp_path_factory.mktemp("makeflow")
    job = job_folder(folder / "job", small)
    (job / "task.py").write_text(_TASK)
    inputs = ["python_package_run", "small.tar.gz", "task.py"]
    rules = [
        {
            "command": f"./python_package_run small 'python3 task.py {number}' > out.{number}",
            "inputs": inputs,
            "outputs": [f"out.{number}"],
            "resources": {"cores": 1, "memory": 100, "disk": 500},
        }
        for number in range(TASKS)
    ]
    (job / "flow.jx").write_text(json.dumps({"rules": rules}))
    with Cluster.start(folder, job, "makeflow -T wq -p 9123 --jx flow.jx", workers=3) as cluster:
        cluster.wait_until(lambda: len(list(job.glob("out.*"))) >= TASKS // 4)
        # One that has proved to work: of the tasks that have ended, the first one's.
        host = _read(min(job.glob("out.*"), key=lambda path: path.stat().st_mtime)).host
        (killed,) = (worker for worker in cluster.containers("worker") if worker.startswith(host))
        docker("kill", "--signal", "KILL", killed).ok()
        at_kill = len(list(job.glob("out.*")))
        manager = cluster.wait()
        assert at_kill < TASKS, "the worker died too late"
        survivors = [worker for worker in cluster.containers("worker") if worker != killed]
        outputs = {int(path.suffix[1:]): _read(path) for path in job.glob("out.*")}
        yield Run(cluster, manager, killed, survivors, outputs)


def _read(path: Path) -> Output:
    square, host, start, end, prefix = path.read_text().split()
    return Output(int(square), host, float(start), float(end), prefix)


def test_workflow__one_worker_killed_midway__ends_with_every_output_right(run: Run) -> None:
    assert run.manager.status == 0, run.manager.out + run.manager.err
    assert {number: output.square for number, output in run.outputs.items()} == {n: n * n for n in range(TASKS)}


def test_workflow__every_surviving_worker__has_worked_and_unpacked_once(run: Run) -> None:
    hosts = {output.host for output in run.outputs.values()}
    for worker in run.survivors:
        assert worker[:12] in hosts
        assert run.cluster.unpackings(worker) == 1
    assert run.cluster.unpackings(run.killed) == 1


def test_workflow__workers_of_two_cores__run_two_tasks_at_once(run: Run) -> None:
    by_host: dict[str, list[Output]] = defaultdict(list)
    for output in run.outputs.values():
        by_host[output.host].append(output)
    for worker in run.survivors:
        outputs = by_host[worker[:12]]
        together = [(one, two) for one in outputs for two in outputs if one.start < two.start < one.end]
        assert together
        assert len({output.prefix for output in outputs}) == 1


def test_workflow__workers_stopped__leave_empty_workspaces(run: Run) -> None:
    prefixes = {output.host: output.prefix for output in run.outputs.values()}
    for worker in run.survivors:
        assert prefixes[worker[:12]].startswith(f"/workspaces/{worker[:12]}/")
        run.cluster.stop(worker)
        assert list(run.cluster.workspace(worker).iterdir()) == []
