"""A machine as PyPI knows it: the tags of the wheels that it takes, environment markers, and uv's name for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from packaging import tags
from packaging.markers import Environment, default_environment

from python_package.target import PLATFORMS, Target, markers

# Conda's name of a platform -> a wheel's, and the oldest glibc of its manylinux tags (PEP 600).
_MACHINES = {"linux-64": ("x86_64", 5), "linux-aarch64": ("aarch64", 17)}
# The names that the tags of some versions of glibc had before (PEP 513, 571, 599).
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
# What uv has values of --python-platform for: glibc 2.N.
_OF_UV = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)


def for_uv(machine: Target) -> str:
    """Return uv's --python-platform for a machine: the newest glibc of its list that the machine has."""
    minor = max((each for each in _OF_UV if (2, each) <= machine.glibc), default=_OF_UV[0])
    return f"{_MACHINES[machine.subdir][0]}-manylinux_2_{minor}"


def tags_of(version: str, abi: str, machine: Target | None) -> Sequence[tags.Tag]:
    """Return the tags of the wheels that a CPython of that version and ABI takes, best first; None is this machine."""
    python = tuple(int(part) for part in version.split(".")[:2])
    platforms = list(_platforms(machine) if machine else tags.platform_tags())
    interpreter = "cp" + "".join(map(str, python))
    own = tags.cpython_tags(python, [abi], platforms)
    return [*own, *tags.compatible_tags(python, interpreter, platforms)]


def _platforms(machine: Target) -> Iterator[str]:
    """Yield what packaging.tags.platform_tags would on that machine."""
    name, oldest = _MACHINES[machine.subdir]
    yield f"linux_{name}"
    for minor in range(machine.glibc[1], oldest - 1, -1):
        yield f"manylinux_2_{minor}_{name}"
        if minor in _LEGACY:
            yield f"{_LEGACY[minor]}_{name}"


def markers_of(version: str, subdir: str = "") -> Environment:
    """Return what environment markers are compared with, for a Python of that version on a platform.

    Those of this machine stand for a platform that is unknown.
    """
    here = default_environment()
    minor = ".".join(version.split(".")[:2])
    there = cast("Environment", markers(subdir)) if subdir in PLATFORMS else here
    return {**here, **there, "python_version": minor, "python_full_version": version}
