"""The Python API of analyze: script -> Spec."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package.analyze import analyze_script, analyze_sources
from python_package.errors import InterpreterError, NotPythonError, ScriptNotFoundError
from python_package.spec import Spec


@pytest.fixture
def python(tmp_path: Path) -> str:
    """Return a python3 of version 3.11.7."""
    return fake_python(tmp_path, "echo Python 3.11.7")


def _script(folder: Path, text: str, name: str = "script") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_analyze__script_without_py_suffix__is_its_spec(tmp_path: Path, python: str) -> None:
    script = _script(tmp_path, "import os, yaml, numpy.linalg\nfrom numpy import array\n")
    expected = Spec("3.11.7", ("numpy", "yaml"), submodules=("numpy.linalg",), names=(("numpy", "array"),))
    assert analyze_script(script, python=python) == expected
    assert analyze_script(str(script), python=python) == expected


@pytest.mark.parametrize(
    ("version", "modules"),
    [("3.11.7", ("yaml",)), ("3.12.1", ("distutils", "yaml")), ("3.13.0", ("cgi", "distutils", "yaml"))],
)
def test_analyze__module_that_left_the_standard_library__is_listed_from_then_on(
    version: str, modules: tuple[str, ...], tmp_path: Path
) -> None:
    script = _script(tmp_path, "import distutils, cgi, yaml, __future__, __main__, test.support, _winapi")
    assert analyze_script(script, python=fake_python(tmp_path, f"echo Python {version}")) == Spec(version, modules)


def test_analyze__prints_nothing_and_executes_nothing(
    tmp_path: Path, python: str, capfd: pytest.CaptureFixture[str]
) -> None:
    text = f"open({str(tmp_path / 'executed')!r}, 'w')\nprint 'x'\nimport helper\n"
    _script(tmp_path, text, "helper.py")
    analyze_script(_script(tmp_path, text), python=python)
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "executed").exists()


def test_analyze__slow_python__is_asked_while_the_script_is_read(tmp_path: Path) -> None:
    body = f"sleep 0.4; : > {tmp_path}/asked; echo Python 3.11.7"
    script = _script(tmp_path, "import yaml")
    start = time.monotonic()
    assert analyze_script(script, python=fake_python(tmp_path, body)).python == "3.11.7"
    assert 0.4 <= time.monotonic() - start < 10


def test_analyze__python_that_never_answers__ends_at_the_timeout(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(InterpreterError, match=r"within 0\.2 s"):
        analyze_script(_script(tmp_path, "import yaml"), python=fake_python(tmp_path, "sleep 60"), timeout=0.2)
    assert time.monotonic() - start < 10


def test_analyze__script_is_not_python__leaves_no_process_and_no_descriptor(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(NotPythonError, match=r"script:2: not valid Python"):
        analyze_script(_script(tmp_path, "x = 1\ndef ("), python=fake_python(tmp_path, "sleep 60"))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_analyze__no_python3_on_path__says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InterpreterError, match="python3 is not on PATH"):
        analyze_script(_script(tmp_path, "import yaml"))


def test_analyze__no_such_script__says_so(tmp_path: Path, python: str) -> None:
    with pytest.raises(ScriptNotFoundError, match=r"nowhere\.py': No such file or directory"):
        analyze_script(tmp_path / "nowhere.py", python=python)


def test_analyze__directory_without_python__says_so(tmp_path: Path, python: str) -> None:
    with pytest.raises(ScriptNotFoundError, match="is a directory with no Python file"):
        analyze_script(tmp_path, python=python)


def test_analyze__broken_link__says_so(tmp_path: Path, python: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ScriptNotFoundError, match="a broken link"):
        analyze_script(tmp_path / "link", python=python)


def test_analyze__file_that_cannot_be_read__says_so(tmp_path: Path, python: str) -> None:
    (tmp_path / "script").symlink_to("/proc/self/mem")
    with pytest.raises(ScriptNotFoundError, match="Input/output error"):
        analyze_script(tmp_path / "script", python=python)


def test_analyze__socket__says_so(tmp_path: Path, python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(ScriptNotFoundError, match="No such device or address"):
            analyze_script("socket", python=python)


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 300])
def test_analyze__name_that_no_file_can_have__says_so(name: str, python: str) -> None:
    with pytest.raises(ScriptNotFoundError, match="cannot read the script"):
        analyze_script(name, python=python)


def test_analyze_sources__dynamic_name_that_nothing_installable_has__is_a_remark(tmp_path: Path, python: str) -> None:
    name = str(tmp_path / "script.py")
    analysis = analyze_sources([(name, b"import yaml\n__import__('my-module')\n")], python=python)
    assert analysis.spec.modules == ("yaml",)
    assert analysis.remarks == (f"{name}:2: 'my-module' is not the name of an installable module: not listed",)


def test_analyze_sources__dynamic_name_of_a_local_file__is_followed(tmp_path: Path, python: str) -> None:
    _script(tmp_path, "import yaml", "my-module.py")
    analysis = analyze_sources([(str(tmp_path / "script.py"), b"__import__('my-module')\n")], python=python)
    assert analysis.spec.modules == ("yaml",)
    assert analysis.remarks == ()


def test_analyze_sources__third_party_import__is_kept_with_its_file_line_and_dotted_name(
    tmp_path: Path, python: str
) -> None:
    _script(tmp_path, "\nimport google.cloud.storage", "helper.py")
    analysis = analyze_sources([(str(tmp_path / "script.py"), b"import os, helper")], python=python)
    (use,) = analysis.uses
    assert use.file == str((tmp_path / "helper.py").resolve())
    assert (use.found.name, use.found.line) == ("google.cloud.storage", 2)
    assert analysis.spec.modules == ("google.cloud.storage",)


def test_analyze_sources__optional_and_required_import_of_one_name__is_listed(tmp_path: Path, python: str) -> None:
    source = b"try: import cPickle\nexcept ImportError: pass\nimport cPickle\n"
    assert analyze_sources([(str(tmp_path / "script.py"), source)], python=python).spec.modules == ("cPickle",)


@pytest.mark.parametrize(
    ("source", "modules", "optional"),
    [
        ("import a", ("a",), ()),
        ("try: import a\nexcept ImportError: pass", ("a",), ("a",)),
        ("try: import a\nexcept ImportError: pass\nif x: import a", ("a",), ()),
        ("try: import a\nexcept ImportError: pass\nimport b", ("a", "b"), ("a",)),
        ("try: import a\nexcept ImportError: import b", ("a", "b"), ("a", "b")),
        ("try: from google import auth\nexcept ImportError: pass\nimport google.cloud.storage",
         ("google.auth", "google.cloud.storage"), ("google.auth",)),
    ],
)  # fmt: skip
def test_analyze_sources__import_whose_every_failure_is_handled__is_optional(
    source: str, modules: tuple[str, ...], optional: tuple[str, ...], python: str
) -> None:
    spec = analyze_sources([("script.py", source.encode())], python=python).spec
    assert (spec.modules, spec.optional) == (modules, optional)


def test_analyze_sources__optional_in_one_script_and_required_in_another__is_required(python: str) -> None:
    sources = [("one.py", b"try: import a\nexcept ImportError: pass"), ("two.py", b"import a")]
    assert analyze_sources(sources, python=python).spec.optional == ()


def test_analyze_sources__remark_that_would_come_twice__comes_once(tmp_path: Path, python: str) -> None:
    source = b"try: import cPickle, cPickle\nexcept ImportError: pass\n"
    assert len(analyze_sources([(str(tmp_path / "script.py"), source)], python=python).remarks) == 1


@pytest.mark.slow
def test_analyze_sources__large_source__takes_seconds_at_most(tmp_path: Path, python: str) -> None:
    source = b"import first\n" + b"x = [1, 2, {'a': (3, 4)}]\nif x: f(x)\n" * 50_000 + b"import last\n"
    start = time.monotonic()
    analysis = analyze_sources([(str(tmp_path / "script.py"), source)], python=python)
    assert analysis.spec.modules == ("first", "last")
    assert time.monotonic() - start < 30
