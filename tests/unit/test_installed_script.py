"""A script that is part of an installed package is that package's: it is listed by its name, and not read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import uv
from user_python import UserPython
from wheels import write_wheel

COMMAND = Path(sys.executable).with_name("python_package_analyze")
# It imports nothing of its own package, and what its distribution need not even require.
TOOL = "import sys\nimport numpy\n\n\ndef work():\n    import pandas\n"


@pytest.fixture
def user(tmp_path: Path) -> UserPython:
    (tmp_path / "user").mkdir()
    user = UserPython(tmp_path / "user")
    write_wheel(user.wheels, "exec-tool", {"exectool/__init__.py": "", "exectool/deep/run.py": TOOL})
    write_wheel(user.wheels, "acme-two", {"acme/two/run.py": TOOL})
    write_wheel(user.wheels, "single", {"single_module.py": TOOL})
    return user


@pytest.fixture
def site(user: UserPython) -> Path:
    user.install("exec-tool", "acme-two", "single")
    return next((user.folder / "venv").glob("lib/python3*/site-packages"))


def analyze(
    user: UserPython, *argv: str | Path, stdin: str = "", cwd: Path | None = None, **env: str
) -> tuple[dict[str, object], str]:
    """Return the dependency file, which standard output is asked for, and what is said."""
    done = subprocess.run(
        [COMMAND, *argv],
        input=stdin,
        cwd=cwd or user.folder,
        env={**os.environ, "PATH": f"{user.bin}:{os.environ['PATH']}", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    spec = json.loads(done.stdout)
    del spec["python"]
    return spec, done.stderr


@pytest.mark.network  # for Parsl and cowsay themselves
def test_script__of_parsl_and_of_cowsay__where_pypi_puts_them(user: UserPython) -> None:
    """The command of Parsl's WorkQueueExecutor with `pack=True`: its own script, and the user's function on stdin."""
    argv = [uv.find_uv_bin(), "pip", "install", "-q", "--no-deps", "--python", user.python, "parsl>=2024", "cowsay"]
    subprocess.run(argv, check=True, timeout=300)
    site = next((user.folder / "venv").glob("lib/python3*/site-packages"))
    script = site / "parsl/executors/workqueue/exec_parsl_function.py"
    function = "def add(a, b):\n    import numpy\n    return numpy.add(a, b)\n"

    spec, said = analyze(user, script, "-", "-", "--extra-pkg", "dill", "--extra-pkg", "parsl", stdin=function)
    assert spec == {"modules": ["numpy", "parsl"], "packages": ["dill", "parsl"]}
    assert said.endswith(f"{script} is part of an installed package: parsl is listed, and the script is not read\n")

    for script in (site / "cowsay/__main__.py", site / "cowsay"):
        assert analyze(user, script, "-")[0] == {"modules": ["cowsay"]}


@pytest.mark.parametrize(
    ("path", "modules"),
    [
        ("exectool/deep/run.py", ["exectool"]),
        ("exectool/__init__.py", ["exectool"]),
        ("exectool/deep", ["exectool"]),
        ("exectool", ["exectool"]),
        ("acme/two/run.py", ["acme"]),
        ("single_module.py", ["single_module"]),
    ],
)
def test_script__of_an_installed_package__lists_the_package_alone(
    user: UserPython, site: Path, path: str, modules: list[str]
) -> None:
    spec, said = analyze(user, site / path, "-")

    assert spec == {"modules": modules}
    assert len(said.splitlines()) == 1


def test_script__of_an_installed_package__can_be_explained_and_pinned(user: UserPython, site: Path) -> None:
    spec, said = analyze(user, "--explain", "--pin", site / "exectool/deep/run.py", "-")

    assert spec["modules"] == ["exectool"]
    assert spec["pins"] == {"exectool": {"package": "exec-tool", "version": "1.0", "source": "pypi"}}
    assert "exec-tool" in said


@pytest.mark.parametrize("option", [["--local"], ["--toplevel"], ["--function", "work"]])
def test_script__of_an_installed_package__is_not_read_for_any_option(
    user: UserPython, site: Path, option: list[str]
) -> None:
    spec, said = analyze(user, *option, site / "exectool/deep/run.py", "-")

    assert spec == {"modules": ["exectool"]}
    assert len(said.splitlines()) == 1


def test_script__installed_as_links_into_a_cache__is_the_packages(user: UserPython) -> None:
    """As uv does it with UV_LINK_MODE=symlink: the file itself lies where nothing tells of a package."""
    argv = [uv.find_uv_bin(), "pip", "install", "-q", "--python", user.python, "--offline", "--no-index"]
    environ = {**os.environ, "UV_CACHE_DIR": str(user.folder / "uv"), "UV_LINK_MODE": "symlink"}
    subprocess.run([*argv, "--find-links", str(user.wheels), "exec-tool"], check=True, timeout=120, env=environ)
    script = next((user.folder / "venv").glob("lib/python3*/site-packages/exectool/deep/run.py"))
    assert "site-packages" not in str(script.resolve())

    assert analyze(user, script, "-")[0] == {"modules": ["exectool"]}


def test_script__installed_into_a_folder_of_pythonpath__is_the_packages(user: UserPython) -> None:
    target = user.folder / "libraries"
    user.install("--target", str(target), "exec-tool", "acme-two")
    (target / "exectool/deep/__init__.py").touch()

    assert analyze(user, target / "exectool/deep/run.py", "-", PYTHONPATH=str(target))[0] == {"modules": ["exectool"]}


def test_script__in_the_user_site__is_the_packages(user: UserPython) -> None:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    target = user.folder / f"home/.local/lib/{version}/site-packages"
    user.install("--target", str(target), "exec-tool")

    assert analyze(user, target / "exectool/deep/run.py", "-")[0] == {"modules": ["exectool"]}


# ---- What is the user's own


@pytest.mark.parametrize("place", ["mine.py", "mine/tool.py", "exectool/mine.py"])
def test_script__among_installed_packages_but_of_none__is_read(user: UserPython, site: Path, place: str) -> None:
    (site / place).parent.mkdir(exist_ok=True)
    (site / place).write_text(TOOL)

    assert analyze(user, site / place, "-")[0]["modules"] == ["numpy", "pandas"]


def test_script__in_a_project_with_its_metadata_beside_it__is_read(user: UserPython) -> None:
    """As `pip install -e` leaves it."""
    package = user.folder / "project/src/mine"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "tool.py").write_text(TOOL)
    (package.parent / "mine.egg-info").mkdir()
    (package.parent / "mine.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")

    assert analyze(user, package / "tool.py", "-")[0]["modules"] == ["numpy", "pandas"]


def test_script__on_standard_input__is_read_wherever_it_is_said(user: UserPython, site: Path) -> None:
    assert analyze(user, "-", "-", stdin=TOOL, cwd=site / "exectool")[0]["modules"] == ["numpy", "pandas"]
