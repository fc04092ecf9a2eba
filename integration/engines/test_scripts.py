"""Job scripts that are careful: strict bash, and HTCondor's documented wrapper, imitated."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.engines.machine import Machine
from integration.engines.supplies import Supplies
from integration.engines.task import check
from integration.engines.ways import LINES, OURS, Results, Way


def test_activate__in_a_strict_script__activates(light: Supplies, tmp_path: Path) -> None:
    with Machine.start("strict", tmp_path) as machine:
        job = machine.job(light.tarball(OURS), LINES / "activation" / "strict.sh")
        reports, _ = job.run("./strict.sh")
    check(reports, numbers=[4], below=f"{job.path}/env")


@pytest.mark.engines
def test_htcondor__documented_wrapper__runs_in_the_environment(
    light: Supplies, way: Way, results: Results, tmp_path: Path
) -> None:
    with Machine.start("htcondor", tmp_path) as machine:
        job = machine.job(light.tarball(way), LINES / "htcondor" / f"{way.lines}.sh")
        # As the starter leaves a job: it stands in a scratch directory of its own, with its files, and has no home.
        job.bash("mkdir scratch && cp -p *.* python_package_run scratch").ok()
        execute = f"cd scratch; env -i PATH=/usr/bin:/bin _CONDOR_SCRATCH_DIR=$PWD ./{way.lines}.sh"
        reports, seconds = job.run(execute)
    check(reports, numbers=[4], below=f"{job.path}/scratch/")
    results.add("HTCondor's wrapper (imitated)", way, seconds)
