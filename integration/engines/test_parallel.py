"""GNU parallel, as Debian has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.engines.machine import Machine
from integration.engines.supplies import Supplies
from integration.engines.task import check
from integration.engines.ways import LINES, Results, Way


def test_parallel__eight_tasks__each_runs_in_the_environment(
    light: Supplies, way: Way, results: Results, tmp_path: Path
) -> None:
    with Machine.start("parallel", tmp_path) as machine:
        job = machine.job(light.tarball(way), LINES / "parallel" / f"{way.lines}.sh")
        reports, seconds = job.run(f"source ./{way.lines}.sh")
    check(reports, numbers=range(8), below=f"{job.home}/" if way.lines == "ours" else f"{job.path}/env")
    results.add("GNU parallel", way, seconds)


@pytest.mark.parametrize("tool", ["python3", "python"])
def test_machine__asked_for_python__does_not_know_it(tool: str, tmp_path: Path) -> None:
    with Machine.start("bare", tmp_path) as machine:
        assert machine.bash(f"{tool} -c pass").status == 127


def test_machine__searched_for_python__has_none(tmp_path: Path) -> None:
    names = " -o ".join(f"-name '{name}'" for name in ("python*", "pypy*", "libpython*", "*conda*"))
    with Machine.start("searched", tmp_path) as machine:
        assert machine.bash(f"find / -xdev ! -type d \\( {names} \\) 2>/dev/null").out == ""
