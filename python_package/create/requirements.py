"""What a dependency file asks for, in packages: by name, and what the user's interpreter has from no index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_package import import_names
from python_package.create import python_version
from python_package.errors import HostPythonError
from python_package.host_python.on_path import likeliest
from python_package.import_names.installed import import_path
from python_package.import_names.package import parse
from python_package.import_names.table import canonical
from python_package.pypi import direct_url
from python_package.pypi.direct_url import Project
from python_package.spec import Spec
from python_package.stdlib import standard_library

if TYPE_CHECKING:
    from python_package.pypi.local_wheel import Member


@dataclass(frozen=True)
class Wanted:
    """The packages to look for in channels and on PyPI, and those that are built from `projects`.

    `nearby` is all that the user's interpreter has from no index, by canonical name: a project may need another.
    `files` are those of the user's own modules, and `notes` what they must be told.
    """

    packages: tuple[import_names.Package, ...]
    projects: tuple[tuple[import_names.Package, Project], ...] = ()
    nearby: Mapping[str, Project] = field(default_factory=dict)
    files: tuple[Member, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def chosen(self) -> tuple[import_names.Package, ...]:
        """Return all packages, wherever they come from."""
        return (*self.packages, *(package for package, _ in self.projects))


def resolve(spec: Spec, python: str, *, mapping: Mapping[str, str] | None = None, strict: bool = False) -> Wanted:
    """Resolve the import names of a dependency file with what the user's own `python` knows, as `names.resolve` does.

    Raises SolveError that names every module which no package is known to provide, SpecError when a local module is
    not where it should be.
    """
    files, left_out = _local(spec)
    paths = import_path(python)
    chosen = {**dict(spec.mapping), **(mapping or {})}
    found = import_names.resolve(
        spec.modules,
        paths,
        mapping=chosen,
        declared=spec.packages,
        pins=spec.pins,
        optional=spec.optional,
        strict=strict,
        standard=standard_library(_version(spec.python, python)),
    )
    packages = [*found, *import_names.requested(spec.packages)]
    notes = [package.note for package in packages if package.note]
    notes += [f"{link}: points out of its package, and is left out" for link in left_out]
    by_name = packages[len(found) :]
    nearby = direct_url.installed(paths) if by_name or any(package.origin for package in found) else {}
    declared = {package.pypi: nearby[package.pypi] for package in by_name if package.conda and package.pypi in nearby}
    mapped = {canonical(parse(package).name) for package in chosen.values()}
    placed = {canonical(pin.package): pin.url for pin in spec.pins if pin.url and canonical(pin.package) not in mapped}
    published, theirs = [], []
    for package in packages:
        project = nearby.get(package.pypi)
        origin = package.origin or (placed.get(package.pypi, "") if package in by_name else "")
        if origin:
            known = project if project and origin in (project.url, project.address) else None
            theirs.append((package, known or Project(package.pypi, _exact(package.version), origin)))
        elif package.pypi in declared and package.conda and package.module not in chosen:
            # An index may give the name of somebody's own project to anybody.
            place = declared[package.pypi]
            notes.append(f"{package.module}: it is {place.url}, which your python3 has; pypi:{package.pypi} is PyPI's")
            theirs.append((package, place))
        else:
            published.append(package)
    named = {name: Project(name, "", url) for name, url in placed.items() if name not in nearby}
    return Wanted(tuple(published), tuple(theirs), {**nearby, **named}, files, tuple(dict.fromkeys(notes)))


def _local(spec: Spec) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    if not spec.local:
        return (), ()
    from python_package.pypi import local_wheel

    return local_wheel.members(spec.local)


def _version(wanted: str, python: str) -> str:
    """Return a full version; of a range the user's own if that is in it, or else the likeliest."""
    if python_version.is_full(wanted):
        return wanted
    from python_package.host_python.interpreter import ask  # its room takes long to import

    try:
        own = ask(python).version
    except HostPythonError:
        if guess := likeliest(wanted):
            return guess  # a channel's will do
        raise
    return own if python_version.satisfies(own, wanted) else likeliest(wanted) or own


def _exact(version: str) -> str:
    """Return the version of a pin, or ''."""
    return version.removeprefix("==") if version.startswith("==") else ""
