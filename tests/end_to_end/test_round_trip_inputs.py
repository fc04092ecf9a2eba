"""From a directory with inline metadata and a notebook to the worker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from desk import PYTHON, Desk

ANALYZE = Path(sys.executable).with_name("python_package_analyze")
WRAPPER = Path(__file__).parents[2] / "python_package" / "run" / "python_package_run"

TASK = """\
# /// script
# requires-python = ">=3.10"
# dependencies = ["onlypypi==0.9", "nowhere; sys_platform == 'win32'"]
# ///
import importlib.metadata, idna, onlypypi
print(importlib.metadata.version("onlypypi"), idna.__name__)
"""


def test_commands__directory_with_metadata_and_a_notebook__runs_on_a_worker(desk: Desk, tmp_path: Path) -> None:
    project = desk.cwd / "project"
    project.mkdir()
    (project / "task.py").write_text(TASK)
    (project / "old.py").write_text("def (")
    cell = {"cell_type": "code", "source": ["%%time\n", "!pip install idna\n", "import idna, task"]}
    (project / "plot.ipynb").write_text(json.dumps({"cells": [cell]}))
    analyzed = subprocess.run(
        [ANALYZE, "project", "deps.json"], cwd=desk.cwd, env=desk.environ, capture_output=True, text=True, timeout=60
    )
    assert "project/old.py:1: not valid Python" in analyzed.stderr
    spec = json.loads((desk.cwd / "deps.json").read_text())
    assert spec == {"python": PYTHON, "modules": ["idna", "onlypypi"], "packages": ["onlypypi==0.9"]}

    created = desk.run("-c", str(desk.channel), "deps.json", "env")
    assert created.returncode == 0, created.stderr
    worker = tmp_path / "worker"
    worker.mkdir()
    (desk.cwd / "env.tar.gz").rename(worker / "env.tar.gz")
    (project / "task.py").rename(worker / "task.py")
    ran = subprocess.run(
        [WRAPPER, "env", "python3 task.py"],
        cwd=worker,
        env={"PATH": "/usr/bin:/bin", "HOME": str(worker)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.stdout, ran.stderr) == ("0.9 idna\n", "")
