"""From create to the worker with interpreters other than the one that the tests run in.

`make test` has one old Python and the system's own; `make test-pythons` has all that this machine has.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import pythons
from desk import Desk, one_line
from run_worker import WRAPPER
from wheels import write_wheel

ALL = os.environ.get("PYTHON_PACKAGE_TEST_PYTHONS") == "all"
TASK = """
import sys, ssl, sqlite3, ctypes, json, bz2, lzma, zlib, hashlib, uuid, decimal, asyncio, multiprocessing, oddly
print(tuple(sys.version_info[:2]))
"""


def chosen() -> Iterator[tuple[str, Path]]:
    """Yield the interpreters to try, with what to call them."""
    found = pythons.installed()
    old = [version for version in found if (3, 7) <= version <= pythons.OLD]
    for version in sorted(found) if ALL else old[-1:]:
        if version >= (3, 7):
            yield "{}.{}".format(*version), found[version]
    if pythons.system().exists():
        yield "system", pythons.system()


def test_chosen__a_machine_of_ci__has_an_old_python() -> None:
    if os.environ.get("CI") == "true":
        assert any((3, 7) <= version <= pythons.OLD for version in pythons.installed())
    assert [name for name, _ in chosen()]


@pytest.mark.parametrize("python", dict(chosen()).values(), ids=dict(chosen()))
def test_create__of_another_python__runs_on_a_worker(python: Path, desk: Desk, tmp_path: Path) -> None:
    odd = {f"oddly/__pycache__/{file}": b"x" for file in ("it.pyc", "it.cpython-37-pytest-7.4.3.pyc", "it.a.b.c.pyc")}
    write_wheel(tmp_path / "index", "oddly", {"oddly/__init__.py": "", "oddly/it.py": "", **odd})
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").symlink_to(python)
    version = subprocess.run(
        [python, "-I", "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True
    ).stdout.strip()
    spec = desk.spec("oddly", "ssl", python=version)
    environ = {"PATH": f"{tools}:{desk.environ['PATH']}"}
    created = desk.run("--interpreter", "host", "--map=oddly=oddly", spec, "env", **environ)
    assert created.returncode == 0, created.stderr

    (desk.cwd / "task.py").write_text(TASK)
    desk.envs.rename(tmp_path / "out of reach")
    ran = subprocess.run(
        ["/bin/sh", WRAPPER, "env", "python3 task.py; ls $CONDA_PREFIX/lib/python3*/site-packages/oddly/__pycache__"],
        cwd=desk.cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stderr == ""
    first, *files = ran.stdout.splitlines()
    assert first == str(tuple(map(int, version.split(".")[:2])))
    assert {Path(each).name for each in odd} <= set(files)


@pytest.mark.skipif(
    (3, 6) not in pythons.installed() and os.environ.get("CI") != "true", reason="no Python 3.6; CI must have one"
)
def test_create__a_python_too_old_to_pack__is_refused_in_one_line(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(pythons.installed()[3, 6])
    spec = desk.spec(python="3.6.15")
    created = desk.run("--interpreter", "host", spec, "env", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert created.returncode in (5, 9)
    assert one_line(created.stderr).endswith("Python 3.6.15 is too old to be packed; 3.7 is the oldest")
