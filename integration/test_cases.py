"""Every case on every kind of worker."""

from __future__ import annotations

import pytest

from integration.cases import Case, every
from integration.machines import Environment, Worker


def test_worker__searched_for_python__has_none(worker: Worker) -> None:
    names = " -o ".join(f"-name '{name}'" for name in ("python*", "pypy*", "libpython*", "conda*", "*conda*"))
    find = f"find / -xdev ! -type d \\( {names} \\) 2>/dev/null"
    assert worker.container.exec("sh", "-c", find).out == ""


def test_worker__asked_for_python__does_not_know_it(worker: Worker) -> None:
    assert worker.container.exec("sh", "-c", "python3 -c pass || python -c pass").status == 127


@pytest.mark.parametrize("case", every(), ids=lambda case: case.folder.name)
def test_run__case_on_a_clean_worker__gives_what_the_case_says(worker: Worker, rich: Environment, case: Case) -> None:
    case.run(worker, rich)
