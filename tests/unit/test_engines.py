"""analyze --for: what an engine needs on its workers, at the versions that the default python3 has."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import uv
from user_python import BACKEND, UserPython
from wheels import write_wheel

from python_package import import_names
from python_package.analyze import analyze_sources
from python_package.analyze.engines import ENGINES, with_engines
from python_package.analyze.values import Analysis
from python_package.cli import analyze as command
from python_package.errors import InterpreterError, UsageError
from python_package.spec import Spec

MAN = Path(__file__).parents[2] / "python_package" / "man" / "python_package_analyze.1"

VERSIONS = {"cloudpickle": "3.1.3", "pandas": "3.1.1", "pyarrow": "25.0.0", "ray": "2.60.0+x", "threadpoolctl": "3.6.0"}


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> UserPython:
    """Return a python3 with the packages of most engines; Parsl is edited in place, TaskVine was installed by make."""
    user = UserPython(tmp_path_factory.mktemp("user"))
    for name, version in VERSIONS.items():
        write_wheel(user.wheels, name, {f"{name}/__init__.py": "raise SystemExit('imported')"}, version=version)
    user.install(*VERSIONS)
    project = user.folder / "project"
    (project / "src" / "parsl").mkdir(parents=True)
    (project / "src" / "parsl" / "__init__.py").touch()
    (project / "backend.py").write_text(BACKEND.replace("edited", "parsl"))
    build = '[build-system]\nbuild-backend = "backend"\nbackend-path = ["."]\nrequires = []\n'
    (project / "pyproject.toml").write_text(f'{build}[project]\nname = "parsl"\nversion = "1.0"\n')
    user.install("--editable", str(project))
    (site,) = (Path(folder) for folder in user.import_path() if folder.endswith("site-packages"))
    (site / "ndcctools").mkdir()
    (site / "ndcctools" / "__init__.py").touch()
    return user


def added(user: UserPython, *engines: str, source: str = "") -> Analysis:
    return with_engines(analyze_sources([("script.py", source.encode())]), engines, user.python)


def test_with_engines__packages_that_python3_has__get_its_versions(user: UserPython) -> None:
    analysis = added(user, "spark", "ray", "spark")
    assert analysis.spec.packages == ("pandas==3.1.1", "pyarrow==25.0.0", "ray==2.60.0+x")
    assert analysis.remarks == ()


def test_with_engines__pip_lists_the_same(user: UserPython) -> None:
    command = [uv.find_uv_bin(), "pip", "list", "-q", "--format=freeze", "--python", user.python]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert set(added(user, "spark", "ray").spec.packages) <= set(listed)


def test_with_engines__packages_that_python3_lacks__are_added_and_named(user: UserPython) -> None:
    analysis = added(user, "work_queue")
    assert analysis.spec.packages == ("cloudpickle==3.1.3", "dill")
    assert analysis.remarks == ("--for work_queue: dill is added without a version: your python3 does not have dill",)


def test_with_engines__installed_without_a_version__says_where_it_lies(user: UserPython) -> None:
    analysis = added(user, "taskvine")
    assert analysis.spec.packages == ("cloudpickle==3.1.3", "conda:ndcctools", "threadpoolctl==3.6.0")
    assert re.match(r"--for taskvine: conda:ndcctools is added .* no package owns ndcctools", analysis.remarks[0])


def test_with_engines__edited_in_place__comes_from_its_project(user: UserPython) -> None:
    analysis = added(user, "parsl")
    assert analysis.spec.packages == ("dill", "parsl")
    (pin,) = analysis.spec.pins
    assert (pin.module, pin.source, pin.url) == ("parsl", "editable", (user.folder / "project").as_uri())


def test_with_engines__what_the_script_has__stays(user: UserPython) -> None:
    source = "# /// script\n# dependencies = ['acme>=2']\n# ///\nimport numpy"
    spec = added(user, "ray", source=source).spec
    assert (spec.modules, spec.packages) == (("numpy",), ("acme>=2", "ray==2.60.0+x"))
    assert Spec.from_json(spec.to_json(), "x") == spec


def test_with_engines__no_interpreter__is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match="does not tell where"):
        with_engines(analyze_sources([("script.py", b"")]), ["ray"], str(tmp_path / "none"))


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_engines__packages__can_be_asked_for_by_name(engine: str) -> None:
    names = [package.pypi or f"conda:{package.conda[0]}" for package in import_names.requested(ENGINES[engine])]
    assert names == list(ENGINES[engine])


def test_engines__man_page__lists_the_same() -> None:
    section = MAN.read_text().partition("--for".replace("-", "\\-"))[2].partition("\n.RE\n")[0]
    parts = re.split(r"^\.TP\n\.B (\w+)\n", section, flags=re.MULTILINE)[1:]
    listed = {engine: set(re.findall(r"\w+", text)) for engine, text in zip(parts[::2], parts[1::2], strict=True)}
    assert sorted(listed) == sorted(ENGINES)
    for engine, packages in ENGINES.items():
        assert {package.removeprefix("conda:") for package in packages} <= listed[engine]


def test_command__for_an_engine__writes_its_packages_and_notes_the_rest(
    user: UserPython, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", f"{user.bin}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "script.py").write_text("import yaml")
    assert command.main(["--for", "spark", "--for", "work_queue", str(tmp_path / "script.py"), "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["packages"] == ["cloudpickle==3.1.3", "dill", "pandas==3.1.1", "pyarrow==25.0.0"]
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("engine", ["dusk", "Dask", "", "dask,ray"])
def test_command__unknown_engine__is_refused_with_the_list(tmp_path: Path, engine: str) -> None:
    (tmp_path / "script.py").touch()
    with pytest.raises(UsageError) as refused:
        command.main(["--for", engine, str(tmp_path / "script.py"), str(tmp_path / "out.json")])
    assert all(name in str(refused.value) for name in ENGINES)
    assert not (tmp_path / "out.json").exists()
