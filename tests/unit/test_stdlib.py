"""The standard library's names, against real interpreters and what real interpreters have said."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from python_package.stdlib import FIXED, standard_library, standard_once

LISTED = {"antigravity", "this"}


def _facts() -> dict[str, set[str]]:
    text = Path(__file__).with_name("data").joinpath("stdlib_module_names.txt").read_text(encoding="ascii")
    facts: dict[str, set[str]] = {}
    names: set[str] = set()
    for version, words in re.findall(r"^(3\.\d+):((?:.|\n )*)", text, flags=re.MULTILINE):
        for word in words.split():
            if word.startswith("-"):
                names.remove(word[1:])
            else:
                names.add(word.removeprefix("+"))
        facts[version] = set(names)
    return facts


FACTS = _facts()


def test_facts__six_versions__are_whole() -> None:
    assert list(FACTS) == ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]
    assert all(len(names) > 280 for names in FACTS.values())


@pytest.mark.parametrize("version", FACTS)
def test_standard_library__version_whose_names_are_known__lacks_none_of_them(version: str) -> None:
    assert FACTS[version] - standard_library(f"{version}.2") == LISTED


@pytest.mark.parametrize("version", FACTS)
def test_standard_library__version_whose_names_are_known__has_no_public_name_too_many(version: str) -> None:
    extra = standard_library(f"{version}.2") - FACTS[version]
    assert {name for name in extra if not name.startswith("_")} <= {"test", "xxlimited", "xxlimited_35", "xxsubtype"}


def test_standard_library__the_interpreter_that_runs_this__agrees() -> None:
    names = standard_library(f"{sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}")
    assert (sys.stdlib_module_names | set(sys.builtin_module_names)) - names == LISTED


@pytest.mark.parametrize(
    ("version", "absent", "present"),
    [
        ("3.7.3", "graphlib zoneinfo tomllib lib", "_ctypes _winapi nt distutils imp asyncore"),
        ("3.8.18", "graphlib zoneinfo lib", "_ctypes _json dummy_threading"),
        ("3.9.18", "tomllib lib", "_ctypes _json _csv _decimal _struct pyexpat zoneinfo formatter symbol"),
        ("3.11.7", "lib", "test distutils imp asyncore tomllib __main__ __hello__ __future__"),
        ("3.12.1", "distutils imp asyncore asynchat smtpd", "cgi lib2to3 telnetlib"),
        ("3.13.0", "cgi lib2to3 telnetlib crypt imp", "test tomllib"),
        ("3.14.0", "cgi", "test annotationlib compression"),
        ("3.15.2", "sre_parse", "profiling annotationlib"),
        ("3.15.0a7+", "sre_parse", "profiling"),
        ("3.99.0", "sre_parse imp", "profiling os test"),
        ("2.7.18", "asyncio pathlib", "urllib2 ConfigParser cPickle __builtin__ __main__"),
        ("1.5.2", "asyncio", "os sys"),
    ],
)
def test_standard_library__target_version__decides(version: str, absent: str, present: str) -> None:
    names = standard_library(version)
    assert names.isdisjoint(absent.split())
    assert names.issuperset(present.split())
    assert names.isdisjoint(LISTED)


def test_standard_once__names_of_any_version__are_all_there() -> None:
    assert standard_once() >= {"cPickle", "urllib2", "asyncore", "tomllib", "profiling", "os"}
    assert standard_once().isdisjoint(LISTED | {"numpy", "yaml"})


def test_fixed__files_of_those_names_beside_a_script__are_never_imported(tmp_path: Path) -> None:
    for name in FIXED:
        (tmp_path / f"{name}.py").write_text(f"print('shadowed {name}')\n")
    script = tmp_path / "script.py"
    # None of these modules can be imported for the test of them: a file would do that in their place.
    names = sorted(FIXED - {"__hello__", "__phello__"})  # those print
    script.write_text("".join(f"import {name}\n" for name in names) + "print('done')\n")
    ran = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, check=False, timeout=30)
    assert (ran.stdout, ran.stderr) == ("done\n", "")


def test_fixed__a_module_that_can_be_shadowed__is_not_in_it(tmp_path: Path) -> None:
    (tmp_path / "calendar.py").write_text("print('shadowed')\n")
    (tmp_path / "script.py").write_text("import calendar\n")
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "shadowed\n"
    assert "calendar" not in FIXED
