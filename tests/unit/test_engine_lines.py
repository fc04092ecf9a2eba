"""The lines of docs/engines.md are those that the engines' cases run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from integration.engines.table import ENGINES, rows
from integration.engines.ways import LINES, WAYS, Results, copied
from scripts.docs.engine_lines import DOCUMENT, filled, names


def test_document__every_block__has_the_lines_that_are_run() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert filled(text) == text, "run: python -m scripts.docs.engine_lines"


def test_document__every_file_with_lines_to_copy__is_in_it() -> None:
    files = {path for path in LINES.glob("*/*") if "[lines]" in path.read_text()}
    assert sorted(names(DOCUMENT.read_text(encoding="utf-8"))) == sorted(str(path.relative_to(LINES)) for path in files)


def test_filled__a_block_that_differs__gets_the_files_lines() -> None:
    name = "parallel/ours.sh"
    text = f"before\n<!-- lines: {name} -->\n\n```sh\nold\n```\nafter\n"
    assert filled(text) == f"before\n<!-- lines: {name} -->\n\n```sh\n{copied(LINES / name)}```\nafter\n"


@pytest.mark.parametrize("text", ["", "# [lines]\nx\n", "x\n# [end]\n"])
def test_copied__marks_are_missing__is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "job.sh"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"job\.sh"):
        copied(file)


def test_copied__lines_in_a_block__lose_its_indentation(tmp_path: Path) -> None:
    file = tmp_path / "job.py"
    file.write_text("if x:\n    # [lines]\n    a(\n        1)\n    # [end]\n")
    assert copied(file) == "a(\n    1)\n"


def test_rows__every_engine_ran__has_a_row_each() -> None:
    results = Results()
    for engine in ENGINES:
        for way in WAYS:
            results.add(engine, way, 1.25)
    assert len(rows(results)) == 2 + len(ENGINES)
    assert "| Slurm | yes | 1 | 6 | 1.2 s | 1.2 s | 1.2 s |" in rows(results)


def test_rows__an_engine_did_not_run__is_an_error() -> None:
    with pytest.raises(KeyError):
        rows(Results())


@pytest.mark.parametrize("file", sorted(LINES.glob("*/*.sh")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_lines__shell__can_be_parsed(file: Path) -> None:
    assert subprocess.run([str(shutil.which("bash")), "-n", file], check=False, timeout=60).returncode == 0
