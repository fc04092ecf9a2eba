"""GNU parallel, as Debian has it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from integration.engines.machine import LINES, Machine
from integration.engines.supplies import Tarballs
from integration.engines.task import check
from integration.engines.ways import Results, Way


def test_parallel__eight_tasks__each_runs_in_the_environment(
    light: Tarballs, way: Way, results: Results, tmp_path: Path
) -> None:
    with Machine.start("parallel", tmp_path) as machine:
        job = machine.job(light.of(way), LINES / "parallel" / f"{way.lines}.sh")
        start = time.monotonic()
        done = job.bash(f"(source ./{way.lines}.sh) | tee out", timeout=60).ok()
        results.add("GNU parallel", way, time.monotonic() - start)
    reports = [json.loads(line) for line in done.out.splitlines()]
    place = f"{job.home}/" if way.lines == "ours" else f"{job.path}/env"
    check(reports, numbers=range(8), below=place)


@pytest.mark.parametrize("tool", ["python3", "python"])
def test_machine__asked_for_python__does_not_know_it(tool: str, tmp_path: Path) -> None:
    with Machine.start("bare", tmp_path) as machine:
        assert machine.bash(f"{tool} -c pass").status == 127
