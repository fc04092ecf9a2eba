"""analyze --local: which modules are the user's own, and where they lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package.analyze import analyze_script, analyze_sources
from python_package.analyze.directory import look_into
from python_package.analyze.local_modules import recorded, remark_on
from python_package.analyze.values import Analysis
from python_package.cli import analyze as command
from python_package.spec import Spec


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is also the current one."""
    folder = tmp_path.resolve() / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    fake_python(tmp_path, "echo Python 3.11.7", "python3")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return folder


def _lay_out(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _analysis(folder: Path, *scripts: str) -> Analysis:
    sources = [(name, (folder / name).read_bytes()) for name in scripts or ("main.py",)]
    return recorded(analyze_sources(sources))


def _local(folder: Path, files: dict[str, str], *scripts: str) -> dict[str, str]:
    """Return what is recorded, seen from the folder, but for main."""
    _lay_out(folder, files)
    analysis = _analysis(folder, *scripts)
    assert analysis.remarks == ()
    assert Spec.from_json(analysis.spec.to_json(), "deps.json") == analysis.spec
    local = {name: str(Path(path).relative_to(folder)) for name, path in analysis.spec.local}
    assert all(Path(path).is_absolute() for _, path in analysis.spec.local)
    assert scripts or local.pop("main") == "main.py"
    return local


@pytest.mark.parametrize(
    ("files", "local"),
    [
        ({"main.py": "import yaml"}, {}),
        ({"main.py": "import helper", "helper.py": "import other", "other.py": "", "unused.py": ""},
         {"helper": "helper.py", "other": "other.py"}),
        ({"main.py": "import pkg", "pkg/__init__.py": "", "pkg/data.csv": "1"}, {"pkg": "pkg"}),
        ({"main.py": "from pkg.inner.deep import x", "pkg/__init__.py": "", "pkg/inner/__init__.py": "",
          "pkg/inner/deep.py": "from .. import top", "pkg/top.py": "import helper", "helper.py": ""},
         {"helper": "helper.py", "pkg": "pkg"}),
        ({"main.py": "import space.part", "space/part.py": "", "space/data.txt": ""}, {"space": "space"}),
        ({"main.py": "from space import part", "space/part/__init__.py": ""}, {"space": "space"}),
        ({"main.py": "import google.mine, google.auth", "google/mine.py": ""}, {"google": "google"}),
        ({"main.py": "import sys; sys.path.insert(0, 'lib'); import helper, pkg", "lib/helper.py": "",
          "lib/pkg/__init__.py": ""}, {"helper": "lib/helper.py", "pkg": "lib/pkg"}),
        ({"main.py": "import importlib; importlib.import_module('helper')", "helper.py": ""}, {"helper": "helper.py"}),
        ({"main.py": "try: import helper\nexcept ImportError: pass", "helper.py": ""}, {"helper": "helper.py"}),
        ({"main.py": "import sys; sys.path.append('a'); sys.path.append('b'); import space.one, space.two.x",
          "a/space/one.py": "", "b/space/two/x.py": "", "b/space/notes.txt": "", "b/space/__pycache__/x.py": ""},
         {"space.one": "a/space/one.py", "space.two": "b/space/two"}),
    ],
)  # fmt: skip
def test_recorded__modules_that_the_script_reaches__are_folders_and_files(
    files: dict[str, str], local: dict[str, str], folder: Path
) -> None:
    assert _local(folder, files) == local


def test_recorded__script_that_imports_itself__has_no_local_module(folder: Path) -> None:
    _lay_out(folder, {"main.py": "import main"})
    assert _analysis(folder).places == ()


def test_recorded__relative_import_outside_of_a_package__is_left_out_with_a_remark(folder: Path) -> None:
    _lay_out(folder, {"main.py": "from .helper import x\nimport other", "helper.py": "", "other.py": ""})
    analysis = _analysis(folder)
    assert [name for name, _ in analysis.spec.local] == ["main", "other"]
    assert analysis.remarks == (
        f"not recorded: {folder}/helper.py, which only its path or a relative import outside of any package reaches",
    )


def test_recorded__compiled_module__is_its_file(folder: Path) -> None:
    _lay_out(folder, {"main.py": "import fast", "fast.cpython-311-x86_64-linux-gnu.so": ""})
    assert dict(_analysis(folder).spec.local)["fast"] == f"{folder}/fast.cpython-311-x86_64-linux-gnu.so"


def test_recorded__script_in_a_package__records_both(folder: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/main.py": "from . import helper\nimport other", "pkg/helper.py": "",
             "other.py": ""}  # fmt: skip
    local = _local(folder, files, "pkg/main.py")
    assert local == {"pkg": "pkg", "main": "pkg/main.py", "other": "other.py"}


@pytest.mark.parametrize(
    ("script", "name"), [("task.py", "task"), ("task", "task"), ("my-task.py", None), ("task.sh", None), ("1.py", None)]
)
def test_recorded__script__is_what_can_be_run_as_a_module(script: str, name: str | None, folder: Path) -> None:
    assert _local(folder, {script: "import yaml"}, script) == ({name: script} if name else {})


def test_recorded__several_scripts__are_all_recorded_and_one_may_import_another(folder: Path) -> None:
    files = {"a.py": "import b", "b.py": "import helper", "helper.py": ""}
    assert _local(folder, files, "a.py", "b.py") == {"a": "a.py", "b": "b.py", "helper": "helper.py"}


@pytest.mark.parametrize("script", ["yaml.py", "calendar.py"])
def test_recorded__script_with_the_name_of_another_module__is_left_out_with_a_remark(script: str, folder: Path) -> None:
    _lay_out(folder, {f"deep/{script}": "", "main.py": "import yaml"})
    analysis = _analysis(folder, f"deep/{script}", "main.py")
    assert [name for name, _ in analysis.spec.local] == ["main"]
    name = script.partition(".")[0]
    assert analysis.remarks == (
        f"{name}: not recorded: {folder}/deep/{script} has the name of another module; rename it for python3 -m",
    )


def test_recorded__two_modules_of_one_name__keeps_the_first_and_says_so(folder: Path) -> None:
    files = {f"{name}/{file}": "import helper" for name in "ab" for file in (f"main_{name}.py", "helper.py")}
    _lay_out(folder, files)
    analysis = _analysis(folder, "a/main_a.py", "b/main_b.py")
    assert dict(analysis.spec.local)["helper"] == f"{folder}/a/helper.py"
    (remark,) = analysis.remarks
    assert remark == f"helper: not recorded: {folder}/b/helper.py has the name of {folder}/a/helper.py; rename one"


def test_recorded__among_installed_packages__is_no_local_module(folder: Path) -> None:
    site = "lib/python3.11/site-packages"
    text = f"import sys; sys.path.insert(0, {str(folder / site)!r}); import numpy"
    assert _local(folder, {"main.py": text, f"{site}/numpy/__init__.py": ""}) == {}
    assert _analysis(folder).spec.modules == ("numpy",)


def test_recorded__script_of_an_installed_package__takes_what_is_beside_it_for_installed(folder: Path) -> None:
    site = "lib/python3.11/site-packages"
    files = {f"{site}/numpy/__init__.py": "", f"{site}/tool/__init__.py": "", f"{site}/tool/other.py": ""}
    _lay_out(folder, {**files, f"{site}/tool/cli.py": "import numpy\nfrom . import other"})
    analysis = recorded(analyze_sources([(f"{site}/tool/cli.py", (folder / site / "tool/cli.py").read_bytes())]))
    assert analysis.spec.modules == ("numpy", "tool")
    assert analysis.spec.local == ()
    assert f"cli: not recorded: {folder}/{site}/tool/cli.py is among installed packages" in analysis.remarks


def test_recorded__directory__has_its_programs_and_what_its_files_import(folder: Path) -> None:
    files = {
        "run.py": "import pkg.a",
        "setup.py": "",
        "pkg/__init__.py": "",
        "pkg/a.py": "import yaml",
        "tool/__init__.py": "",
        "tool/__main__.py": "",
        "unused/__init__.py": "",
        "deep/job.py": "import near",
        "deep/near.py": "",
    }
    _lay_out(folder, files)
    analysis = recorded(analyze_sources([(".", look_into(str(folder), "."))]))
    assert analysis.remarks == ()
    local = {name: str(Path(path).relative_to(folder)) for name, path in analysis.spec.local}
    assert local == {"run": "run.py", "pkg": "pkg", "tool": "tool", "near": "deep/near.py"}


def test_analyze__local__is_asked_for_in_the_api(folder: Path) -> None:
    _lay_out(folder, {"main.py": "import helper", "helper.py": ""})
    assert analyze_script("main.py").local == ()
    assert analyze_script("main.py", local=True).local == (
        ("helper", f"{folder}/helper.py"),
        ("main", f"{folder}/main.py"),
    )


def test_remark_on__many_modules__names_some(folder: Path) -> None:
    _lay_out(
        folder,
        {"main.py": "import " + ", ".join(f"m{n:02}" for n in range(11)), **{f"m{n:02}.py": "" for n in range(11)}},
    )
    line = remark_on(analyze_sources([("main.py", (folder / "main.py").read_bytes())]))
    assert line.endswith("(--local does): m00, m01, m02, m03, m04, m05, m06, m07 and 3 more")


def test_command__local_modules__are_reported_or_recorded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _lay_out(folder, {"main.py": "import pkg, helper", "helper.py": "", "pkg/__init__.py": "", "alone.py": ""})
    assert command.main(["main.py", "-"]) == 0
    said = capsys.readouterr()
    assert said.err == (
        "python_package_analyze: local modules, which the dependency file does not record (--local does): helper, pkg\n"
    )
    assert "local" not in json.loads(said.out)
    assert command.main(["--local", "main.py", "-"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert sorted(json.loads(said.out)["local"]) == ["helper", "main", "pkg"]
    assert command.main(["alone.py", "-"]) == 0
    assert capsys.readouterr().err == ""


def test_command__local_of_standard_input__has_no_script(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _lay_out(folder, {"script": "import helper", "helper.py": ""})
    with (folder / "script").open() as source:
        monkeypatch.setattr("sys.stdin", source)
        assert command.main(["--local", "-", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["local"] == {"helper": str(folder / "helper.py")}
