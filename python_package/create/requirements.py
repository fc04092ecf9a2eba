"""What a dependency file asks for, as packages, and which of them come from a channel and which from PyPI."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from python_package import import_names
from python_package.create import python_version
from python_package.create.optional import left_out
from python_package.create.options import CreateOptions
from python_package.errors import HostPythonError, SolveError
from python_package.host_python.on_path import likeliest
from python_package.import_names import Wishes
from python_package.import_names.package import Package, parse
from python_package.import_names.users_python import import_path
from python_package.pypi import direct_url, local_wheel
from python_package.pypi.direct_url import Project
from python_package.pypi.wheel import Member
from python_package.spec import Pin, Spec, canonical
from python_package.stdlib import standard_library


@dataclass(frozen=True)
class Wanted:
    """The packages to look for in channels and on PyPI, and those that are built from `projects`.

    `nearby` is all that the user's interpreter has from no index, by canonical name: a project may need another.
    `files` are those of the user's own modules, and `notes` what they must be told.
    """

    packages: tuple[Package, ...]
    projects: tuple[tuple[Package, Project], ...] = ()
    nearby: Mapping[str, Project] = field(default_factory=dict)
    files: tuple[Member, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def chosen(self) -> tuple[Package, ...]:
        """Return all packages, wherever they come from."""
        return (*self.packages, *(package for package, _ in self.projects))


def resolve(spec: Spec, options: CreateOptions) -> Wanted:
    """Resolve the import names of a dependency file with what the user's own interpreter knows.

    Raises SolveError that names every module which no package is known to provide, SpecError when a local module is
    not where it should be.
    """
    if options.locked:
        return Wanted(())
    files, links = local_wheel.members(spec.local)
    paths = import_path(options.python)
    chosen = {**dict(spec.mapping), **options.mapping}
    standard = standard_library(_version(spec.python, options.python))
    wishes = Wishes(chosen, spec.packages, spec.pins, spec.optional, options.strict_names, standard)
    found = import_names.resolve(spec.modules, paths, wishes)
    packages = [*found, *import_names.requested(spec.packages)]
    notes = [package.note for package in packages if package.note]
    notes += [f"{link}: points out of its package, and is left out" for link in links]
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


def _version(wanted: str, python: str) -> str:
    """Return a full version; of a range the user's own if that is in it, or else the likeliest."""
    if python_version.is_full(wanted):
        return wanted
    from python_package.host_python.interpreter import ask  # takes long to import

    try:
        own = ask(python).version
    except HostPythonError:
        if guess := likeliest(wanted):
            return guess  # a channel's will do
        raise
    return own if python_version.satisfies(own, wanted) else likeliest(wanted) or own


def _exact(version: str) -> str:
    """Return the one version that a constraint allows, or ''."""
    exact = version.removeprefix("==")
    return exact if exact != version and not any(mark in exact for mark in ",*=") else ""


# ---- From a channel, or from PyPI


@dataclass(frozen=True)
class Assigned:
    """A package, and what asks for it: a match spec of the channels, a requirement of PyPI, or one of each."""

    package: Package
    spec: str = ""
    requirement: str = ""


@dataclass(frozen=True)
class Assignment:
    """Where every package comes from, and what the user must be told; `dropped` are optional modules left out."""

    assigned: tuple[Assigned, ...]
    notes: tuple[str, ...]
    dropped: tuple[str, ...]


def assign(
    packages: Iterable[Package],
    found: Mapping[str, Collection[str]],
    *,
    pins: Iterable[Pin] = (),
    optional: Collection[str] = (),
    where: str = "",
) -> Assignment:
    """Take from the channels called `where` what they have, by name and version, and leave the rest to PyPI.

    `found` are the versions that the channels have, by name. A pinned version that they lack is left to PyPI, with a
    note, unless it came from Conda. Absent packages are dropped; their own notes say why.

    Raises SolveError that names everything that can come from neither.
    """
    by_module = {pin.module: pin for pin in pins}
    assigned, notes, dropped, problems = [], [], [], []
    for package in packages:
        if package.absent:
            dropped.append(package.module)
            continue
        pin = by_module.get(package.module)
        from_conda = pin is not None and pin.source == "conda" and package.version == f"=={pin.version}"
        version = package.version
        name = next((name for name in package.conda if name in found), None)
        fitting = _fitting(version, found[name]) if name else []
        if name and fitting:
            # What a channel has is never replaced: PyPI only adds what the extras need.
            extra = f"{package.pypi}{package.extras}" if package.extras and package.pypi else ""
            bound = f"{package.channel}::" if package.channel else ""
            assigned.append(Assigned(package, bound + _match_spec(name, version, fitting), extra))
            continue
        lack = _lack(package, version, where, found[name] if name else ())
        if package.pypi and not (name and from_conda):
            assigned.append(Assigned(package, requirement=package.pypi + package.extras + version))
            if name or (pin and package.conda):
                notes.append(f"{package.module}: {lack}; taking it from PyPI")
        elif package.module in optional:
            dropped.append(package.module)
            notes.append(left_out(package.module, lack))
        else:
            problems.append(f"{package.module}: {lack}" + ("" if name else ", and PyPI is not asked for it"))
    if problems:
        raise SolveError(f"{'; '.join(problems)}; name a channel that has it with --channel")
    return Assignment(tuple(assigned), tuple(dict.fromkeys(notes)), tuple(dropped))


def _fitting(version: str, available: Collection[str]) -> list[str]:
    """Return the versions that fit a PEP 440 constraint, in the channel's own spelling (2023.04 is 2023.4)."""
    if not version:
        return list(available)
    exact = _exact(version)
    try:
        specifier = SpecifierSet(version)
    except InvalidSpecifier:  # 9e, 2024a: Conda's versions are freer than PyPI's; its solver knows what they mean
        return [each for each in available if each == exact or not exact]
    fitting = []
    for each in available:
        with suppress(InvalidVersion):
            if specifier.contains(Version(each), prereleases=True):
                fitting.append(each)
    return fitting


def _match_spec(name: str, version: str, fitting: Collection[str]) -> str:
    if _exact(version):
        return f"{name} =={min(fitting)}"
    # Conda writes 1.2.* for PEP 440's ==1.2.*, and knows no ===.
    clauses = [re.sub(r"^===?(?=.*\.\*$)", "", clause.strip()) for clause in version.split(",")]
    return f"{name} {','.join(clause.replace('===', '==') for clause in sorted(clauses))}".strip()


def _lack(package: Package, version: str, where: str, available: Collection[str]) -> str:
    if not available:
        return f"its package {(*package.conda, package.pypi)[0]}{version} is in no channel of {where}"
    wanted = f"{package.conda[0]} {_exact(version) or version}"
    return f"{wanted} is in no channel of {where}: they have {python_version.newest(available)}"
