"""The Python that a script asks for, where the default python3 is not it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fake_python import fake_python

from python_package.analyze import analyze_script, analyze_sources
from python_package.analyze.values import Analysis
from python_package.host_python import on_path


def _block(*lines: str) -> str:
    return "".join(f"# {line}\n" for line in ("/// script", *lines, "///"))


def _requires(wanted: str, more: str = "") -> bytes:
    return (_block(f"requires-python = '{wanted}'") + more).encode()


class Machine:
    """A folder on PATH with interpreters that write down each time they are asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.log = folder / "log"
        self.log.touch()

    def add(self, name: str, version: str, command: str = "", folder: Path | None = None) -> Path:
        path = (folder or self.bin) / name
        path.write_text(f"#!/bin/sh\necho {name} \"$@\" >> '{self.log}'\n{command or f'echo Python {version}'}\n")
        path.chmod(0o755)
        return path

    def analyze(self, *sources: bytes) -> Analysis:
        return analyze_sources([(f"{number}.py", source) for number, source in enumerate(sources)])


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine whose default python3 is 3.11.7, and whose current folder is empty."""
    machine = Machine(tmp_path)
    machine.add("python3", "3.11.7")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PATH", f"{machine.bin}:/nowhere")
    return machine


@pytest.mark.parametrize(
    ("wanted", "version"),
    [(">=3.11", "3.11.0"), ("", "3.7.3"), (">=3.8,<4", "3.13.0rc1"), ("==3.11.*", "3.11.7"), ("~=3.8.0", "3.8.13+")],
)
def test_fits__version_in_the_range__is_true(wanted: str, version: str) -> None:
    assert on_path.fits(version, wanted)


@pytest.mark.parametrize(
    ("wanted", "version"), [(">=3.12", "3.11.7"), ("<3", "3.11.7"), (">=3.13", "3.13.0rc1"), ("==3.11", "3.11.7")]
)
def test_fits__version_outside_the_range__is_false(wanted: str, version: str) -> None:
    assert not on_path.fits(version, wanted)


@pytest.mark.parametrize(
    ("wanted", "version"),
    [(">=3.8,<3.10", "3.9.0"), ("==3.9.7", "3.9.7"), (">=3.12.4,<3.13", "3.12.4"), (">=3.40", "3.40.0"), ("<3", "")],
)
def test_likeliest__range__is_of_the_newest_minor_version_in_it(wanted: str, version: str) -> None:
    assert on_path.likeliest(wanted) == version


def test_analyze__default_python_fits__asks_no_other(machine: Machine) -> None:
    machine.add("python3.12", "3.12.1")
    found = machine.analyze(_requires(">=3.9"))
    assert (found.spec.python, found.remarks) == ("3.11.7", ())
    assert machine.log.read_text() == "python3 -V\n"


def test_analyze__another_python_on_path_fits__is_the_newest_and_said(machine: Machine) -> None:
    for version in ("3.9.18", "3.12.1", "3.13.0"):
        machine.add(f"python{version[: version.rindex('.')]}", version)
    found = machine.analyze(_requires(">=3.12"))
    assert (found.spec.python, found.version) == ("3.13.0", "3.13.0")
    assert found.remarks == (
        "0.py:2: the script requires Python >=3.12, which the default python3 3.11.7 is not; "
        f"taking 3.13.0, of {machine.bin}/python3.13",
    )
    assert machine.log.read_text() == "python3 -V\npython3.13 -V\n"
    assert machine.analyze(_requires("<3.10")).spec.python == "3.9.18"


@pytest.mark.parametrize("command", ["echo no such version >&2; exit 127", "exit 0", "echo Python 3.11.1"])
def test_analyze__python_on_path_that_is_not_what_its_name_says__the_next_is_taken(
    machine: Machine, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more").mkdir()
    machine.add("python3.13", "", command)
    machine.add("python3.13", "3.13.2", folder=tmp_path / "more")
    machine.add("python3.12", "3.12.1")
    assert machine.analyze(_requires(">=3.12")).spec.python == "3.12.1"
    monkeypatch.setenv("PATH", f"{machine.bin}:{tmp_path}/more")
    assert machine.analyze(_requires(">=3.12")).spec.python == "3.13.2"


def test_analyze__python_in_the_working_directory__is_not_run(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add("python3.14", "3.14.1", folder=Path())
    (Path() / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.setenv("PATH", f"{machine.bin}::.:{os.curdir}")
    found = machine.analyze(_requires(">=3.14"))
    assert found.spec.python == ">=3.14"
    assert "python3.14" not in machine.log.read_text()


def test_analyze__no_python_fits__is_the_range_and_said(machine: Machine) -> None:
    machine.add("python3.12", "3.12.1")
    found = machine.analyze(_requires(" >=3.14, <4"))
    assert found.spec.python == ">=3.14,<4"
    assert found.remarks == (
        "0.py:2: the script requires Python >=3.14, <4, which the default python3 3.11.7 is not, "
        "nor any other on PATH; create takes the newest that its channels have",
    )
    assert machine.log.read_text() == "python3 -V\n"


def test_analyze__several_scripts__get_one_that_serves_all(machine: Machine) -> None:
    machine.add("python3.12", "3.12.1")
    machine.add("python3.13", "3.13.0")
    assert machine.analyze(_requires(">=3.12"), _requires("<3.13")).spec.python == "3.12.1"
    assert machine.analyze(_requires(">=3.14"), _requires("<3.16"), b"").spec.python == ">=3.14,<3.16"
    assert machine.analyze(_requires(">=3.14"), _requires("<3.9")).spec.python == ">=3.14,<3.9"


def test_analyze__python_that_is_taken__decides_what_is_standard_and_which_markers_hold(machine: Machine) -> None:
    source = "import distutils, tomllib, asyncore\n"
    old = _block(
        "requires-python = '<3.10'", "dependencies = ['a; python_version < \"3.11\"', 'b; python_version > \"3.11\"']"
    )
    found = machine.analyze((old + source).encode()).spec
    assert (found.python, found.modules, found.packages) == ("<3.10", ("tomllib",), ("a",))
    machine.add("python3.12", "3.12.1")
    found = machine.analyze((old.replace("<3.10", ">=3.12") + source).encode()).spec
    assert (found.python, found.modules, found.packages) == ("3.12.1", ("asyncore", "distutils"), ("b",))


def test_analyze__pinned__are_what_the_python_that_is_taken_has(machine: Machine, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "six-1.16.dist-info").mkdir(parents=True)
    (site / "six.py").touch()
    (site / "six-1.16.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.16\n")
    machine.add("python3.12", "", f'[ "$1" = -V ] && echo Python 3.12.1 || echo \'["{site}"]\'')
    (tmp_path / "task.py").write_bytes(_requires(">=3.12", "import six"))
    spec = analyze_script(tmp_path / "task.py", pin=True, local=True)
    assert [(pin.package, pin.version) for pin in spec.pins] == [("six", "1.16")]


def test_analyze__directory__one_file_does_not_decide_for_all(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "a.py").write_bytes(_requires(">=3.12"))
    assert analyze_script(tmp_path / "project").python == "3.11.7"
    assert machine.log.read_text() == "python3 -V\n"


def test_analyze__python_named_by_its_path__is_the_default(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_bytes(_requires(">=3.8"))
    assert analyze_script(tmp_path / "task.py", python=fake_python(tmp_path, "echo Python 3.8.1")).python == "3.8.1"
