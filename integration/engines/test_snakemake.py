"""Snakemake, whose rules run under `set -euo pipefail`."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.engines.machine import Machine
from integration.engines.supplies import Supplies, virtual_environment
from integration.engines.task import check
from integration.engines.ways import LINES, Results, Way

pytestmark = pytest.mark.engines


def test_snakemake__eight_tasks_of_a_rule__each_runs_in_the_environment(
    light: Supplies, way: Way, results: Results, tmp_path: Path
) -> None:
    venv = virtual_environment(["snakemake"])
    with Machine.start("snakemake", tmp_path, venv) as machine:
        job = machine.job(light.tarball(way), LINES / "snakemake" / f"{way.lines}.smk")
        snakemake = f"{venv}/bin/snakemake --quiet all --cores 2 --snakefile {way.lines}.smk"
        reports, seconds = job.run(f"{snakemake}; cat result-*.json")
    check(reports, numbers=range(8), below=f"{job.home}/" if way.lines == "ours" else f"{job.path}/env")
    results.add("Snakemake", way, seconds)
