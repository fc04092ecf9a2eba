"""What lines/task.py says when it ran where it should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# What a task says, as JSON on one line: its result, sys.prefix, and the files of the modules that it imported.
Report = Mapping[str, object]


def check(reports: Iterable[Report], *, numbers: Iterable[int], below: str) -> None:
    """Assert that there is one right result for each number, and that all ran in an environment below a place."""
    reports = list(reports)
    assert sorted(int(str(report["sum"])) for report in reports) == [number * (number + 1) // 2 for number in numbers]
    for report in reports:
        prefix = str(report["prefix"])
        assert prefix.startswith(below), report
        for module in ("numpy", "pandas"):
            assert str(report[module]).startswith(f"{prefix}/lib/"), report
