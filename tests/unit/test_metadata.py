"""Inline metadata of scripts (PEP 723): what is asked for, and blocks that cannot be honoured."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package.analyze import analyze_script, analyze_sources
from python_package.analyze.metadata import Metadata, read
from python_package.errors import InvalidScriptError
from python_package.spec import Spec

EXAMPLE = """\
#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "rich",
# ]
# ///

import requests
"""


def _read(text: str) -> Metadata | None:
    return read(text, "/job", lambda line: f"task.py:{line}")


def _block(*lines: str) -> str:
    return "\n".join(["# /// script", *(f"# {line}" if line else "#" for line in lines), "# ///", ""])


def test_read__example_of_the_specification__is_its_packages_and_python() -> None:
    metadata = _read(EXAMPLE)
    assert metadata is not None
    assert metadata.declared("3.11.7").packages == ("requests<3", "rich")
    assert metadata.requirements == (("task.py:5", "requests<3"), ("task.py:6", "rich"))
    assert metadata.python == ("task.py:3", ">=3.11")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import requests\n",
        "# /// script\n# dependencies = []\n",  # never closed
        "# /// pyproject\n# dependencies = ['a']\n# ///\n",
        "    # /// script\n    # dependencies = ['a']\n    # ///\n",
        "# /// script\n#dependencies = ['a']\n# ///\n",  # no line of a block is written like this
        "## /// script\n# dependencies = ['a']\n# ///\n",
        "# /// script\nimport a\n# ///\n",
    ],
)
def test_read__text_that_is_no_block_of_the_specification__is_none(text: str) -> None:
    assert _read(text) is None


@pytest.mark.parametrize(
    ("lines", "packages"),
    [
        ([""], ()),
        (["dependencies = []"], ()),
        (["[tool.other]", 'dependencies = ["no"]'], ()),
        (['dependencies = ["a", "b [x, y] >=1.0 , !=2.*"]'], ("a", "b[x,y]!=2.*,>=1.0")),
        (['dependencies = ["a (>=1)", "b===1.0", "c~=1.2.3", "D_e.F"]'], ("a>=1", "b===1.0", "c~=1.2.3", "D_e.F")),
        (["dependencies = [", "  # not this one", "  'a',", "", "]"], ("a",)),
    ],
)
def test_packages__requirements_in_their_forms__are_written_without_markers(
    lines: list[str], packages: tuple[str, ...]
) -> None:
    metadata = _read(_block(*lines))
    assert metadata is not None
    assert metadata.declared("3.11.7").packages == packages


@pytest.mark.parametrize(
    ("marker", "version", "holds"),
    [
        ("python_version < '3.11'", "3.10.14", True),
        ("python_version < '3.11'", "3.11.7", False),
        ("python_version >= '3.9'", "3.10.0", True),  # numbers, not text
        ("python_full_version >= '3.11.8'", "3.11.7", False),
        ("python_full_version < '3.13'", "3.13.0rc1", False),  # PEP 440: it is not before 3.13's pre-releases
        ("python_version == '3.8'", "3.8.13+", True),
        ("sys_platform == 'linux'", "3.11.7", True),
        ("sys_platform == 'win32'", "3.11.7", False),
        ("platform_system == 'Darwin' or os_name == 'nt'", "3.11.7", False),
        ("platform_python_implementation == 'PyPy'", "3.11.7", False),
        (f"platform_machine == '{os.uname().machine}'", "3.11.7", True),
        ("extra == 'test'", "3.11.7", False),
    ],
)
def test_packages__marker__is_judged_for_the_default_python3_on_linux(marker: str, version: str, holds: bool) -> None:
    metadata = _read(_block(f'dependencies = ["a>=1; {marker}", "b"]'))
    assert metadata is not None
    assert metadata.declared(version).packages == (("a>=1",) if holds else ()) + ("b",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (_block("") + "\n" + _block(""), "task.py:5: a second block"),
        ("import a\n" + _block("dependencies = [", "  'a'"), r"task.py:\d: the block .* is not TOML: "),
        (_block("dependencies = ['a']", "dependencies = ['a']"), "task.py:3: the block .* is not TOML: "),
        (_block("= 1"), "task.py:2: the block .* is not TOML: Invalid statement"),
        (_block("", "dependencies = 'a'"), "task.py:3: `dependencies` must be a list of strings"),
        (_block("dependencies = [1]"), "task.py:2: `dependencies` must be a list of strings"),
        (_block("dependencies = {a = '1'}"), "task.py:2: `dependencies` must be a list of strings"),
        (_block("dependencies = [", " 'a',", " 'b c',", "]"), "task.py:4: 'b c' is not a requirement"),
        (_block("dependencies = ['']"), "task.py:2: '' is not a requirement"),
        (_block("dependencies = ['a; python == 3']"), "is not a requirement"),
        (_block("dependencies = ['-r requirements.txt']"), "is not a requirement"),
        (_block("dependencies = ['./here']"), "is not a requirement"),
        (_block("dependencies = ['a @ here/a.zip']"), "task.py:2: .* takes a from what is not a URL"),
        (_block("dependencies = ['a===x/y']"), "cannot be written into a dependency file"),
        (_block("requires-python = 3.11"), "task.py:2: `requires-python` must be a string"),
        (_block("", "requires-python = '3.11'"), "task.py:3: `requires-python` is '3.11', not a range"),
    ],
)
def test_read__block_that_cannot_be_honoured__says_where_and_why(text: str, says: str) -> None:
    with pytest.raises(InvalidScriptError, match=says) as raised:
        _read(text)
    assert raised.value.code == 3
    assert "\n" not in str(raised.value)


@pytest.fixture
def python(tmp_path: Path) -> str:
    """Return a python3 of version 3.11.7."""
    return fake_python(tmp_path, "echo Python 3.11.7")


def test_analyze__script_with_metadata__has_its_packages_in_the_spec(tmp_path: Path, python: str) -> None:
    script = tmp_path / "task.py"
    script.write_text(EXAMPLE)
    assert analyze_script(script, python=python) == Spec("3.11.7", ("requests",), packages=("requests<3", "rich"))


def test_analyze__metadata_of_windows_and_latin_1__is_read(tmp_path: Path, python: str) -> None:
    script = tmp_path / "task.py"
    text = "# coding: latin-1\r\n" + _block("# caf\xe9", "dependencies = ['rich']").replace("\n", "\r\n")
    script.write_bytes(text.encode("latin-1"))
    assert analyze_script(script, python=python).packages == ("rich",)


def test_analyze_sources__several_scripts_and_an_option__are_one_sorted_list(tmp_path: Path, python: str) -> None:
    sources = [(str(tmp_path / f"{i}.py"), _block(f"dependencies = ['c', '{i}x']").encode()) for i in range(2)]
    spec = analyze_sources(sources, packages=["b", "c"], python=python).spec
    assert spec.packages == ("0x", "1x", "b", "c")


def test_analyze__faulty_metadata__is_an_error_before_python3_answers(tmp_path: Path) -> None:
    script = tmp_path / "task.py"
    script.write_text(_block("dependencies = 1"))
    with pytest.raises(InvalidScriptError, match=r"task\.py:2: "):
        analyze_script(script, python=fake_python(tmp_path, "sleep 60"))


def test_analyze__metadata_of_a_local_module__does_not_count(tmp_path: Path, python: str) -> None:
    (tmp_path / "helper.py").write_text(_block("dependencies = 1"))
    script = tmp_path / "task.py"
    script.write_text("import helper")
    assert analyze_script(script, python=python).packages == ()
