"""PyPI's part of an environment that is for another machine: chosen by its tags, put in place without its python."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from other_platform import write_foreign_python
from own_project import write_project
from wheels import write_wheel

from python_package.create import install
from python_package.create.requirements import Wanted
from python_package.create.stand_in import StandIn
from python_package.errors import SolveError
from python_package.import_names.package import Package
from python_package.lock import CondaPackage
from python_package.programs import Programs
from python_package.progress import Clock, Silent
from python_package.pypi import local_wheel, wheel
from python_package.pypi.direct_url import Project
from python_package.pypi.resolution import Destination, resolve
from python_package.pypi.uv_pip import Installer
from python_package.spec import Spec
from python_package.target import Target, of_platform

GRACE = of_platform("linux-aarch64")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is the only index."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


def write_odd_wheel(index: Path, tag: str = "py3-none-any") -> Path:
    """Write a wheel that has something for each place of an environment."""
    files: dict[str, str | bytes] = {
        "odd/__init__.py": "def main():\n    pass\n",
        "odd/data.bin": b"\0\xff",
        "odd-1.0.data/scripts/told": "#!python\nprint('told')\n",
        "odd-1.0.data/scripts/shell": "#!/bin/sh\necho shell\n",
        "odd-1.0.data/data/share/odd/text": "text\n",
        "odd-1.0.data/headers/odd.h": "int odd;\n",
        "odd-1.0.data/purelib/oddly.py": "",
    }
    return write_wheel(index, "odd", files, entry_points="[console_scripts]\nodd = odd:main\n", tag=tag)


def tree(prefix: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and the content of each file."""
    files = (path for path in prefix.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(prefix)): (path.stat().st_mode, path.read_bytes()) for path in files}


# ---- Which files


@pytest.mark.parametrize(
    ("machine", "version"),
    [
        (Target("linux-64", glibc=(2, 28)), "1.0"),
        (Target("linux-64", glibc=(2, 33)), "1.0"),
        (Target("linux-64", glibc=(2, 34)), "2.0"),
        (Target("linux-aarch64", glibc=(2, 28)), "1.5"),
    ],
)
def test_resolve__for_a_machine__takes_the_newest_that_runs_there(index: Path, machine: Target, version: str) -> None:
    for number, tag in (("1.0", "2_28_x86_64"), ("2.0", "2_34_x86_64"), ("1.5", "2_17_aarch64")):
        write_wheel(index, "fast", {"fast.py": ""}, version=number, tag=f"cp312-cp312-manylinux_{tag}")
    (found,) = resolve([], ["fast"], Destination("3.12.1", "cp312", {}, machine=machine))
    assert found.version == version


def test_resolve__one_version_for_several_machines__takes_the_file_for_just_that_glibc(index: Path) -> None:
    for tag in ("2_17_x86_64", "2_28_x86_64", "2_34_x86_64", "2_34_aarch64"):
        write_wheel(index, "fast", {"fast.py": ""}, tag=f"cp312-cp312-manylinux_{tag}")
    (found,) = resolve([], ["fast"], Destination("3.12.1", "cp312", {}, machine=Target("linux-64", glibc=(2, 30))))
    assert found.location.endswith("manylinux_2_28_x86_64.whl")


def test_resolve__marker_of_the_machine__is_true_there(index: Path) -> None:
    write_wheel(index, "arm", {})
    write_wheel(index, "intel", {})
    needs = ("arm; platform_machine == 'aarch64'", "intel; platform_machine == 'x86_64'")
    write_wheel(index, "both", {}, requires=needs)
    found = resolve([], ["both"], Destination("3.12.1", "cp312", {}, machine=GRACE))
    assert [each.name for each in found] == ["arm", "both"]


# ---- Where they go


@pytest.mark.parametrize("folder", ["short", "a" * 130, "with a space"])
def test_install__by_a_stand_in__is_what_the_environments_own_python_does(
    channel: Path, install: Callable[[Path, Path, list[str]], Path], index: Path, tmp_path: Path, folder: str
) -> None:
    write_odd_wheel(index)
    write_wheel(index, "fast", {"fast.py": ""}, tag="py3-none-manylinux_2_17_x86_64")
    prefix, empty = tmp_path / folder / "env", tmp_path / "empty"
    install(prefix, channel, ["python"])
    shutil.copytree(prefix, empty, symlinks=True)
    before = set(tree(prefix))
    made = Installer(prefix).install(["odd", "fast"])
    native = {name: file for name, file in tree(prefix).items() if name not in before}
    shutil.rmtree(prefix)
    empty.rename(prefix)
    assert Installer(prefix, machine=of_platform("linux-64"), stand_in=sys.executable).install(["odd", "fast"]) == made
    found = {name: file for name, file in tree(prefix).items() if name not in before}
    assert found == native
    assert {name for name in found if name.startswith("bin/")} == {"bin/odd", "bin/told", "bin/shell"}


def test_install__by_a_stand_in_of_another_minor_version__puts_all_in_that_of_the_environment(
    index: Path, tmp_path: Path
) -> None:
    write_odd_wheel(index, "cp313-cp313-manylinux_2_17_aarch64")
    prefix = write_foreign_python(tmp_path / "env", "3.13.2")
    Installer(prefix, machine=GRACE, stand_in=sys.executable).install(["odd"])
    info = "lib/python3.13/site-packages/odd-1.0.dist-info"
    lines = wheel.read_record(prefix, info)
    places = {line.path for line in lines}
    assert {"include/python3.13/odd/odd.h", "lib/python3.13/site-packages/oddly.py", "share/odd/text"} < places
    for line in lines:
        data = (prefix / line.path).read_bytes()
        assert line.path == f"{info}/RECORD" or (line.sha256, line.size) == (sha256(data).hexdigest(), len(data))
    assert (prefix / "bin/told").read_text() == f"#!{prefix}/bin/python\nprint('told')\n"
    assert [path.name for path in (prefix / "lib").iterdir()] == ["python3.13"]
    assert not list(prefix.glob(".*"))


def test_install__from_a_lock_by_a_stand_in__takes_a_file_that_this_machine_would_not(
    index: Path, tmp_path: Path
) -> None:
    prefix = write_foreign_python(tmp_path / "first")
    write_odd_wheel(index, "cp312-cp312-manylinux_2_36_aarch64")
    installer = Installer(prefix, machine=Target("linux-aarch64", glibc=(2, 37)), stand_in=sys.executable)
    made = installer.install(["odd"])
    again = write_foreign_python(tmp_path / "again")
    Installer(again, machine=installer.machine, stand_in=sys.executable).install_locked(made)
    assert set(tree(again)) == set(tree(prefix))


def test_install__sources_that_become_a_pure_wheel__are_built_here(tmp_path: Path, index: Path) -> None:
    project = write_project(index.parent / "mine")
    prefix = write_foreign_python(tmp_path / "env")
    Installer(prefix, machine=GRACE, stand_in=sys.executable).install([f"mine @ {project.as_uri()}"])
    assert (prefix / "lib/python3.12/site-packages/mine.py").read_text() == "ANSWER = 42\n"


@pytest.mark.usefixtures("index")
def test_install__sources_that_have_to_be_compiled__are_refused(tmp_path: Path) -> None:
    prefix = write_foreign_python(tmp_path / "env")
    with pytest.raises(SolveError) as raised:
        Installer(prefix, machine=GRACE, stand_in=sys.executable).install([f"mine @ {compiled(tmp_path).as_uri()}"])
    assert str(raised.value) == (
        "mine has no wheel for Linux aarch64, and what its sources become here is for this machine alone "
        "(mine-1.2-cp312-cp312-linux_x86_64.whl); build its wheel on such a machine and put it into a folder "
        "that PIP_FIND_LINKS names, or ask for a version that has one"
    )
    assert {path.name for path in prefix.iterdir()} == {"bin", "conda-meta", "lib"}


@pytest.mark.usefixtures("index")
def test_install__sources_that_cannot_be_built__says_that_no_wheel_is_for_that_platform(tmp_path: Path) -> None:
    project = write_project(tmp_path / "mine")
    (project / "hook.py").write_text("raise SystemExit('no compiler for you')\n")
    installer = Installer(write_foreign_python(tmp_path / "env"), machine=GRACE, stand_in=sys.executable)
    with pytest.raises(
        SolveError, match=r"\(mine: no wheel for linux-aarch64, and only pure sources can be built here\)"
    ):
        installer.install([f"mine @ {project.as_uri()}"])


def compiled(folder: Path) -> Path:
    """Write a project whose wheel is for this machine."""
    project = write_project(folder / "mine")
    backend = project / "backend.py"
    backend.write_text(backend.read_text().replace("py3-none-any", "cp312-cp312-linux_x86_64"))
    return project


# ---- The user's own


def plan() -> Any:
    python = CondaPackage("python", "3.12.1", "h0_0", "", None, ())
    from python_package.conda.solver import Channels, Solution
    from python_package.create.solve import Plan

    return Plan(Channels([]), Solution((python,), ()))


@pytest.mark.usefixtures("index")
def test_gather__project_that_is_compiled__is_refused_for_another_platform(tmp_path: Path) -> None:
    project = Project("mine", "1.2", compiled(tmp_path).as_uri())
    wanted = Wanted((), ((Package("mine", "mine", ("mine",), "", ""), project),), {})
    spec, clock, here = Spec("3.12.1", ("mine",)), Clock(Silent()), Path(sys.executable)
    with pytest.raises(
        SolveError, match=r"mine-1\.2-cp312-cp312-linux_x86_64\.whl is not for linux-aarch64 with glibc"
    ):
        install.gather(spec, plan(), wanted, here, clock, machine=GRACE)
    found = install.gather(spec, plan(), wanted, here, clock, machine=of_platform("linux-64"))
    assert len(found.must) == 1


@pytest.mark.usefixtures("index")
def test_local_modules__compiled_for_this_platform__are_refused_for_another(tmp_path: Path) -> None:
    module = tmp_path / "mine"
    module.mkdir()
    (module / "__init__.py").write_text("")
    shutil.copy(sys.executable, module / "_fast.so")
    local = (("mine", str(module)),)
    files = local_wheel.members(local)[0]
    spec = Spec("3.12.1", ("mine",), local=local)
    with pytest.raises(
        SolveError, match=rf"{module}/_fast\.so is compiled for linux-64, and the environment is for linux"
    ):
        install.local_modules(spec, Wanted((), files=files), tmp_path / "site", "3.12.1", GRACE)
    made = install.local_modules(spec, Wanted((), files=files), tmp_path / "site", "3.12.1", of_platform("linux-64"))
    assert made.name == "python-package-local"


# ---- Who stands in


def test_stand_in__environment_of_another_platform__is_an_interpreter_of_this_machine(tmp_path: Path) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    here = StandIn(Programs(write_foreign_python(tmp_path, version), GRACE))
    assert here.compiled_by is not None
    assert (here.compiled_by.identity, here.uv((), offline=False).stand_in) == (version, here.compiled_by.python)


def test_stand_in__version_that_no_interpreter_here_has__compiles_nothing_and_installs_all_the_same(
    tmp_path: Path,
) -> None:
    here = StandIn(Programs(write_foreign_python(tmp_path, "3.99.0"), GRACE))
    assert here.compiled_by is not None
    assert (here.compiled_by.python, here.uv((), offline=False).stand_in) == ("", sys.executable)


def test_stand_in__free_threaded_python_without_one_here__is_refused(tmp_path: Path) -> None:
    prefix = write_foreign_python(tmp_path, "3.99.0")
    (prefix / "lib/python3.99t").mkdir()
    with pytest.raises(SolveError, match=r"free-threaded \(cp399t\)"):
        StandIn(Programs(prefix, GRACE)).uv((), offline=False)


def test_stand_in__environment_of_this_platform__is_not_needed(tmp_path: Path) -> None:
    here = StandIn(Programs(tmp_path))
    assert (here.needed, here.compiled_by, here.uv((), offline=True).stand_in) == (False, None, "")
