"""What a dependency file asks for, in packages: by name, and what the user's interpreter has from no index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from python_package import names
from python_package.analysis.stdlib import standard_library
from python_package.channel.interpreter import ask
from python_package.environment import local, projects
from python_package.environment import python as versions
from python_package.environment.local import Member
from python_package.environment.projects import Project
from python_package.names.installed import import_path
from python_package.names.table import canonical
from python_package.spec import Spec


@dataclass(frozen=True)
class Wanted:
    """The packages to look for in channels and on PyPI, and those that are built from `projects`.

    `nearby` is all that the user's interpreter has from no index, by canonical name: a project may need another.
    `files` are those of the user's own modules, and `notes` what they must be told.
    """

    packages: tuple[names.Package, ...]
    projects: tuple[tuple[names.Package, Project], ...] = ()
    nearby: Mapping[str, Project] = field(default_factory=dict)
    files: tuple[Member, ...] = ()
    notes: tuple[str, ...] = ()


def resolve(spec: Spec, python: str, *, mapping: Mapping[str, str] | None = None, strict: bool = False) -> Wanted:
    """Resolve the import names of a dependency file with what the user's own `python` knows, as `names.resolve` does.

    Raises SolveError that names every module which no package is known to provide, SpecError when a local module is
    not where it should be.
    """
    files, left_out = local.members(spec.local)
    # Of a constraint, the user's own version is the likeliest outcome; few modules come with a constraint at all.
    full = spec.python if versions.is_full(spec.python) else ask(python).version
    paths = import_path(python)
    found = names.resolve(
        spec.modules,
        paths,
        mapping={**dict(spec.mapping), **(mapping or {})},
        strict=strict,
        standard=standard_library(full),
    )
    packages = [package for package in found if not package.origin]
    packages += names.requested(spec.packages)
    theirs = [package for package in found if package.origin]
    notes = [package.note for package in found if package.note]
    notes += [f"{link}: points out of its package, and is left out" for link in left_out]
    if not theirs:
        return Wanted(tuple(packages), files=files, notes=tuple(notes))
    nearby = projects.installed(paths)
    pinned = {pin.module: pin.version for pin in spec.pins}
    of = [
        nearby.get(canonical(package.pypi))
        or Project(package.pypi, pinned.get(package.module, ""), package.origin)
        for package in theirs
    ]  # fmt: skip
    return Wanted(tuple(packages), tuple(zip(theirs, of, strict=True)), nearby, files, tuple(notes))
