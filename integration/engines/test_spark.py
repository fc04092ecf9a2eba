"""Spark, standalone: a master and a worker on loopback."""

from __future__ import annotations

import pytest

from integration.engines.machine import Machine
from integration.engines.supplies import Supplies, virtual_environment
from integration.engines.task import Report, check
from integration.engines.ways import LINES, OURS, Results, Way

pytestmark = pytest.mark.engines

_MASTER = "spark://127.0.0.1:7077"


@pytest.fixture(scope="module")
def reports(light: Supplies, way: Way, results: Results, tmp_path_factory: pytest.TempPathFactory) -> list[Report]:
    """Return what the job's tasks said that came in one way."""
    venv = virtual_environment(["pyspark"])
    (home,) = venv.glob("lib/python*/site-packages/pyspark")
    settings = f"export SPARK_HOME={home} PATH={home}/bin:$PATH SPARK_LOCAL_IP=127.0.0.1 SPARK_WORKER_DIR=/tmp/spark\n"
    settings += f"export MASTER={_MASTER} PYSPARK_DRIVER_PYTHON={venv}/bin/python\n"
    daemon = "spark-class org.apache.spark.deploy"
    with Machine.start("spark", tmp_path_factory.mktemp("spark"), venv) as machine:
        job = machine.job(light.tarball(way), *(LINES / "spark").iterdir())
        job.bash(
            f"{settings}{daemon}.master.Master --host 127.0.0.1 --port 7077 >master.log 2>&1 &\n"
            f"{daemon}.worker.Worker --host 127.0.0.1 --cores 2 --memory 2g {_MASTER} >worker.log 2>&1 &\n"
            "for i in {1..300}; do grep -q 'Registering worker' master.log && exit; sleep 0.2; done; exit 1"
        ).ok()
        found, seconds = job.run(f"{settings}source ./submit.sh")
    results.add("Spark", way, seconds)
    return found


def test_archives__eight_tasks__each_runs_in_the_environment(reports: list[Report]) -> None:
    check(reports, numbers=range(8), below="/tmp/spark/")
    assert {str(report["prefix"]).rpartition("/")[2] for report in reports} == {"environment"}


def test_archives__without_activation__has_certificates_and_entry_points(reports: list[Report], way: Way) -> None:
    if way.tarball == OURS.tarball:
        assert {int(str(report["certificates"])) > 50 for report in reports} == {True}
        assert {report["f2py"] == report["version"] for report in reports} == {True}
