"""What is to be installed beside what was solved: of PyPI, and of the user's own projects."""

from __future__ import annotations

import os
import platform
import sys
import venv
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from own_project import write_project
from wheels import write_wheel

from python_package.create import install
from python_package.create.install import Asked, gather
from python_package.create.requirements import Assigned, Wanted
from python_package.errors import SolveError
from python_package.import_names.package import Package
from python_package.progress import Clock, Silent
from python_package.pypi.direct_url import Project
from python_package.pypi.uv_pip import Installer
from python_package.spec import Spec

PYTHON = Path(sys.executable)
CLOCK = Clock(Silent())


def plan(*assigned: Assigned) -> Any:
    solution = SimpleNamespace(specs=(), packages=())
    channels = SimpleNamespace(urls=(), platform="linux-64")
    return SimpleNamespace(
        assigned=assigned, dropped=(), locked=None, solution=solution, channels=channels, target=None
    )


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    """Return a project with an extra, which needs another from a folder and one from a repository."""
    mine = Project(
        "mine", "1.2", write_project(tmp_path / "mine", "Requires-Dist: near\nRequires-Dist: far\n").as_uri()
    )
    near = Project("near", "1.0", write_wheel(tmp_path, "near", {}).as_uri())
    far = Project("far", "1.0", "https://host/far", vcs="git", commit="abc")
    package = Package("mine", "mine", ("mine",), "", "", extras="[more]")
    return Wanted((), ((package, mine),), {"near": near, "far": far, "other": near})


def names(asked: Asked) -> tuple[list[str], list[str]]:
    return [each.partition(" @ ")[0] for each in asked.must], [each.partition(" @ ")[0] for each in asked.wishes]


def test_gather__project__brings_what_it_needs_from_elsewhere_than_an_index(wanted: Wanted) -> None:
    solved = plan(Assigned(Package("a", "a", ("a",), "", ""), requirement="a"))
    asked = gather(Spec("3.11.7", ("a", "mine")), solved, wanted, PYTHON, CLOCK)
    assert names(asked) == (["a", "far", "mine[more]", "near"], [])
    assert "far @ git+https://host/far@abc" in asked.must


def test_gather__optional_project__is_only_a_wish_with_its_extras(wanted: Wanted) -> None:
    asked = gather(Spec("3.11.7", ("mine",), optional=("mine",)), plan(), wanted, PYTHON, CLOCK)
    assert names(asked) == (["far", "near"], ["mine[more]"])
    assert asked.of_modules == (("mine", asked.wishes[0]),)


def test_gather__project_from_a_repository__is_referred_to(wanted: Wanted) -> None:
    package = Package("far", "far", ("far",), "", "", extras="[x]")
    remote = Wanted((), ((package, wanted.nearby["far"]),), wanted.nearby)
    asked = gather(Spec("3.11.7", ("far",)), plan(), remote, PYTHON, CLOCK)
    assert asked.must == ("far[x] @ git+https://host/far@abc",)


def test_gather__optional_project_cannot_be_built__says_why(wanted: Wanted, tmp_path: Path) -> None:
    (tmp_path / "mine" / "hook.py").write_text("raise SystemExit('no compiler for you')\n")
    asked = gather(Spec("3.11.7", ("mine",), optional=("mine",)), plan(), wanted, PYTHON, CLOCK)
    assert names(asked) == ([], [])
    assert asked.failed["mine"].endswith("no compiler for you")
    with pytest.raises(SolveError, match="no compiler for you"):
        gather(Spec("3.11.7", ("mine",)), plan(), wanted, PYTHON, CLOCK)


def test_gather__same_requirement_for_a_required_and_an_optional_module__must_be_had() -> None:
    solved = plan(*(Assigned(Package(name, "a", ("a",), "", ""), requirement="a") for name in ("one", "two")))
    asked = gather(Spec("3.11.7", ("one", "two"), optional=("two",)), solved, Wanted(()), PYTHON, CLOCK)
    assert (asked.must, asked.wishes) == (("a",), ())


@pytest.mark.parametrize("part", ["WHEEL", "RECORD"])
def test_install__optional_one_breaks_halfway__leaves_just_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """uv links several wheels at once: of what it had linked when one failed, the lock would know nothing."""
    prefix = tmp_path / "prefix"
    venv.create(prefix, with_pip=False)
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / f"python-{platform.python_version()}-h0.json").write_text("{}")
    for name in ("good", "fine", "bad"):
        wheel = write_wheel(tmp_path / "index", name, {f"{name}/__init__.py": ""})
    without(wheel, part)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    spec = Spec("3.11.7", ("good", "bad", "fine"), optional=("bad", "fine"))
    solved = plan(*(Assigned(Package(name, name, (name,), "", ""), requirement=name) for name in spec.modules))
    made = install.install(spec, solved, Wanted(()), CLOCK, Installer(prefix))
    site = next(prefix.glob("lib/python3*/site-packages"))
    assert [each.name for each in made.distributions] == ["good", "fine"]
    assert made.dropped == ("bad",)
    assert sorted(path.name for path in site.iterdir() if path.suffix != ".dist-info") == ["fine", "good"]


def without(wheel: Path, part: str) -> None:
    """Leave a file of a wheel's metadata out."""
    with ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith(part)}
    with ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
