"""A machine as PyPI and uv know it."""

from __future__ import annotations

import os
import subprocess

import pytest
from packaging import tags
from packaging.markers import default_environment
from uv import find_uv_bin

from python_package.conda.records import PLATFORM
from python_package.pypi import platforms
from python_package.target import PLATFORMS, Target, version

GLIBC = version(str(os.confstr("CS_GNU_LIBC_VERSION")).split()[1])


def test_tags_of__a_machine_like_this_one__are_those_that_pip_has_here() -> None:
    here = Target(PLATFORM, glibc=GLIBC)
    assert list(platforms.tags_of("3.11.7", "cp311", here)) == list(platforms.tags_of("3.11.7", "cp311", None))
    assert platforms.tags_of("3.11.7", "cp311", None)[0] == next(tags.cpython_tags((3, 11), ["cp311"]))


def test_tags_of__older_glibc__has_none_of_a_newer_one() -> None:
    found = {tag.platform for tag in platforms.tags_of("3.13.1", "cp313t", Target("linux-aarch64", glibc=(2, 30)))}
    assert {"manylinux_2_30_aarch64", "manylinux2014_aarch64", "linux_aarch64", "any"} <= found
    assert not found & {"manylinux_2_31_aarch64", "manylinux_2_28_x86_64", "manylinux2010_aarch64"}


@pytest.mark.parametrize(
    ("glibc", "minor"), [((2, 5), 17), ((2, 27), 17), ((2, 28), 28), ((2, 30), 28), ((2, 36), 36), ((2, 99), 40)]
)
def test_for_uv__glibc__is_the_newest_of_uv_that_is_not_above(glibc: tuple[int, int], minor: int) -> None:
    assert platforms.for_uv(Target("linux-64", glibc=glibc)) == f"x86_64-manylinux_2_{minor}"


def test_uv__its_list_of_platforms__is_the_one_that_is_chosen_from() -> None:
    help_ = [find_uv_bin(), "pip", "compile", "--help"]
    said = subprocess.run(help_, check=True, capture_output=True, text=True, timeout=60).stdout
    assert platforms._MACHINES.keys() == PLATFORMS.keys()
    for machine, _ in platforms._MACHINES.values():
        assert all(f"{machine}-manylinux_2_{minor}" in said for minor in platforms._OF_UV)


def test_markers_of__this_platform__are_the_interpreters_but_for_what_only_this_machine_has() -> None:
    only_here = {"platform_release": "", "platform_version": ""}
    own = platforms.markers_of("3.12.1")
    assert platforms.markers_of("3.12.1", PLATFORM) == {**own, **only_here}
    assert (own["python_version"], own["platform_release"]) == ("3.12", default_environment()["platform_release"])
    assert platforms.markers_of("3.12.1", "linux-aarch64")["platform_machine"] == "aarch64"
    assert platforms.markers_of("3.12.1", "linux-ppc64le") == own
