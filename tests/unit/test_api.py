"""The public Python API, as an importer sees it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import python_package
from python_package.errors import ScriptNotFoundError, UsageError
from python_package.spec import Spec


def test_analyze__script__returns_its_spec_and_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "task.py").write_text("import numpy, os\n")
    spec = python_package.analyze_script(tmp_path / "task.py", python=sys.executable)
    assert spec == Spec(".".join(map(str, sys.version_info[:3])), ("numpy",))
    assert capfd.readouterr() == ("", "")


def test_analyze__twice__is_still_a_function(tmp_path: Path) -> None:
    (tmp_path / "task.py").touch()
    for _ in range(2):
        python_package.analyze_script(tmp_path / "task.py", python=sys.executable)
    assert inspect.isfunction(python_package.analyze_script)


def test_analyze__no_such_script__raises_and_does_not_exit(tmp_path: Path) -> None:
    with pytest.raises(ScriptNotFoundError):
        python_package.analyze_script(tmp_path / "absent.py")


def test_create__bad_name__raises_and_does_not_exit() -> None:
    with pytest.raises(UsageError, match="cannot name an environment"):
        python_package.create_environment(Spec("3.11.7", ()), "a/b")


def test_import__package_alone__loads_none_of_its_rooms() -> None:
    show = "import sys, python_package; print([m for m in sys.modules if m.startswith('python_package.')])"
    assert subprocess.check_output([sys.executable, "-c", show], text=True) == "[]\n"


def test_attribute__unknown__is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'anlyze'"):
        python_package.anlyze  # type: ignore[attr-defined]  # noqa: B018
