"""The reference pages say what the code has: keys of the dependency file, exit codes, dependencies."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from python_package.spec import SOURCES, Spec

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
MAN = ROOT / "python_package" / "man"


def rows(page: str, heading: str = "") -> list[list[str]]:
    """Return the cells of every row of the page's tables, or of those below a heading."""
    text = (REFERENCE / page).read_text().partition(heading)[2].partition("\n## ")[0] if heading else ""
    lines = re.findall(r"^\|(.*)\|$", text or (REFERENCE / page).read_text(), re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_files__keys_of_the_dependency_file__are_those_that_are_written_and_read() -> None:
    examples = {
        key[1:-1]: json.loads(re.findall(r"`([^`]*)`", example)[0])
        for key, _, example in (row for row in rows("files.md", "## The dependency file\n") if row[0].startswith("`"))
    }
    # What is optional, deferred or named must be listed.
    examples["modules"] = ["columns", "cv2", "numpy", "ujson"]
    examples["submodules"] = ["numpy.fft", "numpy.linalg"]
    spec = Spec.from_json(json.dumps(examples), "the example")
    assert json.loads(spec.to_json()) == examples
    assert set(examples) == set(Spec.__annotations__)


def test_files__sources_of_a_pin__are_all_named() -> None:
    text = (REFERENCE / "files.md").read_text()
    assert set(re.findall(r"`(\w+)`", text.partition("The `source` of a pin is ")[2].partition(".")[0])) == set(SOURCES)


@pytest.mark.parametrize(("column", "command"), [(1, "analyze"), (2, "create"), (3, "run")])
def test_exit_codes__of_a_command__are_those_of_its_man_page(column: int, command: str) -> None:
    listed = {int(row[0]) for row in rows("exit-codes.md") if row[0].isdigit() and len(row) > column and row[column]}
    section = (MAN / f"python_package_{command}.1").read_text().split(".SH EXIT STATUS")[1].split(".SH ")[0]
    documented = {int(code) for code in re.findall(r"^\.B (\d+)$", section, re.MULTILINE)}
    assert listed == documented | {0}


def test_dependencies__of_the_project__have_their_line() -> None:
    explained = {name for row in rows("dependencies.md") for name in row[0].split(", ")}
    project = re.findall(
        r"^dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE
    )
    wanted = re.findall(r'^  "([\w-]+)', project[0], re.MULTILINE)
    assert set(wanted) == explained - {"", "---"}
