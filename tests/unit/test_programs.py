"""Whether an environment's programs run here, asked of the kernel."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from other_platform import write_foreign_python

from python_package import programs
from python_package.conda.records import PLATFORM
from python_package.programs import Programs, can_start
from python_package.target import of_platform


def environment(prefix: Path, text: str = "") -> Path:
    """Write a prefix whose python is this interpreter, or a script."""
    (prefix / "bin").mkdir(parents=True)
    python = prefix / "bin/python"
    if text:
        python.write_text(text)
        python.chmod(0o755)
    else:
        python.symlink_to(sys.executable)
    return prefix


def test_obstacle__of_this_machine__is_none_and_nothing_is_started(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    own = Programs(environment(tmp_path / "own"))
    script = Programs(environment(tmp_path / "script", f"#!/bin/sh\ntouch {mark}\n"))
    assert (own.foreign, own.obstacle, script.foreign, script.obstacle) == (False, "", False, "")
    assert not mark.exists()


def test_obstacle__no_python_at_all__is_none(tmp_path: Path) -> None:
    assert (Programs(tmp_path).foreign, Programs(tmp_path, of_platform(PLATFORM)).obstacle) == (False, "")


def test_obstacle__of_another_platform__says_what_it_is_and_why(tmp_path: Path) -> None:
    other = Programs(write_foreign_python(tmp_path))
    assert other.foreign
    assert other.obstacle.startswith("this machine cannot run python of linux-s390x: ")
    assert other.obstacle.endswith("Exec format error")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("exit 0", ""),
        ("echo noise; echo \"libc.so.6: version 'GLIBC_2.99' not found\" >&2; exit 1", "'GLIBC_2.99' not found"),
        ("exit 3", "python exited with 3"),
    ],
)
def test_obstacle__made_for_a_target__is_what_its_python_says(tmp_path: Path, text: str, why: str) -> None:
    """A worker's glibc may be newer than this machine's, though its platform is the same."""
    prefix = environment(tmp_path, f"#!/bin/sh\n{text}\n")
    found = Programs(prefix, of_platform(PLATFORM)).obstacle
    assert found.endswith(why)
    assert bool(found) == bool(why)


def test_obstacle__asked_twice__starts_python_once(tmp_path: Path) -> None:
    told = tmp_path / "told"
    of_target = Programs(environment(tmp_path / "env", f"#!/bin/sh\necho x >>{told}\nexit 1\n"), of_platform(PLATFORM))
    assert (of_target.obstacle, told.read_text()) == (of_target.obstacle, "x\n")


def test_can_start__platform_of_this_machine__is_true() -> None:
    assert can_start(PLATFORM)


def test_can_start__platform_without_an_emulator__is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel refuses a program of a machine that it does not know."""
    monkeypatch.setitem(programs._EXITS, "linux-none", (0xFEED, struct.pack("<I", 0)))
    assert not can_start("linux-none")
