"""docs/tutorial.md is run as it stands: its files are written, its commands are run, and they print what it shows."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
WRAPPER = Path(__file__).parents[2] / "python_package" / "run" / "python_package_run"


class Line(NamedTuple):
    """One command of the tutorial."""

    section: int
    command: str
    shown: list[str]  # the lines that the tutorial shows below it


def written() -> dict[str, str]:
    """Return the files that the reader writes."""
    text = TUTORIAL.read_text()
    return dict(re.findall(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL))


def commands() -> Iterator[Line]:
    """Yield the commands of each numbered section."""
    for number, section in enumerate(re.split(r"^## \d\. ", TUTORIAL.read_text(), flags=re.MULTILINE)[1:]):
        for block in re.findall(r"^ {4}\$ .*\n(?: {4}.*\n)*", section.partition("\n## ")[0], re.MULTILINE):
            for each in re.split(r"^ {4}\$ ", block, flags=re.MULTILINE)[1:]:
                command, *shown = each.splitlines()
                yield Line(number, command, [line[4:] for line in shown])


def play(home: Path, lines: list[Line], caches: Path) -> list[list[str]]:
    """Run the commands in one shell, as a reader does; return the lines that each prints."""
    folder = home / "sums"
    folder.mkdir()
    for name, text in written().items():
        (folder / name).write_text(text)
    tools = home / "tools"
    tools.mkdir()
    (tools / WRAPPER.name).symlink_to(WRAPPER)
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("CONDA", "PYTHON", "XDG"))}
    environ |= {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(caches),
        "PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    script = "\n".join(f"{line.command}\necho === $?" for line in lines)
    done = subprocess.run(
        ["sh"], input=script, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=600, check=True,
    )  # fmt: skip
    *printed, rest = re.split(r"^=== 0\n", done.stdout, flags=re.MULTILINE)
    assert (len(printed), rest) == (len(lines), ""), done.stdout
    return [_as_shown(text, folder) for text in printed]


def _as_shown(text: str, folder: Path) -> list[str]:
    """Return lines as the tutorial has them: its Python, its folder."""
    version = platform.python_version()
    return text.replace(str(folder), "/home/you/sums").replace(version, "3.11.7").splitlines()


def test_analysis__of_the_tutorial__prints_what_it_shows(tmp_path: Path) -> None:
    lines = [line for line in commands() if line.section == 2]
    assert len(lines) == 5
    assert play(tmp_path, lines, tmp_path / "cache") == [line.shown for line in lines]


@pytest.mark.network
@pytest.mark.slow
def test_tutorial__as_a_whole__makes_and_runs_the_environment(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    lines = [line for line in commands() if line.section >= 2]
    # Kept between sessions: the interpreter and the packages are large.
    printed = play(tmp_path, lines, pytestconfig.rootpath / ".pytest_cache" / "tutorial")
    exact = 0
    for line, text in zip(lines, printed, strict=True):
        if line.command.startswith(("ls", "env", "./python_package_run sums")):
            assert " ".join(text).split() == " ".join(line.shown).split(), line.command
            exact += 1
    sums = [text for line, text in zip(lines, printed, strict=True) if line.command == "sha256sum sums.tar.gz"]
    assert exact == 4
    assert sums[0] == sums[1] != []
