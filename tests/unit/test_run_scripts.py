"""Scripts that a script runs through runpy: found, followed, and what is said of those that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_package.analyze.imports import imports_of
from python_package.analyze.listing import listed
from python_package.analyze.parsing import parse
from python_package.analyze.reading import read, read_file
from python_package.analyze.trace import Tracer
from python_package.analyze.values import OPTIONAL, REQUIRED, SCRIPT, Import, Module, Scope
from python_package.errors import NotPythonError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path.resolve()


def _module(text: str) -> Module:
    source = text.encode()
    return imports_of(parse(source, "script.py")[0], "/home/me/script.py", source)


def _trace(folder: Path, files: dict[str, str], script: str = "main.py", scope: Scope | None = None) -> Tracer:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    tracer = Tracer(script, str(folder / script), frozenset)
    tracer.trace((folder / script).read_bytes(), scope)
    return tracer


def _names(tracer: Tracer) -> list[str]:
    return [use.found.name for use in tracer.uses if use.found.name != "runpy"]


def _local(tracer: Tracer, folder: Path) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in tracer.local]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("import runpy\nrunpy.run_path('a.py')", "a.py"),
        ("import runpy as r\nr.run_path(path_name='a.py')", "a.py"),
        ("from runpy import run_path\nrun_path('a.py', {}, '__main__')", "a.py"),
        ("from runpy import run_path as go\ngo('a.py')", "a.py"),
        ("from runpy import *\nrun_path('a.py')", "a.py"),
        ("import runpy\ngo = runpy.run_path\ngo('a.py')", "a.py"),
        ("import runpy\nN = 'a.py'\nrunpy.run_path(N)", "a.py"),
        ("import runpy\nrunpy.run_path(os.path.dirname(__file__) + '/a.py')", "/home/me/a.py"),
        ("import runpy\nH = Path(__file__).parent\nrunpy.run_path(str(H / 'a.py'))", "/home/me/a.py"),
        ("import runpy\nH = Path(__file__).parent\ndef f():\n runpy.run_path(H.joinpath('a.py'))", "/home/me/a.py"),
        ("import runpy\nfor n in ('b',):\n runpy.run_path(f'{n}.py')", "b.py"),
    ],
)
def test_imports_of__script_that_is_run__is_an_import_of_its_path(text: str, path: str) -> None:
    module = _module(text)
    line = text.count("\n") + 1
    assert module.imports[-1] == Import(path, (), SCRIPT, line, REQUIRED)
    assert (module.computed, module.computed_scripts) == ((), ())


@pytest.mark.parametrize(
    "call",
    [
        "run_path(sys.argv[1])",
        "run_path(name)",
        "run_path()",
        "run_path('')",
        "run_path(*names)",
        "run_path(b'a.py')",
        "run_path(N)",
        "run_path(M)",
        "run_path(f'{N}.py')",
        "run_path(f'{O!r}.py')",
        "[run_path(O) for O in y]",
    ],
)
def test_imports_of__script_that_only_running_tells__gives_its_line(call: str) -> None:
    module = _module(f"from runpy import run_path\nN = 'a'\nN = 'b'\nif x: M = 'a'\nO = 'c'\n{call}")
    assert [found.name for found in module.imports] == ["runpy"]
    assert (module.computed, module.computed_scripts) == ((), (6,))


@pytest.mark.parametrize(
    "text",
    [
        "# runpy\nrun_path('a.py')",
        "import runpy\nother.run_path('a.py')",
        "import runpy\nrunpy.other('a.py')",
        "from other import run_path  # not runpy\nrun_path('a.py')",
        "import runpy\nrunpy.import_module('a')",
        "import importlib\nimport runpy\nimportlib.run_path('a.py')",
        "from .runpy import run_path\nrun_path('a.py')",
    ],
)
def test_imports_of__function_that_is_not_runpys__is_left_alone(text: str) -> None:
    module = _module(text)
    assert {found.name for found in module.imports} <= {"runpy", "importlib", "other"}
    assert (module.computed, module.computed_scripts) == ((), ())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import runpy\nrunpy.run_module('a.b')", "a.b"),
        ("from runpy import run_module as go\ngo(mod_name='a', run_name='__main__')", "a"),
        ("import runpy\nN = 'a'\nrunpy.run_module(N + '.b')", "a.b"),
    ],
)
def test_imports_of__module_that_is_run__is_imported_with_its_main(text: str, name: str) -> None:
    found = _module(text).imports[-1]
    assert (found.name, found.names, found.level) == (name, ("__main__",), 0)
    assert listed([found]) == {found: ("a",)}


@pytest.mark.parametrize("call", ["run_module(x)", "run_module('.a')", "run_module('')", "run_module()"])
def test_imports_of__module_to_run_that_only_running_tells__gives_its_line(call: str) -> None:
    module = _module(f"import runpy\nrunpy.{call}")
    assert [found.name for found in module.imports] == ["runpy"]
    assert (module.computed, module.computed_scripts) == ((2,), ())


@pytest.mark.parametrize("name", ["google.cloud.storage", "google.cloud", "zope"])
def test_listed__module_of_a_namespace_that_is_run__is_that_module(name: str) -> None:
    found = _module(f"import runpy\nrunpy.run_module('{name}')").imports[-1]
    assert listed([found]) == {found: (name,)}


def test_trace__script_that_is_run__is_followed_and_finds_what_the_first_one_does(folder: Path) -> None:
    files = {"main.py": "import runpy; runpy.run_path('bin/tool')", "bin/tool": "import a, helper", "helper.py": ""}
    tracer = _trace(folder, {**files, "bin/helper.py": "import no"})
    assert _names(tracer) == ["a"]
    assert _local(tracer, folder) == ["bin/tool", "helper.py"]
    assert tracer.places == {"helper": [str(folder / "helper.py")]}
    assert tracer.remarks == []


def test_trace__script_run_by_a_module_elsewhere__is_looked_for_beside_the_first_one(folder: Path) -> None:
    files = {"main.py": "import pkg.runner", "pkg/__init__.py": "", "a.py": "import good", "pkg/a.py": "import bad"}
    files["pkg/runner.py"] = "import runpy; runpy.run_path('a.py')"
    assert _names(_trace(folder, files)) == ["good"]


def test_trace__script_of_the_current_directory__is_run_where_the_scripts_own_has_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"bin/main.py": "import runpy; runpy.run_path('a.py'); runpy.run_path('b.py')", "bin/a.py": "import a1"}
    files |= {"here/a.py": "import a2", "here/b.py": "import b2"}
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    assert sorted(_names(_trace(folder, files, "bin/main.py"))) == ["a1", "b2"]


def test_trace__folder_that_is_run__has_its_main_followed_and_its_modules_found(folder: Path) -> None:
    files = {"main.py": "import runpy; runpy.run_path('tool')", "tool/__main__.py": "import part", "tool/part.py": ""}
    assert _local(_trace(folder, files), folder) == ["tool/__main__.py", "tool/part.py"]


def test_trace__script_that_runs_itself_and_scripts_in_a_circle__ends(folder: Path) -> None:
    files = {"main.py": "import runpy; runpy.run_path(__file__); runpy.run_path('a.py')"}
    tracer = _trace(folder, {**files, "a.py": "import runpy, x; runpy.run_path('main.py'); runpy.run_path('a.py')"})
    assert _names(tracer) == ["x"]
    assert _local(tracer, folder) == ["a.py"]


@pytest.mark.parametrize("files", [{}, {"gone.py/x": ""}, {"lib/gone.py": ""}])
def test_trace__script_to_run_that_is_not_there__is_a_remark(folder: Path, files: dict[str, str]) -> None:
    tracer = _trace(folder, {"main.py": "\nimport runpy; runpy.run_path('gone.py')", **files})
    assert tracer.remarks == ["main.py:2: no local file is gone.py"]
    assert tracer.local == []


def test_trace__script_to_run_if_it_is_there__is_no_remark(folder: Path) -> None:
    text = "import runpy\nif x: runpy.run_path('gone.py')"
    assert _trace(folder, {"main.py": text}).remarks == []


def test_trace__script_to_run_that_only_running_tells__is_a_remark(folder: Path) -> None:
    tracer = _trace(folder, {"main.py": "import runpy, sys\nrunpy.run_path(sys.argv[1])"})
    text = "runs a script by a path that only running it tells: what that imports is not listed"
    assert tracer.remarks == [f"main.py:2: {text}"]


def test_trace__broken_script_to_run__is_an_error_that_names_it(folder: Path) -> None:
    with pytest.raises(NotPythonError, match=r"^a\.py:1: "):
        _trace(folder, {"main.py": "import runpy; runpy.run_path('a.py')", "a.py": "def ("})


def test_trace__broken_script_that_need_not_run__is_a_remark(folder: Path) -> None:
    text = "import runpy\ntry: runpy.run_path('a.py')\nexcept Exception: pass"
    tracer = _trace(folder, {"main.py": text, "a.py": "def ("})
    assert len(tracer.remarks) == 1
    assert tracer.remarks[0].startswith("a.py:1: ")


def test_trace__archive_that_is_run__is_a_remark(folder: Path) -> None:
    tracer = _trace(folder, {"main.py": "import runpy; runpy.run_path('a.pyz')", "a.pyz": "PK"})
    assert tracer.remarks == ["a.pyz: an archive, so what it imports is not listed"]


def test_trace__import_of_what_is_also_run__is_followed_once(folder: Path) -> None:
    tracer = _trace(folder, {"main.py": "import runpy, a; runpy.run_path('a.py')", "a.py": "import b"})
    assert _names(tracer) == ["b"]
    assert _local(tracer, folder) == ["a.py"]


def test_trace__scope__limits_which_scripts_are_run(folder: Path) -> None:
    text = "import runpy\ndef f(): runpy.run_path('a.py')\ndef g():\n runpy.run_path('b.py')\n runpy.run_path(x)"
    files = {"main.py": text, "a.py": "import a1", "b.py": "import b1"}
    assert _names(_trace(folder, files, scope=Scope("f"))) == ["a1"]
    assert _trace(folder, files, scope=Scope("f")).remarks == []
    assert len(_trace(folder, files, scope=Scope("g")).remarks) == 1


def test_read_file__runs_others_and_is_read_in_haste__is_as_the_whole(folder: Path) -> None:
    (folder / "a.py").write_text(
        "import runpy\ntry: runpy.run_path('b.py')\nexcept ImportError: pass\nrunpy.run_path(x)"
    )
    found = read_file(str(folder / "a.py"), "a.py", hasty=True)
    assert found == read_file(str(folder / "a.py"), "a.py")
    assert found.module.imports[1:] == (Import("b.py", (), SCRIPT, 2, OPTIONAL),)
    assert len(found.remarks) == 1


@pytest.mark.parametrize(
    "text",
    [
        "N = 'a'\ndef f((x, y), N): __import__(N)",
        "import runpy\nN = 'a'\ndef f((x, y), N): runpy.run_path(N)",
        "N = 'a'\nprint N\n__import__(N)",
    ],
)
def test_read__source_of_another_python__is_not_whole_so_that_its_names_are_not_followed(text: str) -> None:
    reading = read(text.encode(), "/x.py", "x.py")
    assert [found.name for found in reading.module.imports if found.name != "runpy"] == []
    assert len(reading.remarks) == 2


def test_read__notebook__has_its_names_followed_but_for_those_that_magics_bind() -> None:
    cells = '{"cells": [{"cell_type": "code", "source": "N = \'a\'\\n__import__(N)"}%s]}'
    more = ', {"cell_type": "code", "source": "N = !ls"}'
    assert [found.name for found in read((cells % "").encode(), "/x.ipynb", "x").module.imports] == ["a"]
    assert read((cells % more).encode(), "/x.ipynb", "x").module.computed == (2,)
