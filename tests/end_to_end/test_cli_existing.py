"""python_package_create with an environment that exists, as poncho's users call it: it is packed as it is."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import uv
from desk import Desk, make_desk, one_line
from user_python import BACKEND

WRAPPER = Path(__file__).parents[2] / "python_package" / "run" / "python_package_run"


@pytest.fixture
def made(desk: Desk) -> Desk:
    """Return a desk with the environment `env`."""
    done = desk.create(modules=("idna",))
    assert done.returncode == 0, done.stderr
    return desk


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, channel: Path, caches: dict[str, str]) -> Desk:
    """Return such a desk for the tests that change nothing on it."""
    desk = make_desk(tmp_path_factory.mktemp("shared"), channel, caches)
    assert desk.create(modules=("idna",)).returncode == 0
    return desk


def state(prefix: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return what would tell a change: of each path the inode, the time and the content."""
    return {
        str(path): (
            path.lstat().st_ino,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() and not path.is_symlink() else b"",
        )
        for path in (prefix, *prefix.rglob("*"))
    }


def run(tarball: Path, *command: str) -> str:
    """Run a command on a worker that has nothing but the tarball."""
    home = tarball.parent / "worker"
    home.mkdir(exist_ok=True)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    argv = [str(WRAPPER), "-e", str(tarball), "--", *command]
    done = subprocess.run(argv, cwd=home, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("how", ["name", "folder", "relative", "elsewhere"])
def test_existing__by_name_or_folder__is_packed_and_not_changed(shared: Desk, tmp_path: Path, how: str) -> None:
    prefix = shared.envs / "env"
    before = state(prefix)
    named = {"name": "env", "folder": str(prefix), "relative": f"../home/{prefix.relative_to(shared.home)}/"}
    extra = (
        {"CONDA_ENVS_PATH": f"{tmp_path}/nowhere:{shared.envs}", "HOME": str(tmp_path)} if how == "elsewhere" else {}
    )

    done = shared.run(named.get(how, "env"), "out.tar.gz", **extra)

    assert done.returncode == 0, done.stderr
    assert "out.tar.gz (" in one_line(done.stderr)
    assert state(prefix) == before
    # The name under which it was made is no part of it.
    assert (shared.cwd / "out.tar.gz").read_bytes() == (shared.cwd / "env.tar.gz").read_bytes()


def test_existing__changed_since_it_was_made__runs_as_it_is_now(made: Desk) -> None:
    prefix = made.envs / "env"
    install = [str(prefix / "bin/python"), "-m", "pip", "install", "-q", "onlypypi"]
    added = made.create(modules=("idna", "pip"))
    assert added.returncode == 0, added.stderr
    subprocess.run(install, env={**made.environ, "PIP_ROOT_USER_ACTION": "ignore"}, check=True, timeout=120)
    shutil.move(made.envs, made.home / "their envs")
    moved = made.home / "their envs" / "env"  # as with `mv`: nothing in it knows

    done = made.run("-q", str(moved), "out.tar.gz")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"python_package_create: note: the lock file in {moved} no longer says what is packed: "
        "onlypypi (PyPI): none, now 1.0\n"
    )
    shutil.move(moved, made.home / "out of reach")
    assert run(made.cwd / "out.tar.gz", "python3", "-c", "import idna, onlypypi; print(onlypypi.ANSWER)") == "42\n"


def test_existing__through_a_link__runs_where_its_scripts_would_not_be_found(made: Desk, tmp_path: Path) -> None:
    """As where /home is a link: the scripts of what pip has installed have one of the two paths."""
    added = made.create(modules=("idna", "onlypypi"))
    assert added.returncode == 0, added.stderr
    (tmp_path / "linked").symlink_to(made.home)

    done = made.run("-q", "env", "out.tar.gz", CONDA_ENVS_PATH=str(tmp_path / "linked/.conda/envs"))

    assert (done.returncode, done.stderr) == (0, "")
    made.home.rename(tmp_path / "out of reach")
    assert run(made.cwd / "out.tar.gz", "sh", "-c", "onlypypi-tool; echo $?") == f"{(42).bit_length()}\n"


def test_existing__base__is_the_installed_conda(made: Desk) -> None:
    """Its pkgs and envs are left out."""
    base = made.envs / "env"
    for place in ("pkgs/idna-1", "envs/other/conda-meta"):
        (base / place).mkdir(parents=True)
        (base / place / "big").touch()

    done = made.run("-q", "base", "out.tar.gz", CONDA_EXE=str(base / "bin/conda"))

    assert (done.returncode, done.stderr) == (0, "")
    names = subprocess.run(["tar", "tzf", made.cwd / "out.tar.gz"], capture_output=True, text=True, check=True).stdout
    assert "bin/python\n" in names
    assert "/big\n" not in names


def test_existing__file_of_that_name__wins(made: Desk) -> None:
    (made.cwd / "env").write_text((made.cwd / "deps.json").read_text())
    (made.envs / "env" / "lib" / "left-by-somebody").touch()

    done = made.run("-q", "-c", str(made.channel), "env", "out.tar.gz")

    assert (done.returncode, done.stderr) == (0, "")
    assert (made.cwd / "out.tar.gz").read_bytes() == (made.cwd / "env.tar.gz").read_bytes()


def test_existing__folder_of_that_name_that_is_none__gives_way(made: Desk) -> None:
    (made.cwd / "env").mkdir()

    assert made.run("-q", "env", "out.tar.gz").returncode == 0


@pytest.mark.parametrize("name", ["nowhere", "nowhere.json", "./env", "some/env"])
def test_existing__neither_file_nor_folder_nor_environment__exits_2(desk: Desk, name: str) -> None:
    done = desk.run(name, "out.tar.gz")

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert f"{name}: no such file or directory; expected a dependency file, or a Conda environment" in done.stderr
    assert str(desk.envs) in done.stderr
    assert not (desk.cwd / "out.tar.gz").exists()


def test_existing__no_name_at_all__exits_2(desk: Desk) -> None:
    done = desk.run("", "out.tar.gz")

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_existing__without_a_tarballs_name__is_a_dependency_file(shared: Desk) -> None:
    for name in ("env", str(shared.envs / "env")):
        done = shared.run(name, "other")
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "expected a dependency file" in done.stderr


@pytest.mark.parametrize(
    "option",
    [["--lock", "a.lock"], ["--sbom", "a.json"], ["-c", "here"], ["--exact"], ["--map=a=b"], ["--dry-run"],
     ["--interpreter=host"], ["--strict-names"]],
)  # fmt: skip
def test_existing__option_that_would_have_no_effect__exits_1(desk: Desk, option: list[str]) -> None:
    (desk.envs / "env" / "conda-meta").mkdir(parents=True)

    done = desk.run(*option, "env", "out.tar.gz")

    assert (done.returncode, done.stdout) == (1, "")
    assert "packed as it is" in one_line(done.stderr)
    assert sorted(path.name for path in desk.cwd.iterdir()) == []


# ---- What cannot be packed


def refused(desk: Desk, what: str, *options: str) -> str:
    """Return the one line that says why an environment is not packed; what was there before stays."""
    (desk.cwd / "out.tar.gz").write_text("old")
    done = desk.run("-q", *options, what, "out.tar.gz")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (7, "", 1)
    assert (desk.cwd / "out.tar.gz").read_text() == "old"
    assert not [path.name for path in desk.cwd.iterdir() if path.name.endswith(".new")]
    return one_line(done.stderr)


def test_existing__folder_that_is_no_environment__exits_7(desk: Desk) -> None:
    (desk.cwd / "project").mkdir()

    assert str(desk.cwd / "project") in refused(desk, "project")


def test_existing__environment_without_python__exits_7(desk: Desk) -> None:
    (desk.envs / "r" / "conda-meta").mkdir(parents=True)
    (desk.envs / "r" / "conda-meta" / "history").touch()

    assert "no bin/python" in refused(desk, "r")
    assert "no bin/python" in refused(desk, "r", "--no-check")


def test_existing__file_of_a_package_deleted__exits_7(made: Desk) -> None:
    next((made.envs / "env").glob("lib/python3*/site-packages/idna/core.py")).unlink()

    assert "idna" in refused(made, "env")


def test_existing__editable_project__exits_7(made: Desk) -> None:
    project = made.home / "project"
    (project / "src").mkdir(parents=True)
    (project / "backend.py").write_text(BACKEND)
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "edited"\nversion = "1.0"\n'
    )
    python = str(made.envs / "env/bin/python")
    argv = [uv.find_uv_bin(), "pip", "install", "-q", "--offline", "--python", python, "-e", str(project)]
    subprocess.run(argv, env=made.environ, check=True, timeout=120)

    line = refused(made, "env")
    assert "editable mode: edited; install them as ordinary packages" in line


def test_existing__output_that_cannot_be_written__exits_7(shared: Desk) -> None:
    done = shared.run("-q", "env", "/proc/out.tar.gz")

    assert (done.returncode, len(done.stderr.splitlines())) == (7, 1)
    assert "/proc" in done.stderr


def test_existing__activation_script_that_is_broken__exits_6(made: Desk) -> None:
    (made.envs / "env" / "etc/conda/activate.d").mkdir(parents=True, exist_ok=True)
    (made.envs / "env" / "etc/conda/activate.d" / "broken.sh").write_text("if\n")

    done = made.run("-q", "env", "out.tar.gz")

    assert (done.returncode, done.stdout) == (6, "")
    assert "activate.d" in one_line(done.stderr)
    assert not (made.cwd / "out.tar.gz").exists()
    assert made.run("-q", "--no-check", "env", "out.tar.gz").returncode == 0


def test_existing__lock_file_that_is_none__is_a_note(made: Desk) -> None:
    (made.envs / "env/conda-meta/python-package.lock").write_text("{")

    done = made.run("-q", "env", "out.tar.gz")

    assert (done.returncode, done.stdout) == (0, "")
    assert "note: the lock file in" in one_line(done.stderr)


def test_existing__no_links__the_tarball_has_none(made: Desk) -> None:
    """The option was passed over without a word."""
    done = made.run("-q", "--no-links", str(made.envs / "env"), "out.tar.gz")

    assert (done.returncode, done.stderr) == (0, "")
    with tarfile.open(made.cwd / "out.tar.gz") as archive:
        assert {entry.type for entry in archive} <= {tarfile.REGTYPE, tarfile.DIRTYPE}


def test_existing__self_contained__exits_1(made: Desk) -> None:
    done = made.run("--self-contained", str(made.envs / "env"), "out.tar.gz")

    assert done.returncode == 1
    assert "--self-contained has no meaning with" in done.stderr
