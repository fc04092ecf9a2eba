"""What a dependency file asks for, with what the user's own interpreter has from no index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from python_package.create.options import CreateOptions
from python_package.create.requirements import Wanted, resolve
from python_package.errors import SolveError, SpecError
from python_package.spec import Pin, Spec, placed


@pytest.fixture
def python(tmp_path: Path) -> str:
    """Return an interpreter that has `mine` from a folder and `theirs` from a repository."""
    site = tmp_path / "site"
    for name, data in {
        "mine": {"url": "file:///home/me/mine", "dir_info": {"editable": True}},
        "theirs": {"url": "https://host/theirs", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
    }.items():
        info = site / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.2\n")
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text(f"{name}.py,,\n")
        (info / "direct_url.json").write_text(json.dumps(data))
        (site / f"{name}.py").touch()
    script = tmp_path / "python3"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return str(script)


def resolved(spec: Spec, python: str, mapping: dict[str, str] | None = None) -> Wanted:
    return resolve(spec, CreateOptions(python=python, mapping=mapping or {}))


def names(wanted: Wanted) -> tuple[list[str], list[tuple[str, str]]]:
    return [each.pypi for each in wanted.packages], [(package.module, of.url) for package, of in wanted.projects]


@pytest.mark.parametrize("full", ["3.11.7", ">=3.9"])
def test_resolve__modules__are_published_or_the_users_own(python: str, full: str) -> None:
    wanted = resolved(Spec(full, ("mine", "numpy", "theirs")), python)
    assert names(wanted) == (["numpy"], [("mine", "file:///home/me/mine"), ("theirs", "https://host/theirs")])
    assert wanted.projects[1][1].requirement() == "theirs @ git+https://host/theirs@abc"
    assert set(wanted.nearby) >= {"mine", "theirs"}


def test_resolve__pinned_to_a_folder_that_this_interpreter_does_not_know__is_that_folder() -> None:
    pin = Pin("other", "other", "3.4", "editable", "file:///home/you/other")
    wanted = resolved(Spec("3.11.7", ("other",), pins=(pin,)), sys.executable)
    ((_, project),) = wanted.projects
    assert (project.name, project.url) == ("other", "file:///home/you/other")


def test_resolve__pinned_to_another_folder_than_this_interpreter_s__is_the_pinned_one(python: str) -> None:
    pin = Pin("mine", "mine", "3.4", "editable", "file:///home/you/mine")
    ((_, project),) = resolved(Spec("3.11.7", ("mine",), pins=(pin,)), python).projects
    assert project.url == "file:///home/you/mine"


def test_resolve__pinned_to_the_commit_that_this_interpreter_has__is_that(python: str) -> None:
    pin = Pin("theirs", "theirs", "1.2", "local", "git+https://host/theirs@abc")
    ((_, project),) = resolved(Spec("3.11.7", ("theirs",), pins=(pin,)), python).projects
    assert (project.url, project.commit) == ("https://host/theirs", "abc")


@pytest.mark.parametrize("package", ["my.lib[x]", "pypi:my-lib"])
def test_resolve__asked_for_by_name_with_a_place__is_from_there(python: str, package: str) -> None:
    pin = Pin("my_lib", "my-lib", "", "local", "file:///home/me/lib")
    wanted = resolved(Spec("3.11.7", (), packages=("dill", package), pins=(pin,)), python)
    assert names(wanted)[0] == ["dill"]
    assert [project.url for _, project in wanted.projects] == ["file:///home/me/lib"]


def test_resolve__declared_name_of_the_users_own_project__is_not_asked_of_an_index(python: str) -> None:
    wanted = resolved(Spec("3.11.7", ("mine",), packages=("mine>=1", "dill")), python)
    published, own = names(wanted)
    assert published == ["dill"]
    assert {url for _, url in own} == {"file:///home/me/mine"}
    assert any("mine: it is file:///home/me/mine, which your python3 has" in note for note in wanted.notes)


def test_resolve__declared_for_pypi_alone__is_asked_there(python: str) -> None:
    assert names(resolved(Spec("3.11.7", (), packages=("pypi:mine",)), python)) == (["mine"], [])


def test_resolve__chosen_by_the_user__is_the_published_one(python: str) -> None:
    assert names(resolved(Spec("3.11.7", ("mine",)), python, {"mine": "mine"})) == (["mine"], [])


def test_resolve__optional_and_unknown__is_absent_and_said(python: str) -> None:
    wanted = resolved(Spec("3.11.7", ("nobody_knows_it",), optional=("nobody_knows_it",)), python)
    assert [package.absent for package in wanted.packages] == [True]
    assert wanted.notes[0].startswith("nobody_knows_it: optional, and left out: ")


def test_resolve__required_and_unknown__is_refused(python: str) -> None:
    with pytest.raises(SolveError, match="nobody_knows_it: no package is known to provide it"):
        resolved(Spec("3.11.7", ("nobody_knows_it",)), python)


def test_resolve__local_modules__are_collected_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").touch()
    (tmp_path / "pkg" / "away").symlink_to("/etc")
    wanted = resolved(Spec("3.11.7", (), local=(("pkg", str(tmp_path / "pkg")),)), sys.executable)
    assert [member.path for member in wanted.files] == ["pkg/a.py"]
    assert wanted.notes == (f"{tmp_path}/pkg/away: points out of its package, and is left out",)


def test_resolve__local_module_is_gone__is_an_invalid_spec(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="does not exist"):
        resolved(Spec("3.11.7", (), local=(("gone", str(tmp_path / "gone")),)), sys.executable)


def test_resolve__placed_by_the_scripts_metadata__is_there_whatever_its_module_is_called() -> None:
    spec = Spec("3.11.7", ("yaml",), packages=("pyyaml",), pins=(placed("pyyaml", "file:///lab/pyyaml"),))
    wanted = resolved(spec, sys.executable)
    assert names(wanted) == ([], [("yaml", "file:///lab/pyyaml"), ("pyyaml", "file:///lab/pyyaml")])
    assert wanted.nearby["pyyaml"].url == "file:///lab/pyyaml"


def test_resolve__placed_and_mapped__is_the_published_one() -> None:
    """The message about a folder that is gone advises it."""
    spec = Spec("3.11.7", ("yaml",), packages=("pyyaml",), pins=(placed("pyyaml", "file:///gone"),))
    assert names(resolved(spec, sys.executable, {"yaml": "pyyaml==6.0"})) == (["pyyaml", "pyyaml"], [])


def test_resolve__of_an_index_of_its_own__is_asked_of_no_channel() -> None:
    wanted = resolved(Spec("3.11.7", ("yaml",), packages=("pypi:pyyaml",)), sys.executable)
    assert [package.conda for package in wanted.packages] == [(), ()]
