"""`make simulate`: the user's own script on a clean worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from integration.images import CHECKOUT
from integration.simulate import diagnose


def _simulate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "integration.simulate", *arguments]
    settings = {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(
        command, cwd=folder, env=os.environ | settings, capture_output=True, text=True, timeout=300, check=False
    )


def test_simulate__script_that_a_worker_can_run__shows_its_output_and_what_it_made(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(
        "import sys, shapes.area\nopen('made.txt', 'w')\nprint(sys.argv, shapes.area.two)\n"
    )
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "area.py").write_text("two = 2\n")
    done = _simulate(tmp_path, "job.py", "a b")
    assert (done.returncode, done.stdout) == (0, "['job.py', 'a b'] 2\n"), done.stderr
    assert "made made.txt" in done.stderr
    assert done.stderr.endswith("simulate: would have run\n")


def test_simulate__script_that_reads_a_file_of_this_machine__fails_and_names_it(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1,2\n")
    (tmp_path / "job.py").write_text(f"print(open({str(data)!r}).read())\n")
    done = _simulate(tmp_path, "job.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the file {data} exists here and not on a worker" in done.stderr
    assert done.stderr.endswith("simulate: would have failed with status 1\n")


def test_simulate__no_such_script__says_so_and_starts_nothing(tmp_path: Path) -> None:
    done = _simulate(tmp_path, "absent.py")
    assert done.returncode == 2
    assert "absent.py" in done.stderr
    assert "python_package_create" not in done.stderr


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [
        ("ModuleNotFoundError: No module named 'yaml.cyaml'", 1, "--extra-pkg yaml"),
        ("/bin/sh: 1: sh: not found", 127, "the program sh, which this machine has"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/no/such/file'", 1, "no /no/such/file on a worker"),
        ("OSError: [Errno 30] Read-only file system: '/data/x'", 1, "writes to /data/x"),
        (
            "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>",
            1,
            "uses the network",
        ),
        ("ImportError: libGL.so.1: cannot open shared object file: No such file", 1, "libGL.so.1 is a library"),
        ("", 137, "signal 9, maybe for want of memory"),
    ],
)
def test_diagnose__what_tasks_say_on_other_machines__is_explained(said: str, status: int, expected: str) -> None:
    (problem,) = diagnose(said, status)
    assert expected in problem


def test_diagnose__a_task_that_just_fails__is_not_explained_away() -> None:
    assert diagnose("ValueError: 3", 1) == []
