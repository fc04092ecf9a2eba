"""The commands under poncho's names, installed from a wheel of this checkout: who looks for them on PATH finds ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
import venv
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import uv
from desk import OURS, PYTHON, Desk

CHECKOUT = Path(__file__).parents[2]
WRAPPER = CHECKOUT / "python_package" / "run" / "python_package_run"

pytestmark = pytest.mark.network  # for hatchling, which builds the wheel


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the commands in an environment where the project is installed as users install it."""
    folder = tmp_path_factory.mktemp("installed")
    run = partial(subprocess.run, check=True, timeout=300)
    run([uv.find_uv_bin(), "build", "-q", "--wheel", "--out-dir", str(folder), str(CHECKOUT)])
    venv.create(folder / "venv", with_pip=False)
    (wheel,) = folder.glob("*.whl")
    python = str(folder / "venv/bin/python")
    run([uv.find_uv_bin(), "pip", "install", "-q", "--no-deps", "--python", python, str(wheel)])
    # What the project needs is here already.
    site = next((folder / "venv").glob("lib/python3*/site-packages"))
    (site / "needs.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "venv" / "bin"


@pytest.fixture
def desk(desk: Desk, commands: Path) -> Desk:
    """Return a desk on whose PATH these commands are the first."""
    return replace(desk, environ={**desk.environ, "PATH": f"{commands}:{desk.environ['PATH']}"})


def call(desk: Desk, name: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command that PATH has."""
    found = shutil.which(name, path=desk.environ["PATH"])
    assert found == f"{desk.environ['PATH'].partition(':')[0]}/{name}"
    return subprocess.run(
        [found, *argv], cwd=desk.cwd, env=desk.environ, capture_output=True, text=True, timeout=300, check=False
    )


def test_wrapper__under_ponchos_name__is_the_whole_wrapper(commands: Path) -> None:
    """Work Queue sends the one file that it finds on PATH to the worker."""
    installed = commands / "poncho_package_run"

    assert installed.read_bytes() == WRAPPER.read_bytes() == (commands / "python_package_run").read_bytes()
    assert installed.stat().st_mode & 0o111 == 0o111
    assert not installed.is_symlink()


def test_commands__under_ponchos_names__make_an_environment_and_run_in_it(
    desk: Desk, commands: Path, tmp_path: Path
) -> None:
    """What poncho's documentation shows, on the way to a worker that has nothing but the two files."""
    (desk.cwd / "task.py").write_text("import idna\nprint(idna.__name__)\n")
    analyzed = call(desk, "poncho_package_analyze", "task.py", "spec.json")
    assert (analyzed.returncode, analyzed.stderr) == (0, "")
    spec = json.loads((desk.cwd / "spec.json").read_text())
    (desk.cwd / "spec.json").write_text(json.dumps({**spec, "python": PYTHON}))

    created = call(desk, "poncho_package_create", "-c", str(desk.channel), *OURS, "spec.json", "env.tar.gz")
    assert created.returncode == 0, created.stderr

    worker = tmp_path / "worker"
    worker.mkdir()
    for file in (desk.cwd / "env.tar.gz", desk.cwd / "task.py", commands / "poncho_package_run"):
        shutil.copy(file, worker)
    desk.cwd.rename(tmp_path / "out of reach")
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(worker)}
    # Unpack first, as a set-up task does, and then run from the directory.
    for argv in (
        ["-e", "env.tar.gz", "-u", "unpacked"],
        ["-e", "env.tar.gz", "-u", "unpacked", "python", "task.py"],
        ["-e", "unpacked", "-d", "--", "python3", "task.py"],
    ):
        ran = subprocess.run(
            ["./poncho_package_run", *argv], cwd=worker, env=environ, capture_output=True, text=True, timeout=120
        )
        assert (ran.returncode, ran.stdout) == (0, "idna\n" if argv[-1] == "task.py" else ""), ran.stderr


@pytest.mark.parametrize(
    ("name", "argv", "code"),
    [
        ("poncho_package_analyze", ["--version"], 0),
        ("poncho_package_create", ["--version"], 0),
        ("poncho_package_run", ["--version"], 0),
        ("poncho_package_analyze", ["nowhere.py", "spec.json"], 2),
        ("poncho_package_analyze", ["only-one"], 1),
        ("poncho_package_create", ["nowhere.json", "env.tar.gz"], 2),
        ("poncho_package_create", ["only-one"], 1),
        ("poncho_package_run", ["-e", "nowhere.tar.gz", "true"], 2),
        ("poncho_package_run", ["-e", "nowhere.tar.gz"], 1),
    ],
)
def test_commands__under_ponchos_names__fail_with_the_same_codes(
    desk: Desk, name: str, argv: list[str], code: int
) -> None:
    done = call(desk, name, *argv)

    assert (done.returncode, len(done.stdout.splitlines()), len(done.stderr.splitlines())) == (code, not code, code > 0)
