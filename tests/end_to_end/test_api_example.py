"""docs/reference/python-api.md: its example is run as it stands, and its tables are those of the code."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from desk import Desk

import python_package
from python_package import Created, CreateOptions

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "python-api.md").read_text()


def table(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table below a heading, by their first cell."""
    section = PAGE.partition(f"\n## `{heading}")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE)]
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.mark.slow
def test_example__run_as_it_stands__makes_what_it_says(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.cwd / "task.py").write_text("import idna\n")
    monkeypatch.chdir(desk.cwd)
    for key, value in desk.environ.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("CONDA_CHANNELS", str(desk.channel))
    example = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    exec(example, {})  # noqa: S102  # the document is ours
    assert capsys.readouterr().out.splitlines() == [f"{desk.envs / 'task'} {desk.cwd / 'task.tar.gz'}"]
    assert {path.name for path in desk.cwd.iterdir()} >= {"task.tar.gz", "task.lock", "task.sbom.json"}


def test_options__in_the_document__are_the_fields_and_their_defaults() -> None:
    documented = {name: row[0].strip("`") for name, row in table("CreateOptions").items()}
    defaults = {
        each.name: each.default if each.default_factory is MISSING else each.default_factory()
        for each in fields(CreateOptions)
    }
    assert documented == {name: repr(value).replace("'", '"') for name, value in defaults.items()}


def test_created__in_the_document__has_its_fields() -> None:
    assert set(table("Created")) == {each.name for each in fields(Created)}


def test_names__of_the_api__are_all_documented() -> None:
    assert {name for name in python_package.__all__ if f"`{name}" not in PAGE} <= {"__version__"}
