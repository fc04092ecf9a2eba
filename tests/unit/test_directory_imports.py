"""A directory as input: every file counts, its own modules do not, and one bad file spoils nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package.analyze import analyze_script, analyze_sources, read_script
from python_package.analyze.values import Analysis, Scope
from python_package.errors import NotPythonError, ScriptNotFoundError, UsageError


@pytest.fixture
def python(tmp_path: Path) -> str:
    """Return a python3 of version 3.11.7."""
    return fake_python(tmp_path, "echo Python 3.11.7")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder `project` in the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def _analyze(python: str, folder: Path, files: dict[str, str], *more: str, scope: Scope | None = None) -> Analysis:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    names = ("project", *more)
    return analyze_sources([(name, read_script(name)) for name in names], python=python, scope=scope)


def test_analyze__directory__is_the_spec_of_all_its_files(folder: Path, python: str) -> None:
    (folder / "a.py").write_text("import os, yaml")
    (folder / "b.py").write_text("import numpy")
    assert analyze_script(folder, python=python).modules == ("numpy", "yaml")
    assert analyze_script("project/", python=python).modules == ("numpy", "yaml")


def test_analyze_sources__files_that_nothing_imports_and_notebooks__count(folder: Path, python: str) -> None:
    book = json.dumps({"cells": [{"cell_type": "code", "source": "!ls\nimport c"}]})
    found = _analyze(python, folder, {"a.py": "import a1", "deep/er/b.py": "import b1", "deep/nb.ipynb": book})
    assert found.spec.modules == ("a1", "b1", "c")
    assert [each.where for each in found.listed] == [
        "project/a.py:1",
        "project/deep/er/b.py:1",
        "project/deep/nb.ipynb:cell 1:2",
    ]
    assert found.remarks == ()


@pytest.mark.parametrize(
    ("importer", "statement", "module"),
    [
        ("main.py", "import own", "own.py"),
        ("main.py", "import own.deep", "own/__init__.py"),
        ("main.py", "from own import anything", "own/__init__.py"),
        ("main.py", "import own", "src/own/__init__.py"),
        ("tests/test_x.py", "import own", "own/__init__.py"),
        ("tests/test_x.py", "import own", "src/own.py"),
        ("tests/test_x.py", "import own", "tests/own.py"),
        ("tests/a/test_x.py", "from tests.own import x", "tests/own.py"),
        ("parts/one/src/one/x.py", "import own", "parts/one/src/own/__init__.py"),
        ("pkg/x.py", "import own", "pkg/own.py"),
        ("pkg/x.py", "from . import own", "pkg/__init__.py"),
        ("pkg/x.py", "from ..gone import own", "pkg/__init__.py"),
        ("main.py", "import space.own", "space/own.py"),
        ("main.py", "from space import own", "space/own.py"),
        ("main.py", "import sys; sys.path.append('lib'); import own", "lib/own.py"),
        ("tests/test_x.py", "import own", "native/own.cpython-311-x86_64-linux-gnu.so"),
    ],
)
def test_analyze_sources__module_of_the_directory__is_local(
    importer: str, statement: str, module: str, folder: Path, python: str
) -> None:
    files = {module: "", importer: statement, "parts/one/pyproject.toml": "", "parts/one/src/one/__init__.py": ""}
    if module.startswith("native"):
        files["native/setup.py"] = ""
    assert _analyze(python, folder, files).spec.modules == ()


@pytest.mark.parametrize(
    ("importer", "statement", "module"),
    [
        ("main.py", "import other", "deep/other.py"),
        ("main.py", "import other", "other/data.txt"),  # no module at all
        ("main.py", "import other", "other/unrelated.py"),  # a namespace package only for those who import its modules
        ("a/x.py", "import other", "b/other.py"),
        ("pkg/x.py", "from .y import z; import other", "pkg/other.py"),  # absolute, in what cannot be a script
        ("pkg/other.py", "from .y import z; import other", "pkg/y.py"),
        ("pkg/other.py", "import other", "pkg/y.py"),  # what wraps another has its name
    ],
)
def test_analyze_sources__module_that_only_has_the_name__is_not_local(
    importer: str, statement: str, module: str, folder: Path, python: str
) -> None:
    files = {module: "", "pkg/__init__.py": "", importer: statement}
    assert _analyze(python, folder, files).spec.modules == ("other",)


def test_analyze_sources__files_that_are_not_python__are_remarks(folder: Path, python: str) -> None:
    files = {
        "good.py": "import a",
        "bad.py": "import b\nx = 1\ndef (\n",
        "template.py": "import {{ name }}\n{% if x %}\n",
        "old.py": "import c\nprint 'x'\n",
        "nb.ipynb": "{",
    }
    found = _analyze(python, folder, files)
    assert found.spec.modules == ("a", "c")
    said = {remark.partition(": ")[0]: remark for remark in found.remarks}
    assert set(said) == {"project/bad.py:3", "project/nb.ipynb:1", "project/old.py:2", "project/template.py:2"} or set(
        said
    ) == {"project/bad.py:3", "project/nb.ipynb:1", "project/old.py:2", "project/template.py:1"}
    assert "not valid Python" in said["project/bad.py:3"]
    assert said["project/bad.py:3"].endswith("; what it imports is not listed")


def test_analyze_sources__bad_file_of_the_directory_that_is_named_too__is_an_error(folder: Path, python: str) -> None:
    with pytest.raises(NotPythonError, match=r"project/bad\.py:1"):
        _analyze(python, folder, {"bad.py": "def ("}, "project/bad.py")


def test_analyze_sources__required_import_of_a_bad_file__is_still_a_remark(folder: Path, python: str) -> None:
    found = _analyze(python, folder, {"main.py": "import a, bad", "bad.py": "def ("})
    assert found.spec.modules == ("a",)
    assert len(found.remarks) == 1


def test_analyze_sources__file_that_cannot_be_read__is_a_remark(folder: Path, python: str) -> None:
    (folder / "x.py").symlink_to("/proc/self/mem")
    found = _analyze(python, folder, {"main.py": "import a"})
    assert found.spec.modules == ("a",)
    assert found.remarks == ("project/x.py: Input/output error; what it imports is not listed",)


def test_analyze_sources__module_outside_the_directory__is_followed(folder: Path, python: str) -> None:
    shared = folder.parent / "shared"
    shared.mkdir()
    (shared / "helper.py").write_text("import a\nfrom other import x")
    (shared / "other.py").write_text("import b")
    (shared / "bad.py").write_text("def (")
    files = {"main.py": "import sys; sys.path.append('../shared')\nimport helper, bad"}
    found = _analyze(python, folder, files)
    assert found.spec.modules == ("a", "b")
    assert any("shared/bad.py:1: not valid Python" in remark for remark in found.remarks)


def test_analyze_sources__folder_of_a_package__follows_the_package(folder: Path, python: str) -> None:
    files = {
        "pkg/__init__.py": "import a",
        "pkg/sub/__init__.py": "",
        "pkg/core.py": "import b",
        "pkg/no.py": "import c",
    }
    files["pkg/sub/x.py"] = "from ..core import y\nimport pkg.core"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    found = analyze_sources([("project/pkg/sub", read_script("project/pkg/sub"))], python=python)
    assert found.spec.modules == ("a", "b")


def test_analyze_sources__metadata_of_its_files__counts_and_faults_are_remarks(folder: Path, python: str) -> None:
    block = "# /// script\n# {}\n# ///\nimport {}\n"
    files = {
        "a.py": block.format("dependencies = ['rich>=13', 'no; python_version < \"3\"']", "x"),
        "b.py": block.format("dependencies = 1", "y"),
        "c.py": block.format("requires-python = '>=3.12'", "z"),
    }
    found = _analyze(python, folder, files)
    assert found.spec.modules == ("x", "y", "z")
    assert found.spec.packages == ("rich>=13",)
    assert [remark.partition(": ")[0] for remark in found.remarks] == ["project/b.py:2", "project/c.py:2"]


def test_analyze_sources__computed_imports_of_a_file__are_one_remark(folder: Path, python: str) -> None:
    found = _analyze(python, folder, {"a.py": "\n__import__(x)\n__import__(y)", "b.py": "__import__(x)"})
    assert found.remarks == (
        "project/a.py:2: imports 2 modules by names that only running it tells: not listed",
        "project/b.py:1: imports a module by a name that only running it tells: not listed",
    )


def test_analyze_sources__local_files__are_those_of_the_directory(folder: Path, python: str) -> None:
    found = _analyze(python, folder, {"b.py": "", "a/c.py": "import b", "nb.ipynb": '{"cells": []}'})
    root = str(folder.resolve())
    assert found.local == (f"{root}/a/c.py", f"{root}/b.py")


def test_analyze_sources__scope__is_that_of_every_file(folder: Path, python: str) -> None:
    files = {"x.py": "import a\ndef f(): import b", "y.py": "import c\ndef f(): import d", "z.py": "import e"}
    assert _analyze(python, folder, files, scope=Scope("f")).spec.modules == ("b", "d")
    assert _analyze(python, folder, files, scope=Scope(None)).spec.modules == ("a", "c", "e")
    with pytest.raises(UsageError, match="no function g in project"):
        _analyze(python, folder, files, scope=Scope("g"))


def test_analyze_sources__directory_and_script__have_one_spec(folder: Path, python: str) -> None:
    (folder.parent / "main.py").write_text("import a")
    assert _analyze(python, folder, {"x.py": "import b"}, "main.py").spec.modules == ("a", "b")


@pytest.mark.parametrize("content", [None, "README", ".hidden.py", "venv/pyvenv.cfg"])
def test_read_script__directory_without_python__says_so(content: str | None, folder: Path) -> None:
    if content:
        (folder / content).parent.mkdir(exist_ok=True)
        (folder / content).touch()
    with pytest.raises(ScriptNotFoundError, match=r"^project is a directory with no Python file .*; name the script$"):
        read_script("project")


def test_analyze_sources__scripts_that_a_file_runs__are_its_own_or_followed_outside(folder: Path, python: str) -> None:
    (folder.parent / "outside.py").write_text("import b")
    text = "import runpy, helper\nrunpy.run_path('own.py')\nrunpy.run_path('../../outside.py')\nrunpy.run_path(x)"
    files = {"sub/a.py": text, "sub/own.py": "import c", "sub/helper.py": ""}
    found = _analyze(python, folder, files)
    assert found.spec.modules == ("b", "c")
    assert str((folder.parent / "outside.py").resolve()) in found.local
    assert [remark.partition(": ")[0] for remark in found.remarks] == ["project/sub/a.py:4"]


def test_analyze_sources__file_of_a_package_that_runs_scripts__may_be_a_script(folder: Path, python: str) -> None:
    text = "import runpy, helper\nrunpy.run_path('own.py')"
    files = {"pkg/__init__.py": "", "pkg/a.py": text, "pkg/own.py": "", "pkg/helper.py": ""}
    assert _analyze(python, folder, files).spec.modules == ()
