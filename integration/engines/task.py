"""What lines/task.py says when it ran where it should."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

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


def reports_in(file: Path) -> list[Report]:
    """Return the results that a file holds so far, one a line; all else that it holds is an engine's own."""
    if not file.exists():
        return []
    lines = file.read_text(errors="replace").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.startswith('{"sum"') and line.endswith("}\n")]
