"""What no index has travels: projects installed from a folder, the user's own modules and their data."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from desk import OURS, Desk, one_line
from own_project import write_project
from uv import find_uv_bin

from python_package.pypi.local_wheel import NAME

WRAPPER = Path(__file__).parents[2] / "python_package" / "run" / "python_package_run"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a project, installed editable in an interpreter of its own, and local modules."""
    place = tmp_path_factory.mktemp("own")
    write_project(place / "mine", more="Requires-Dist: onlypypi==0.9\n")
    venv.create(place / "venv", symlinks=True)
    argv = [find_uv_bin(), "pip", "install", "--offline", "--no-deps", "--python", str(place / "venv")]
    subprocess.run([*argv, "-e", str(place / "mine")], check=True, capture_output=True)
    (place / "pkg").mkdir()
    (place / "pkg" / "__init__.py").write_text(
        "import pathlib\nTEXT = (pathlib.Path(__file__).parent / 'data.txt').read_text()\n"
    )
    (place / "pkg" / "data.txt").write_text("some data")
    (place / "helper.py").write_text("import sys\nsys.exit('a script, which must not run')\n")
    (place / "outside").symlink_to("/")
    (place / "pkg" / "away").symlink_to("/etc/hostname")
    return place


def run(desk: Desk, place: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return desk.run("-c", str(desk.channel), *OURS, *argv, PATH=f"{place}/venv/bin:{desk.environ['PATH']}")


def test_create__editable_project_and_local_modules__run_on_a_worker_without_their_folders(
    desk: Desk, place: Path, tmp_path: Path
) -> None:
    local = {"pkg": str(place / "pkg"), "helper": str(place / "helper.py")}
    pin = {"package": "mine", "version": "1.2", "source": "editable", "url": (place / "mine").as_uri()}
    spec = desk.spec("idna", "mine", pins={"mine": pin}, local=local)
    done = run(desk, place, spec, "env")
    assert done.returncode == 0, done.stderr
    assert f"note: {place}/pkg/away: points out of its package, and is left out" in done.stderr
    worker = tmp_path / "worker"
    worker.mkdir()
    (desk.cwd / "env.tar.gz").rename(worker / "env.tar.gz")
    (desk.envs / "env").rename(tmp_path / "out of reach")
    (place / "mine").rename(place / "moved")
    task = (
        "import mine, onlypypi, pkg, importlib.util as u;"
        "print(mine.ANSWER, onlypypi.ANSWER, pkg.TEXT, u.find_spec('helper') is not None, mine.__file__)"
    )
    try:
        done = subprocess.run(
            [WRAPPER, "env", f'python3 -c "{task}"'],
            cwd=worker,
            env={"PATH": "/usr/bin:/bin", "HOME": str(worker)},
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        (place / "moved").rename(place / "mine")
    assert done.stdout.startswith("42 41 some data True /"), done.stderr
    # Debian's python3 calls them dist-packages.
    assert re.search(r"/envs/[^ ]*/(site|dist)-packages/mine\.py$", done.stdout.strip())


def test_create__same_projects_and_modules_in_another_home__gives_the_same_tarball(
    desk: Desk, place: Path, tmp_path: Path
) -> None:
    spec = desk.spec("mine", local={"pkg": str(place / "pkg")})
    tarballs = []
    for home in ("one", "two"):
        (tmp_path / home).mkdir()
        environ = {"HOME": str(tmp_path / home), "XDG_CACHE_HOME": str(tmp_path / home / "cache")}
        path = f"{place}/venv/bin:{desk.environ['PATH']}"
        done = desk.run("-c", str(desk.channel), *OURS, spec, f"{tmp_path}/{home}.tar.gz", **environ, PATH=path)
        assert done.returncode == 0, done.stderr
        tarballs.append((tmp_path / f"{home}.tar.gz").read_bytes())
    assert tarballs[0] == tarballs[1]


@pytest.mark.network  # for setuptools
@pytest.mark.skipif(
    not shutil.which("gcc") and os.environ.get("CI") != "true", reason="no C compiler; CI must have one"
)
def test_create__project_in_c_in_another_home__gives_the_same_tarball_which_names_no_folder_of_ours(
    desk: Desk, tmp_path: Path
) -> None:
    project = tmp_path / "inc"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools>=75"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "inc"\nversion = "1"\n'
        '[tool.setuptools]\next-modules = [{name = "inc", sources = ["inc.c"]}]\n'
    )
    (project / "inc.c").write_text(
        '#include <Python.h>\nstatic struct PyModuleDef it = {PyModuleDef_HEAD_INIT, "inc", NULL, -1, NULL};\n'
        "PyMODINIT_FUNC PyInit_inc(void) { return PyModule_Create(&it); }\n"
    )
    pin = {"package": "inc", "version": "1", "source": "editable", "url": project.as_uri()}
    spec = desk.spec("inc", pins={"inc": pin})
    tarballs = []
    for home in ("one", "a second"):
        (tmp_path / home).mkdir()
        environ = {"HOME": str(tmp_path / home), "XDG_CACHE_HOME": str(tmp_path / home / "cache")}
        # The build needs setuptools: the machine's own way to PyPI, not the desk's.
        machine = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        index = {"PIP_NO_INDEX": "0", "PIP_CONFIG_FILE": "", **machine}
        done = desk.run("-c", str(desk.channel), spec, home[-3:], **environ, **index)
        assert done.returncode == 0, done.stderr
        tarballs.append((desk.cwd / f"{home[-3:]}.tar.gz").read_bytes())
        (module,) = (tmp_path / home / ".conda" / "envs" / home[-3:]).glob("lib/*/site-packages/inc.*.so")
        assert os.fsencode(tmp_path) not in module.read_bytes()
    assert tarballs[0] == tarballs[1]
    assert sorted(path.name for path in project.iterdir()) == ["inc.c", "pyproject.toml"]


def test_create__project_cannot_be_built__exits_4_and_says_why(desk: Desk, place: Path) -> None:
    (place / "mine" / "hook.py").write_text("raise SystemExit('no compiler for you')\n")
    try:
        done = run(desk, place, desk.spec("mine"), "env")
    finally:
        (place / "mine" / "hook.py").write_text("")
    assert done.returncode == 4, done.stderr
    assert one_line(done.stderr) == (
        f"python_package_create: mine: its project {place}/mine cannot be built into a wheel: no compiler for you"
    )
    assert not (desk.envs / "env").exists()


def test_create__optional_project_cannot_be_built__is_left_out_and_said(desk: Desk, place: Path) -> None:
    (place / "mine" / "hook.py").write_text("raise SystemExit('no compiler for you')\n")
    try:
        done = run(desk, place, desk.spec("mine", optional=["mine"]), "env")
    finally:
        (place / "mine" / "hook.py").write_text("")
    assert done.returncode == 0, done.stderr
    assert "note: mine: optional, and left out: mine: its project" in done.stderr


def test_create__local_module_has_the_name_of_an_installed_one__exits_4(desk: Desk, place: Path) -> None:
    (place / "idna.py").touch()
    done = run(desk, place, desk.spec("idna", local={"idna": str(place / "idna.py")}), "env")
    assert done.returncode == 4, done.stderr
    assert "the local module idna" in one_line(done.stderr)
    assert "has the name of one of idna in the environment" in one_line(done.stderr)


def test_create__local_module_has_the_name_of_pythons_own__exits_4(desk: Desk, place: Path) -> None:
    (place / "json.py").touch()
    done = run(desk, place, desk.spec(local={"json": str(place / "json.py")}), "env")
    assert done.returncode == 4, done.stderr
    assert "has the name of one of Python's own" in one_line(done.stderr)


def test_create__local_module_is_gone__exits_3_before_anything_is_linked(desk: Desk, place: Path) -> None:
    done = run(desk, place, desk.spec(local={"gone": str(place / "gone.py")}), "env")
    assert done.returncode == 3, done.stderr
    assert f"local module gone: {place}/gone.py does not exist" in one_line(done.stderr)
    assert "create: link" not in done.stderr


def test_create__only_local_modules__the_environment_has_their_distribution(desk: Desk, place: Path) -> None:
    done = run(desk, place, "--offline", desk.spec(local={"pkg": str(place / "pkg")}), "env")
    assert done.returncode == 0, done.stderr
    site = desk.envs / "env" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    assert [path.name.partition("-")[0] for path in site.glob(f"{NAME.replace('-', '_')}*")] == ["python_package_local"]
