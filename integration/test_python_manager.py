"""Debian's python3-workqueue as the manager, with the python_package_run that it finds on PATH: ours or its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from integration.cluster import Cluster, job_folder
from integration.machines import WRAPPER, Environment
from python_package import pack

_MANAGER = Path(__file__).parent / "scripts" / "manager.py"


@pytest.mark.parametrize("whose", ["ours", "debian"])
def test_python_task__environment_of_ours__runs_in_it(
    tmp_path_factory: pytest.TempPathFactory, small: Environment, whose: str
) -> None:
    folder = tmp_path_factory.mktemp(f"manager-{whose}")
    job = job_folder(folder / "job", small)
    shutil.copy(_MANAGER, job)
    if whose == "ours":
        (job / "bin").mkdir()  # first on the manager's PATH
        shutil.copy(WRAPPER, job / "bin")
    with Cluster.start(folder, job, "command -v python_package_run; python3 manager.py", workers=1) as cluster:
        done = cluster.wait()
        assert done.status == 0, done.out + done.err
        found, printed = done.out.split("\n", 1)
        assert found == ("/job/bin/python_package_run" if whose == "ours" else "/usr/bin/python_package_run")
        (worker,) = cluster.containers("worker")
        assert cluster.unpackings(worker) == 1
    results = json.loads(printed)
    assert {(result["status"], result["result"]) for result in results} == {(0, 0)}
    described = [result["output"] for result in results if isinstance(result["output"], dict)]
    assert sorted(output["number"] for output in described) == [number * number for number in range(9)]
    (where,) = {(output["version"], output["prefix"], output["dill"]) for output in described}
    assert where[0] == pack.read(small.tarball).python
    assert where[1].startswith("/workspaces/")
    assert where[1].endswith("/small.tar.gz-env")
    assert [result["output"] for result in results if isinstance(result["output"], str)] == ["ValueError('no 9')"]
