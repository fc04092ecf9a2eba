"""What is solved from channels whose index alone is there: versions of Python, pins, what is optional."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from python_package.conda.condarc import Condarc
from python_package.create import solve
from python_package.create.options import CreateOptions
from python_package.create.requirements import Wanted
from python_package.errors import SolveError
from python_package.import_names.package import Package
from python_package.progress import Clock, Silent
from python_package.spec import Pin, Spec

PYTHON = ".".join(map(str, sys.version_info[:3]))


class Notes(Silent):
    """A Progress that keeps the notes."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def options(tmp_path: Path) -> CreateOptions:
    """Return a channel of two Pythons, two numpys, and packages that cannot be had together."""
    records = [
        ("python", "3.9.3", []),
        ("python", PYTHON, []),
        ("numpy", "1.26.4", ["python"]),
        ("numpy", "2.0.1", ["python"]),
        ("old", "1.0", ["python", "numpy <2"]),
        ("new", "1.0", ["python", "numpy >=2"]),
        ("torn", "1.0", ["python", "nowhere"]),
        ("moved", "1.0", ["python >=3.7,<3.8.0a0"]),
        ("moved", "2.0", ["python >=3.8", "python_abi 3.7.* *_cp37m"]),
        ("moved", "3.0", ["python >=3.9"]),
        ("late", "1.0", ["python >=4"]),
        ("early", "1.0", ["python_abi 2.7.*"]),
    ]
    packages = {
        f"{name}-{version}-0.conda": {
            "name": name,
            "version": version,
            "build": "0",
            "build_number": 0,
            "depends": depends,
            "subdir": "noarch",
            "sha256": "0" * 64,
            "size": 1,
        }
        for name, version, depends in records
    }
    (tmp_path / "noarch").mkdir()
    data = {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": packages, "repodata_version": 1}
    (tmp_path / "noarch" / "repodata.json").write_text(json.dumps(data))
    return CreateOptions(channels=(str(tmp_path),), interpreter="channel", python=sys.executable)


def made(spec: Spec, options: CreateOptions, notes: Notes | None = None) -> solve.Plan:
    versions = {pin.module: f"=={pin.version}" for pin in spec.pins}
    packages = [Package(name, name, (name,), versions.get(name, ""), "") for name in spec.modules]
    return solve.plan(spec, Wanted(tuple(packages)), options, Condarc(), Clock(notes or Notes()))


def solved(result: solve.Plan) -> dict[str, str]:
    return {each.name: each.version for each in result.solution.packages}


def test_plan__constraint_on_python__is_the_users_own(options: CreateOptions) -> None:
    assert solved(made(Spec(">=3.10", ()), options)) == {"python": PYTHON}


def test_plan__constraint_on_python_that_theirs_does_not_meet__is_another(options: CreateOptions) -> None:
    assert solved(made(Spec("==3.9.*", ()), options)) == {"python": "3.9.3"}


def test_plan__patch_release_that_is_not_there__is_the_nearest_later_and_said(options: CreateOptions) -> None:
    notes = Notes()
    assert solved(made(Spec("3.9.1", ()), options, notes)) == {"python": "3.9.3"}
    assert [line.partition(";")[2] for line in notes.lines] == [" taking 3.9.3, the nearest later one"]


def test_plan__pinned_version__is_linked_although_there_is_a_newer(options: CreateOptions) -> None:
    spec = Spec(PYTHON, ("numpy",), pins=(Pin("numpy", "numpy", "1.26.4", "pypi"),))
    assert solved(made(spec, options))["numpy"] == "1.26.4"
    assert solved(made(Spec(PYTHON, ("numpy",)), options))["numpy"] == "2.0.1"


def test_plan__pins_that_the_channel_lacks__are_refused_before_anything_is_solved(options: CreateOptions) -> None:
    pins = tuple(Pin(name, name, "0.1", "conda") for name in ("numpy", "old"))
    with pytest.raises(SolveError, match=r"numpy: numpy 0\.1 is in no .* 1\.26\.4, 2\.0\.1; old: old 0\.1 .* 1\.0;"):
        made(Spec(PYTHON, ("numpy", "old"), pins=pins), options)


def test_plan__pinned_version_has_no_build_for_this_python__pypi_is_asked_and_it_is_said(
    options: CreateOptions,
) -> None:
    for version in ("1.0", "2.0"):
        notes = Notes()
        result = made(Spec(PYTHON, ("moved",), pins=(Pin("moved", "moved", version, "pypi"),)), options, notes)
        assert [each.requirement for each in result.assigned] == [f"moved=={version}"]
        assert f"for python {PYTHON}: they have 3.0; taking it from PyPI" in notes.lines[0]


def test_plan__package_has_no_build_for_this_python__pypi_is_asked(options: CreateOptions) -> None:
    result = made(Spec(PYTHON, ("early", "late", "moved")), options)
    assert [(each.spec, each.requirement) for each in result.assigned] == [
        ("", "early"),
        ("", "late"),
        ("moved", ""),
    ]


def test_plan__optional_module_that_conflicts__is_dropped_and_said(options: CreateOptions) -> None:
    notes = Notes()
    result = made(Spec(PYTHON, ("new", "old", "torn"), optional=("old", "torn")), options, notes)
    assert set(solved(result)) == {"new", "numpy", "python"}
    assert result.dropped == ("old", "torn")
    assert [each.package.module for each in result.assigned] == ["new"]
    assert [line[:40] for line in notes.lines] == [
        "old: optional, and left out: no environm",
        "torn: optional, and left out: no environ",
    ]


def test_plan__optional_modules_that_conflict_with_each_other__the_first_stays(options: CreateOptions) -> None:
    result = made(Spec(PYTHON, ("new", "old"), optional=("new", "old")), options)
    assert (set(solved(result)), result.dropped) == ({"new", "numpy", "python"}, ("old",))


def test_plan__required_modules_conflict__is_refused(options: CreateOptions) -> None:
    with pytest.raises(SolveError, match="no environment can be made"):
        made(Spec(PYTHON, ("new", "old", "torn"), optional=("torn",)), options)


def test_plan__optional_module_that_a_channel_has__is_linked(options: CreateOptions) -> None:
    result = made(Spec(PYTHON, ("old",), optional=("old",)), options)
    assert (solved(result)["numpy"], result.dropped) == ("1.26.4", ())
