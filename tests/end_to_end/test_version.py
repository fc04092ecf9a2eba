"""Every command says which version it is, and all say the same."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from python_package import __version__

BIN = Path(sys.executable).parent
WRAPPER = Path(__file__).parents[2] / "python_package" / "run" / "python_package_run"


def test_version__of_the_distribution__is_the_package_s() -> None:
    assert importlib.metadata.version("python-packaging-utilities") == __version__


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ([BIN / "python_package_analyze"], "python_package_analyze"),
        ([BIN / "python_package_create"], "python_package_create"),
        ([WRAPPER], "python_package_run"),
        ([sys.executable, "-m", "python_package.channel"], "python -m python_package.channel"),
    ],
    ids=["analyze", "create", "run", "channel"],
)
def test_version__of_a_command__is_the_package_s(command: list[str | Path], name: str, tmp_path: Path) -> None:
    said = subprocess.run(
        [*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, f"{name} {__version__}\n", "")
