"""What channels have of some packages, as far as that decides where a module comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# What builds for one version of Python depend on.
PYTHON = ("python", "python_abi")


@dataclass(frozen=True)
class Build:
    """A package's version, and the constraints (Conda's) of its builds on the version of Python."""

    name: str
    version: str
    python: tuple[str, ...] = ()


@dataclass(frozen=True)
class Available:
    """All that channels have of some packages."""

    builds: frozenset[Build]

    @property
    def pythons(self) -> set[str]:
        """Return the versions of python itself."""
        return {build.version for build in self.builds if build.name == "python"}

    def for_python(self, version: str, fits: Callable[[str, str], bool]) -> dict[str, set[str]]:
        """Return the versions by name that have a build for a Python; `fits` tells of a constraint and a version."""
        wanted = {constraint for build in self.builds for constraint in build.python}
        met = {constraint for constraint in wanted if fits(constraint, version)}
        found: dict[str, set[str]] = {}
        for build in self.builds:
            if build.name == "python" or met.issuperset(build.python):
                found.setdefault(build.name, set()).add(build.version)
        return found
