"""The targets of the Makefile that people run, in a copy of the checkout that has nothing but its tracked files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.network]

HERE = Path(__file__).parents[2]
# There nothing that is missing is passed over.
CI = os.environ.get("CI") == "true"
Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return a function that makes a target in the copy, whose virtual environment is made as a new developer's is."""
    tracked = subprocess.run(["git", "-C", str(HERE), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if not CI and (tracked.returncode or not shutil.which("make")):
        pytest.skip("needs git's checkout and make")
    checkout = tmp_path_factory.mktemp("copied") / "checkout"
    for name in filter(None, tracked.stdout.split("\0")):
        if (HERE / name).is_symlink() or (HERE / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HERE / name, checkout / name, follow_symlinks=False)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        made = subprocess.run(
            ["make", f"PYTHON={sys.executable}", *words],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
        )
        assert made.returncode == 0, f"{made.stdout[-3000:]}\n{made.stderr[-3000:]}"
        return made

    return run


def test_make__demo__runs_the_script_where_there_is_no_python(make: Make) -> None:
    assert "$ env -i PATH=(no python in it) python_package_run" in make("demo").stdout


def test_make__bench_in_its_short_form__measures_all(make: Make) -> None:
    said = make("bench", "SHORT=1").stdout
    for figures in (
        "analyze, 10 lines",
        "create, small",
        "pack, small",
        "first task in",
        "first task, 2 streams",
        "first task, as pixi-unpack",
        "create again, from PyPI",
        "next task",
        "5 tasks at once",
    ):
        assert figures in said


def test_make__docs__are_written_to_the_folder_site(make: Make) -> None:
    make("docs")


def test_make__compare_in_its_short_form__passes_its_cases(make: Make) -> None:
    assert "dynamic ours: imports pass" in make("compare", "SHORT=1").stdout


def test_make__simulate__runs_a_script_on_a_worker(make: Make, tmp_path: Path) -> None:
    # An engine that is installed is started. Only in CI one is installed.
    engine = [str(HERE / "scripts" / "engine"), "run", "true"]
    if not CI and not (shutil.which("docker") and shutil.which("dockerd")):
        pytest.skip("no Docker engine is installed")
    if not CI and subprocess.run(engine, capture_output=True, check=False, timeout=300).returncode:
        pytest.skip("no Docker engine can be had")
    (tmp_path / "task.py").write_text("print('done')\n")
    said = make("simulate", f"SCRIPT={tmp_path / 'task.py'}")
    assert "simulate: would have run" in said.stdout + said.stderr
