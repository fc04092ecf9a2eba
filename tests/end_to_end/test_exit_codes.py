"""The exit codes are one table: error classes, the wrapper's constants, every man page and every --help agree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from python_package import errors
from python_package.cli.process import FAULT

PACKAGE = Path(errors.__file__).parent
BIN = Path(sys.executable).parent

ANALYZE = {"ScriptNotFoundError", "InvalidScriptError", "NotPythonError", "OutputError", "InterpreterError"}
CREATE = {"SpecNotFoundError", "SpecError", "SolveError", "UnreachableError", "BrokenModuleError", "PackError"}
CREATE |= {"ChecksumError", "ContentError", "HostPythonError", "ProgramError", "RefusedError"}
BOTH = {"UsageError", "BoundError"}


def classes() -> dict[str, int]:
    found = {}
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.PackageError) and value is not errors.PackageError:
            found[name] = value.code
    return found


def documented(page: str) -> set[int]:
    """Return the codes of a man page's EXIT STATUS section: each is a paragraph's bold tag."""
    text = (PACKAGE / "man" / f"{page}.1").read_text()
    section = text.split(".SH EXIT STATUS")[1].split(".SH ")[0]
    return {int(code) for code in re.findall(r"^\.BR? (\d+)", section, re.MULTILINE)}


def test_classes__all__belong_to_a_command() -> None:
    assert set(classes()) == ANALYZE | CREATE | BOTH


@pytest.mark.parametrize(("page", "names"), [("python_package_analyze", ANALYZE), ("python_package_create", CREATE)])
def test_man_page__of_a_python_command__documents_just_its_classes_codes(page: str, names: set[str]) -> None:
    codes = {0, errors.UsageError.code, FAULT} | {classes()[name] for name in names}
    assert documented(page) - {130} == codes


@pytest.mark.parametrize(("page", "names"), [("python_package_analyze", ANALYZE), ("python_package_create", CREATE)])
def test_help__of_a_python_command__documents_just_its_classes_codes(page: str, names: set[str]) -> None:
    text = " ".join(subprocess.check_output([BIN / page, "--help"], text=True).split())
    listed = {int(code) for code in re.findall(r"\b(\d+) [a-z]", text.split("Exit status:")[1])}
    assert listed == {0, errors.UsageError.code, FAULT} | {classes()[name] for name in names}


def test_man_page__of_the_wrapper__documents_just_its_codes() -> None:
    script = (PACKAGE / "run" / "python_package_run").read_text()
    codes = {int(code) for code in re.findall(r"\bdie (\d) ", script)}
    assert codes == {1, 2, 3, 4}
    assert documented("python_package_run") - {0} == codes
