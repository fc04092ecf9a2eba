"""The man pages document just the options that the commands have."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

MAN = Path(__file__).parents[2] / "python_package" / "man"
WRAPPER = MAN.parent / "run" / "python_package_run"


@pytest.mark.parametrize("name", ["python_package_analyze", "python_package_create", "python_package_run"])
def test_man_page__options__are_those_of_the_command(name: str) -> None:
    command = WRAPPER if name == WRAPPER.name else Path(sys.executable).with_name(name)
    said = subprocess.run([command, "--help"], capture_output=True, text=True, check=True, timeout=60)
    listed = re.findall(r"^  (-.*?)(?:  |$)", said.stdout, re.MULTILINE)
    offered = {option for line in listed for option in re.findall(r"(?<!\w)--[a-z-]+", line)}
    section = (MAN / f"{name}.1").read_text().partition(".SH OPTIONS\n")[2].partition("\n.SH ")[0].replace("\\-", "-")
    headings = re.findall(r"^\.TP\n(\..*)", section, re.MULTILINE)
    documented = {option for line in headings for option in re.findall(r"(?<!\w)--[a-z-]+", line)}
    assert offered == documented
    assert len(offered) > 5
