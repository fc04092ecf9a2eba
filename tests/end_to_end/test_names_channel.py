"""A module's package is the first of its Conda names that a channel has, and else PyPI's."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from python_package import import_names
from python_package.conda.condarc import Condarc
from python_package.create import solve
from python_package.create.options import CreateOptions
from python_package.create.requirements import Wanted
from python_package.errors import SolveError
from python_package.progress import Clock, Silent
from python_package.spec import Spec

PYTHON = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def options(tmp_path: Path) -> CreateOptions:
    return CreateOptions(channels=(str(tmp_path),), interpreter="channel")


def channel(folder: Path, packages: Mapping[str, list[str]]) -> None:
    """Write the index of a channel that has python and these packages, with their dependencies."""
    records = {
        f"{name}-1.0-0.conda": {
            "name": name,
            "version": PYTHON if name == "python" else "1.0",
            "build": "0",
            "build_number": 0,
            "depends": depends,
            "subdir": "noarch",
            "sha256": "0" * 64,
            "size": 1,
        }
        for name, depends in {"python": [], **packages}.items()
    }
    (folder / "noarch").mkdir()
    data = {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": records, "repodata_version": 1}
    (folder / "noarch" / "repodata.json").write_text(json.dumps(data))


def planned(module: str, options: CreateOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the match specs for channels (without python's) and the requirements for PyPI."""
    made = solve.plan(
        Spec(PYTHON, (module,)), Wanted(import_names.resolve([module])), options, Condarc(), Clock(Silent())
    )
    return made.solution.specs[1:], tuple(sorted({each.requirement for each in made.assigned} - {""}))


def test_plan__channel_names_the_package_otherwise__takes_that(tmp_path: Path, options: CreateOptions) -> None:
    channel(tmp_path, {"matplotlib-base": ["python"], "matplotlib": ["python"]})
    assert planned("matplotlib", options) == (("matplotlib-base",), ())


def test_plan__channel_of_wheels__takes_the_project_s_own_name(tmp_path: Path, options: CreateOptions) -> None:
    channel(tmp_path, {"matplotlib": ["python >=3.8"]})
    assert planned("matplotlib", options) == (("matplotlib",), ())


def test_plan__channel_has_only_a_program_of_that_name__asks_pypi(tmp_path: Path, options: CreateOptions) -> None:
    channel(tmp_path, {"graphviz": ["libgd"], "libgd": []})
    assert planned("graphviz", options) == ((), ("graphviz",))


def test_plan__version_that_still_has_the_module__is_asked_of_the_channel(
    tmp_path: Path, options: CreateOptions
) -> None:
    channel(tmp_path, {"setuptools": ["python_abi"], "python_abi": []})
    assert planned("pkg_resources", options) == (("setuptools <82",), ())


def test_plan__version_that_still_has_the_module__is_asked_of_pypi(tmp_path: Path, options: CreateOptions) -> None:
    channel(tmp_path, {})
    assert planned("pkg_resources", options) == ((), ("setuptools<82",))


def test_plan__two_modules_of_one_package__ask_for_it_once(tmp_path: Path, options: CreateOptions) -> None:
    channel(tmp_path, {})
    made = solve.plan(
        Spec(PYTHON, ()), Wanted(import_names.resolve(["yaml", "_yaml"])), options, Condarc(), Clock(Silent())
    )
    assert {each.requirement for each in made.assigned} == {"pyyaml"}


def test_plan__not_on_pypi_and_in_no_channel__never_asks_pypi(tmp_path: Path, options: CreateOptions) -> None:
    channel(tmp_path, {})
    with pytest.raises(SolveError, match=r"work_queue: its package ndcctools is in no channel of .*PyPI is not asked"):
        planned("work_queue", options)
