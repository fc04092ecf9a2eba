"""From create to the worker with interpreters other than the one that the tests run in.

`make test` has one old Python and the system's own; `make test-pythons` has all that this machine has, and installs the
product itself under each that it supports.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import pythons
from desk import Desk, one_line
from run_worker import WRAPPER
from wheels import write_wheel

from python_package import __version__

CHECKOUT = Path(__file__).parents[2]
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


def product() -> Iterator[tuple[str, Path]]:
    """Yield the interpreters that the product itself can be installed under, with what to call them."""
    if ALL:
        yield from (
            ("{}.{}".format(*version), path) for version, path in pythons.installed().items() if version >= (3, 10)
        )


@pytest.mark.network
@pytest.mark.parametrize("python", dict(product()).values(), ids=dict(product()))
def test_product__installed_under_another_python__analyzes_creates_and_runs(
    python: Path, wheel: Path, desk: Desk, tmp_path: Path
) -> None:
    venv = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", venv], check=True, timeout=120)
    pip: list[str | Path] = [
        venv / "bin/pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-c",
        CHECKOUT / "constraints.txt",
        wheel,
    ]
    subprocess.run(pip, check=True, timeout=300)
    (desk.cwd / "task.py").write_text("import onlypypi, sys\nprint(onlypypi.ANSWER, sys.version_info[:2])\n")
    # What `pip install` gives is all there is: no checkout, none of this interpreter's packages.
    environ = {**desk.environ, "PATH": f"{venv}/bin:/usr/bin:/bin"}

    def run(*argv: str) -> str:
        done = subprocess.run(argv, cwd=desk.cwd, env=environ, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("python_package_analyze", "task.py", "deps.json")
    run("python_package_create", "--interpreter", "host", "--map=onlypypi=onlypypi", "deps.json", "env")
    version = run("python3", "-c", "import sys; print(sys.version_info[:2])")
    environ["PATH"] = "/usr/bin:/bin"
    assert run(str(venv / "bin/python_package_run"), "env", "python3 task.py") == f"42 {version}"
    environ["PATH"] = f"{venv}/bin:/usr/bin:/bin"
    for command in ("python_package_analyze", "python_package_create", "python_package_run"):
        assert run(command, "--version") == f"{command} {__version__}\n"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, CHECKOUT]
    subprocess.run(pip, check=True, timeout=300)
    (made,) = folder.glob("python_packaging_utilities-*.whl")
    return made
