"""Ray: each worker process is started by `py_executable`."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.engines.machine import Machine
from integration.engines.supplies import Supplies, prepare
from integration.engines.task import Report, check
from integration.engines.ways import LINES, OURS, Results, Way

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def supplies(tmp_path_factory: pytest.TempPathFactory) -> Supplies:
    """Return an environment that has Ray on both sides."""
    return prepare(tmp_path_factory.mktemp("ray"), "ray", ["ray"], engine="ray")


def _run(supplies: Supplies, way: Way, script: str, folder: Path) -> tuple[list[Report], float, str]:
    """Run a driver; return what its tasks said, the seconds until the first did, and below what place they ran."""
    options = ("--network", "none", "--shm-size", "1g")
    with Machine.start("ray", folder, supplies.venv, options) as machine:
        job = machine.job(supplies.tarball(way), LINES / "ray" / script)
        driver = f"export RAY_USAGE_STATS_ENABLED=0; {supplies.venv}/bin/python -u {script}"
        reports, seconds = job.run(driver)
    return reports, seconds, f"{job.path}/env" if script == "conda-pack.py" else f"{job.home}/"


def test_py_executable__eight_tasks__each_runs_in_the_environment(
    supplies: Supplies, way: Way, results: Results, tmp_path: Path
) -> None:
    reports, seconds, place = _run(supplies, way, f"{way.lines}.py", tmp_path)
    check(reports, numbers=range(8), below=place)
    results.add("Ray", way, seconds)


def test_working_dir__wrapper_and_tarball_travel_in_it__each_task_runs_in_the_environment(
    supplies: Supplies, tmp_path: Path
) -> None:
    reports, _, place = _run(supplies, OURS, "working_dir.py", tmp_path)
    check(reports, numbers=range(8), below=place)
