"""create for a platform whose programs do not run here: a python of it that is only a header, and PyPI's wheels."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from desk import PYTHON, Desk, make_desk, one_line
from other_platform import aarch64_python
from own_project import write_project
from wheels import write_wheel

from python_package.conda.records import PLATFORM, index_channel
from python_package.host_python import conda_package
from python_package.pack import read

pytestmark = pytest.mark.skipif(PLATFORM != "linux-64", reason="aarch64 would be of this machine")

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
SITE = f"lib/python{MINOR}/site-packages"


@pytest.fixture(scope="module")
def grace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a channel with a python of aarch64, and a package with a post-link script."""
    root = tmp_path_factory.mktemp("grace")
    stage = root / "python"
    files = {
        f"lib/python{MINOR}/os.py": b"NAME = 'os'\n",
        "lib/libpython.so": aarch64_python(),
        f"bin/python{MINOR}": aarch64_python(),
    }
    for path, data in files.items():
        (stage / path).parent.mkdir(parents=True, exist_ok=True)
        (stage / path).write_bytes(data)
    (stage / f"bin/python{MINOR}").chmod(0o755)
    (stage / "bin/python").symlink_to(f"python{MINOR}")
    (stage / SITE).mkdir()
    (stage / SITE / "README.txt").write_text("third-party packages\n")
    write(stage, root, {"name": "python", "version": PYTHON, "build": "h0_cpython", "depends": ["__glibc >=2.17"]})
    stage = root / "tool"
    (stage / "bin").mkdir(parents=True)
    (stage / "bin/.tool-post-link.sh").write_text('#!/bin/sh\n"$PREFIX/bin/python" -c 1 || exit 1\n')
    write(stage, root, {"name": "tool", "version": "1.0", "build": "0", "depends": ["python"]})
    index_channel(root / "channel")
    return root / "channel"


def write(stage: Path, root: Path, index: dict[str, object]) -> None:
    index = {"subdir": "linux-aarch64", **index}
    conda_package.write(stage, conda_package.scan(stage), root / "channel", index)


@pytest.fixture
def at(tmp_path: Path, grace: Path, caches: Mapping[str, str]) -> Desk:
    """Return a desk whose index has wheels for several machines, and sources."""
    desk = make_desk(tmp_path, grace, caches)
    index = Path(desk.environ["PIP_FIND_LINKS"])
    for tag in ("manylinux_2_17_aarch64", "manylinux_2_34_aarch64", "manylinux_2_17_x86_64"):
        tag = f"cp{MINOR.replace('.', '')}-cp{MINOR.replace('.', '')}-{tag}"
        script = {"fast-1.0.data/scripts/fast-sh": "#!python\nimport fast\n"}
        write_wheel(index, "fast", {"fast/__init__.py": "A = 1\n", "fast/tag.txt": tag, **script}, tag=tag)
    return desk


def made(
    desk: Desk, *argv: str, modules: tuple[str, ...] = ("fast",), **keys: object
) -> subprocess.CompletedProcess[str]:
    maps = [f"--map={name}={name}" for name in ("fast", "mine", "onlypypi") if name not in str(keys)]
    spec = desk.spec(*modules, **keys)  # type: ignore[arg-type]
    return desk.run("-c", str(desk.channel), "--target", "linux-aarch64", *maps, *argv, spec, "env")


def contents(desk: Desk) -> dict[str, bytes]:
    with tarfile.open(desk.cwd / "env.tar.gz") as archive:
        return {each.name: archive.extractfile(each).read() for each in archive if each.isfile()}  # type: ignore[union-attr]


def test_create__another_platform__is_made_of_what_runs_there_and_nothing_of_it_is_started(at: Desk) -> None:
    done = made(at, modules=("fast", "onlypypi"), packages=["conda:tool"])
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if "python of linux-aarch64" in line]
    why = "this machine cannot run python of linux-aarch64: "
    assert [line.partition(why)[0].removeprefix("python_package_create: note: ") for line in notes] == [
        "the post-link script of tool 1.0 is not run: ",
        "the modules are not imported before the tarball ships: ",
    ]
    files = contents(at)
    assert files[f"{SITE}/fast/tag.txt"].endswith(b"manylinux_2_17_aarch64")
    assert files["bin/fast-sh"].startswith(b"#!/bin/sh\n'''exec'")
    assert f"{SITE}/fast/__pycache__/__init__.cpython-{MINOR.replace('.', '')}.pyc" in files
    manifest = read(at.cwd / "env.tar.gz")
    assert (manifest.subdir, manifest.unchecked, manifest.python) == ("linux-aarch64", True, PYTHON)


def test_create__another_platform__has_the_compiled_files_and_commands_that_this_one_has(
    at: Desk, channel: Path, caches: Mapping[str, str], tmp_path: Path
) -> None:
    assert made(at, modules=("onlypypi",)).returncode == 0
    (tmp_path / "native").mkdir()
    native = make_desk(tmp_path / "native", channel, caches)
    assert native.create(modules=("onlypypi",)).returncode == 0
    (name,) = [name for name in contents(at) if name.endswith(".pyc") and "onlypypi" in name]
    for each in (name, "bin/onlypypi-tool"):
        assert contents(at)[each] == contents(native)[each]


def test_create__no_interpreter_of_that_version_here__leaves_modules_uncompiled_and_says_so(
    at: Desk, grace: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(grace.parent / "python", other / "stage", symlinks=True)
    (other / f"stage/lib/python{MINOR}").rename(other / "stage/lib/python3.99")
    write(other / "stage", other, {"name": "python", "version": "3.99.1", "build": "h0_cpython", "depends": []})
    index_channel(other / "channel")
    spec = at.spec("onlypypi", python="3.99.1")
    argv = ["-c", str(other / "channel"), "--target", "linux-aarch64", "--map=onlypypi=onlypypi", spec, "env"]
    done = at.run(*argv)
    assert done.returncode == 0, done.stderr
    assert (
        "the modules are not compiled, because this machine has no interpreter like python 3.99.1 (cp399)"
        in done.stderr
    )
    files = contents(at)
    assert "lib/python3.99/site-packages/onlypypi.py" in files
    assert not [name for name in files if name.endswith(".pyc")]


def test_create__check_is_required_and_cannot_be_made__exits_9_and_makes_nothing(at: Desk) -> None:
    done = made(at, "--require-check")
    assert done.returncode == 9
    assert "--require-check: " in one_line(done.stderr)
    assert at.state() == {}


@pytest.mark.parametrize(("option", "advice"), [("--slim", "add --no-check"), ("--check=true", "leave it out")])
def test_create__what_is_left_out_cannot_be_checked__exits_9_and_makes_nothing(
    at: Desk, option: str, advice: str
) -> None:
    done = made(at, option)
    assert done.returncode == 9
    assert f"{option.partition('=')[0]}: nothing can be checked here: " in one_line(done.stderr)
    assert advice in one_line(done.stderr)
    assert not (at.cwd / "env.tar.gz").exists()


def test_create__check_with_a_command__imports_with_it(at: Desk) -> None:
    """This machine's python plays the emulator: it is given the interpreter's path, and what that is to do."""
    emulator = at.cwd / "emulator"
    site = f'"$CONDA_PREFIX/{SITE}"'
    emulator.write_text(f'#!/bin/sh\necho "$2" >"{at.cwd}/told"\nshift 2\nexport PYTHONPATH={site}\n'
                        f'[ "$1" != -I ] || shift\nexec {sys.executable} "$@"\n')  # fmt: skip
    emulator.chmod(0o755)
    done = made(at, "--require-check", "--check-with", f"'{emulator}' --option", modules=("fast",))
    assert done.returncode == 0, done.stderr
    assert (at.cwd / "told").read_text().endswith("/bin/python\n")
    assert not read(at.cwd / "env.tar.gz").unchecked
    done = made(at, "--check-with", f"'{emulator}' --option", modules=("fast", "broken"))
    assert done.returncode in (4, 6)


def test_create__check_with_a_command_that_fails__says_what_it_said(at: Desk) -> None:
    done = made(at, "--check-with", "sh -c 'echo no such sysroot >&2; exit 3'")
    assert done.returncode == 6
    assert "fast (the interpreter exited with 3: no such sysroot)" in one_line(done.stderr)


def test_create__check_with_no_program__exits_1(at: Desk) -> None:
    done = made(at, "--check-with", "no-such-emulator -L /")
    assert (done.returncode, one_line(done.stderr)) == (
        1, "python_package_create: --check-with no-such-emulator: no such program, or it may not be run"
    )  # fmt: skip


def test_create__from_the_lock_of_another_platform__is_the_same_tarball(at: Desk) -> None:
    assert made(at, "--lock", "env.lock", modules=("fast", "onlypypi")).returncode == 0
    first = (at.cwd / "env.tar.gz").read_bytes()
    done = at.run("--locked", "env.lock", "-c", str(at.channel), "env")
    assert done.returncode == 0, done.stderr
    assert (at.cwd / "env.tar.gz").read_bytes() == first


def test_create__lock_and_bill_of_a_target__name_it_and_the_lock_is_for_no_other(at: Desk) -> None:
    assert made(at, "--no-check", "--lock", "env.lock", "--sbom", "env.json").returncode == 0
    root = json.loads((at.cwd / "env.json").read_text())["metadata"]["component"]
    facts = {each["name"].rpartition(":")[2]: each["value"] for each in root["properties"]}
    assert (facts["subdir"], facts["libc_version"], facts["microarchitecture"]) == ("linux-aarch64", "2.28", "aarch64")
    before = at.state()
    for argv, words in (
        (["--target", "linux-64"], "the lock is for another target than linux-64: subdir linux-aarch64, not linux-64,"),
        (["--target", "other.json"], "another target than other.json: glibc 2.28, not 2.31; leave the target out"),
    ):
        (at.cwd / "other.json").write_text('{"subdir": "linux-aarch64", "libc_version": "2.31"}')
        done = at.run(*argv, "--locked", "env.lock", "env")
        assert (done.returncode, words in one_line(done.stderr)) == (3, True), done.stderr
    assert at.state() == before


def test_create__environment_of_another_platform_that_exists__is_packed_unchecked(at: Desk) -> None:
    assert made(at).returncode == 0
    done = at.run("env", "again.tar.gz")
    assert done.returncode == 0, done.stderr
    assert "the modules are not imported before the tarball ships" in done.stderr
    manifest, first = read(at.cwd / "again.tar.gz"), read(at.cwd / "env.tar.gz")
    assert (manifest.unchecked, manifest.subdir, manifest.id) == (True, "linux-aarch64", first.id)


@pytest.mark.parametrize("kind", ["project", "sources"])
def test_create__what_has_to_be_compiled__exits_4_in_one_line(at: Desk, kind: str) -> None:
    project = write_project(at.cwd / "mine")
    backend = project / "backend.py"
    tag = f"cp{MINOR.replace('.', '')}-cp{MINOR.replace('.', '')}-linux_x86_64"
    backend.write_text(backend.read_text().replace("py3-none-any", tag))
    keys: dict[str, object] = {
        "pins": {"mine": {"package": "mine", "version": "1.2", "source": "editable", "url": project.as_uri()}}
    }
    if kind == "sources":
        with tarfile.open(Path(at.environ["PIP_FIND_LINKS"]) / "mine-1.2.tar.gz", "w:gz") as archive:
            archive.add(project, "mine-1.2")
        keys = {}
    done = made(at, modules=("mine",), **keys)
    assert done.returncode == 4, done.stderr
    assert f"mine-1.2-{tag}" in one_line(done.stderr)
    assert at.state() == {}
