"""The cases of the golden run can be read; the run itself compares two checkouts and is no test."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from scripts import golden

TEXT = Path(golden.__file__).with_suffix(".txt").read_text(encoding="utf-8")
CASES = list(golden.written(TEXT))


def test_written__golden_txt__has_commands_in_each_case_and_each_name_once() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 40
    assert all(case.commands for case in CASES)


def test_written__golden_txt__runs_each_of_the_three_commands() -> None:
    words = {word for case in CASES for command in case.commands for word in command.split()}
    assert {"analyze", "create", "run"} <= words


def test_accepted__golden_txt__are_differences_of_cases_that_there_are_with_a_reason() -> None:
    for name, what, reason in golden.accepted(TEXT):
        assert any(fnmatch(case.name, name) for case in CASES), name
        assert what and reason
