"""Parsl's HighThroughputExecutor: the pool of workers runs in the environment."""

from __future__ import annotations

import pytest

from integration.engines.machine import Machine
from integration.engines.supplies import Supplies, prepare
from integration.engines.task import check
from integration.engines.ways import LINES, Results, Way


@pytest.fixture(scope="module")
def supplies(tmp_path_factory: pytest.TempPathFactory) -> Supplies:
    """Return an environment that has Parsl on both sides."""
    return prepare(tmp_path_factory.mktemp("parsl"), "parsl", ["parsl"], engine="parsl")


def test_htex__eight_tasks__each_runs_in_the_environment(
    supplies: Supplies, way: Way, results: Results, tmp_path_factory: pytest.TempPathFactory
) -> None:
    venv = supplies.venv
    with Machine.start("parsl", tmp_path_factory.mktemp("htex"), venv) as machine:
        job = machine.job(supplies.tarball(way), LINES / "parsl" / f"{way.lines}.py")
        # The interchange is the submitting side's, and the only program of it on PATH.
        own = f"mkdir own; ln -s {venv}/bin/interchange.py own; export PATH=$PWD/own:$PATH"
        reports, seconds = job.run(f"{own}; {venv}/bin/python -u {way.lines}.py")
    check(reports, numbers=range(8), below=f"{job.home}/" if way.lines == "ours" else f"{job.path}/env")
    results.add("Parsl, HighThroughputExecutor", way, seconds)
