"""Whether an environment's modules can be imported on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from compiled import needing_glibc

from python_package.conda.records import PLATFORM
from python_package.create import checkable
from python_package.create.options import CreateOptions
from python_package.errors import HostPythonError
from python_package.programs import Programs
from python_package.target import Target

NEWER = Target(PLATFORM, glibc=(2, 99))


def environment(prefix: Path, *depends: str) -> Path:
    """Write an environment whose python is this one, with a package that depends on something."""
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/python").symlink_to(sys.executable)
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta/fast-1.0-0.json").write_text(json.dumps({"name": "fast", "depends": depends}))
    return prefix


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (None, ""),
        (Target(PLATFORM, glibc=(2, 28)), ""),
        (NEWER, "lib/libfuture.so needs glibc 2.98, and this machine has 2."),
    ],
)
def test_obstacle__a_file_that_needs_a_newer_glibc__counts_for_a_newer_target(
    tmp_path: Path, target: Target | None, why: str
) -> None:
    """For an older one that is no matter of the check: the environment is refused once it is measured."""
    needing_glibc(environment(tmp_path) / "lib/libfuture.so", "2.98")
    found = checkable.obstacle(Programs(tmp_path, target), CreateOptions(target=target))
    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_obstacle__nothing_needs_more_than_this_machine_has__is_none(tmp_path: Path) -> None:
    prefix = environment(tmp_path, "__archspec 1 x86_64_v2" if PLATFORM == "linux-64" else "__archspec 1 aarch64")
    assert checkable.obstacle(Programs(prefix, NEWER), CreateOptions(target=NEWER)) == ""


@pytest.mark.skipif(PLATFORM != "linux-64", reason="levels of x86-64")
def test_obstacle__package_for_a_higher_level_of_processor__is_not_imported(tmp_path: Path) -> None:
    prefix = environment(tmp_path, "__archspec 1 x86_64_v9")
    found = checkable.obstacle(Programs(prefix, NEWER), CreateOptions(target=NEWER))
    assert found.startswith("fast was built for x86_64_v9, and this machine has x86_64_v")


def test_obstacle__check_is_required__is_an_error_but_with_a_command(tmp_path: Path) -> None:
    needing_glibc(environment(tmp_path) / "lib/libfuture.so", "2.98")
    programs = Programs(tmp_path, NEWER)
    with pytest.raises(
        HostPythonError, match=r"^--require-check: the modules cannot be imported here: lib/libfuture\.so"
    ):
        checkable.obstacle(programs, CreateOptions(target=NEWER, require_check=True))
    with_command = CreateOptions(target=NEWER, require_check=True, check_with=("sh",))
    assert checkable.obstacle(programs, with_command) == ""
    assert checkable.obstacle(programs, CreateOptions(target=NEWER, check=False)) == ""


def test_require_platform__of_this_machine__is_nothing(tmp_path: Path) -> None:
    assert checkable._this_machine().subdir == PLATFORM
    checkable.require_platform(CreateOptions(target=NEWER, require_check=True, output=str(tmp_path)))
