"""Following local files, beyond the corpus: faults, order, and what is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from python_package.analyze.trace import Tracer
from python_package.errors import NotPythonError, ScriptNotFoundError

STANDARD = frozenset({"os", "logging", "calendar"})


def _lay_out(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path.resolve()


def _trace(folder: Path, files: dict[str, str], script: str = "main.py") -> Tracer:
    _lay_out(folder, files)
    tracer = Tracer(script, str(folder / script), lambda: STANDARD)
    tracer.trace((folder / script).read_bytes())
    return tracer


def _names(tracer: Tracer) -> list[str]:
    return [use.found.name for use in tracer.uses]


def test_trace__broken_module_that_is_required__names_its_file_and_line(folder: Path) -> None:
    with pytest.raises(NotPythonError, match=r"^pkg/bad\.py:2: "):
        _trace(folder, {"main.py": "from pkg import bad", "pkg/__init__.py": "", "pkg/bad.py": "x = 1\ndef ("})


def test_trace__broken_module_first_optional_then_required__is_an_error(folder: Path) -> None:
    files = {"main.py": "try: import bad\nexcept Exception: pass\nimport bad", "bad.py": "def ("}
    with pytest.raises(NotPythonError):
        _trace(folder, files)


def test_trace__broken_module_optional_here_and_required_by_a_followed_file__is_an_error(folder: Path) -> None:
    files = {"main.py": "import helper\ntry: import bad\nexcept Exception: pass", "bad.py": "def ("}
    with pytest.raises(NotPythonError):
        _trace(folder, {**files, "helper.py": "import deeper", "deeper.py": "import bad"})


def test_trace__broken_module_that_nothing_reaches__does_not_matter(folder: Path) -> None:
    assert _names(_trace(folder, {"main.py": "import a", "bad.py": "def ("})) == ["a"]


def test_trace__module_that_cannot_be_read__says_which_import_wants_it(folder: Path) -> None:
    # A regular file whose reading fails: chmod would not stop root.
    (folder / "gone.py").symlink_to("/proc/self/mem")
    with pytest.raises(ScriptNotFoundError, match=r"^gone\.py: Input/output error; main\.py:2 imports it$"):
        _trace(folder, {"main.py": "\nimport gone"})


def test_trace__script_that_imports_itself__is_local_and_read_once(folder: Path) -> None:
    tracer = _trace(folder, {"numpy.py": "import numpy, a"}, "numpy.py")
    assert _names(tracer) == ["a"]
    assert tracer.local == []


def test_trace__link_to_a_script__searches_the_folder_of_the_real_one(folder: Path) -> None:
    _lay_out(folder, {"real/main.py": "import helper", "real/helper.py": "import a", "bin/helper.py": "import b"})
    link = folder / "bin" / "main"
    link.symlink_to(folder / "real" / "main.py")
    tracer = Tracer("bin/main", os.path.realpath(link), lambda: STANDARD)
    tracer.trace(link.read_bytes())
    assert _names(tracer) == ["a"]


def test_trace__link_that_leads_nowhere__is_no_module(folder: Path) -> None:
    (folder / "numpy.py").symlink_to(folder / "nowhere.py")
    assert _names(_trace(folder, {"main.py": "import numpy"})) == ["numpy"]


def test_trace__folder_named_like_a_file__is_no_module(folder: Path) -> None:
    (folder / "numpy.py").mkdir()
    assert _names(_trace(folder, {"main.py": "import numpy"})) == ["numpy"]


def test_trace__namespace_folder_of_a_standard_name__does_not_hide_the_standard_module(folder: Path) -> None:
    tracer = _trace(folder, {"main.py": "from logging import config", "logging/config.py": "import a"})
    assert _names(tracer) == ["logging"]
    assert tracer.local == []


def test_trace__regular_package_of_a_standard_name__hides_the_standard_module(folder: Path) -> None:
    tracer = _trace(folder, {"main.py": "from calendar import x", "calendar/__init__.py": "import a"})
    assert _names(tracer) == ["a"]


def test_trace__namespace_shared_with_an_installed_one__lists_only_what_is_not_local(folder: Path) -> None:
    files = {"main.py": "from google import mine\nimport google.cloud", "google/mine.py": "import a"}
    tracer = _trace(folder, files)
    assert _names(tracer) == ["google.cloud", "a"]


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("import pkg.gone", "pkg.gone"),
        ("from pkg.gone import x", "pkg.gone"),
        ("from .gone import x", ".gone"),
        ("import plain.gone", "plain.gone"),
    ],
)
def test_trace__local_submodule_that_is_missing__is_a_remark(folder: Path, statement: str, missing: str) -> None:
    tracer = _trace(folder, {"main.py": f"\n{statement}", "pkg/__init__.py": "", "plain.py": ""})
    assert tracer.remarks == [f"main.py:2: no local module answers {missing}"]
    assert _names(tracer) == []


def test_trace__missing_submodule_that_is_optional__is_no_remark(folder: Path) -> None:
    files = {"main.py": "try: import pkg.gone\nexcept ImportError: pass", "pkg/__init__.py": ""}
    assert _trace(folder, files).remarks == []


def test_trace__name_taken_from_a_package_that_is_no_submodule__is_no_remark(folder: Path) -> None:
    assert _trace(folder, {"main.py": "from pkg import x", "pkg/__init__.py": "x = 1"}).remarks == []


def test_trace__star_of_a_package_without_all__reaches_the_package_alone(folder: Path) -> None:
    files = {"main.py": "from pkg import *", "pkg/__init__.py": "import a", "pkg/other.py": "import b"}
    assert _names(_trace(folder, files)) == ["a"]


def test_trace__folder_put_on_the_path_by_a_followed_file__answers_what_was_not_found_before(folder: Path) -> None:
    files = {"main.py": "import deep\nimport setup_path", "setup_path.py": "import sys; sys.path.insert(0, 'lib')"}
    tracer = _trace(folder, {**files, "lib/deep.py": "import a"})
    assert _names(tracer) == ["sys", "a"]


def test_trace__folder_in_front_of_the_path__comes_before_the_scripts(folder: Path) -> None:
    files = {"lib/helper.py": "import first", "helper.py": "import second"}
    front = {"main.py": "import sys; sys.path.insert(0, 'lib'); import helper"}
    assert "first" in _names(_trace(folder, {**files, **front}))
    back = {"main.py": "import sys; sys.path.append('lib'); import helper"}
    assert "second" in _names(_trace(folder, {**files, **back}))


def test_trace__literal_folder_of_the_current_directory__is_searched_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lay_out(folder, {"here/lib/helper.py": "import a"})
    monkeypatch.chdir(folder / "here")
    tracer = _trace(folder, {"bin/main.py": "import sys; sys.path.append('lib'); import helper"}, "bin/main.py")
    assert _names(tracer) == ["sys", "a"]


def test_trace__script_in_a_package__prefers_its_own_folder_to_the_packages(folder: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/main.py": "import helper",
        "pkg/helper.py": "import a",
        "helper.py": "import b",
    }
    assert _names(_trace(folder, files, "pkg/main.py")) == ["a"]


@pytest.mark.parametrize(
    "statement", ["import pkg", "from pkg import VERSION", "import pkg.inner.deep", "import other"]
)
def test_trace__script_deep_in_a_package__finds_what_is_beside_the_package(folder: Path, statement: str) -> None:
    files = {"pkg/inner/main.py": statement, "pkg/__init__.py": "VERSION = 1", "pkg/inner/__init__.py": ""}
    tracer = _trace(folder, {**files, "pkg/inner/deep.py": "", "other.py": ""}, "pkg/inner/main.py")
    assert _names(tracer) == []
    assert tracer.local != []


def test_trace__absolute_import_in_a_package__is_not_answered_by_its_own_folder(folder: Path) -> None:
    files = {
        "main.py": "import pkg.yaml_tools",
        "pkg/__init__.py": "",
        "pkg/yaml.py": "",
        "pkg/yaml_tools.py": "import yaml",
    }
    assert _names(_trace(folder, files)) == ["yaml"]


def test_trace__relative_import_above_all_folders__ends(folder: Path) -> None:
    assert _names(_trace(folder, {"main.py": "from " + "." * 99 + "x import y"})) == []


def test_trace__thousand_modules_in_a_chain__are_all_followed(folder: Path) -> None:
    files = {f"m{i}.py": f"import m{i + 1}" for i in range(1000)}
    tracer = _trace(folder, {**files, "m1000.py": "import end", "main.py": "import m0"})
    assert _names(tracer) == ["end"]
    assert len(tracer.local) == 1001


def test_trace__compiled_module_beside_its_source__follows_the_source(folder: Path) -> None:
    files = {"main.py": "import fast", "fast.py": "import a", "fast.cpython-311-x86_64-linux-gnu.so": "x"}
    tracer = _trace(folder, files)
    assert _names(tracer) == ["a"]
    assert tracer.remarks == []


def test_trace__file_whose_name_only_starts_alike__is_no_module(folder: Path) -> None:
    files = {"main.py": "import numpy", "numpy.txt": "", "numpy_tools.py": "", "numpy.test.py": "", "numpy": ""}
    assert _names(_trace(folder, files)) == ["numpy"]
