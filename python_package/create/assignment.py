"""Which package comes from a channel and which from PyPI, by the names and versions that the channels have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from python_package.errors import SolveError
from python_package.import_names import Package
from python_package.spec import Pin

_OFFERED = 8  # versions named in a message


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
            notes.append(f"{package.module}: optional, and left out: {lack}")
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


def _exact(version: str) -> str:
    """Return the one version that a constraint allows, or ''."""
    exact = version.removeprefix("==")
    return exact if exact != version and not any(mark in exact for mark in ",*=") else ""


def _lack(package: Package, version: str, where: str, available: Collection[str]) -> str:
    if not available:
        return f"its package {(*package.conda, package.pypi)[0]}{version} is in no channel of {where}"
    wanted = f"{package.conda[0]} {_exact(version) or version}"
    return f"{wanted} is in no channel of {where}: they have {', '.join(_newest(available))}"


def _newest(available: Collection[str]) -> list[str]:
    def order(text: str) -> tuple[bool, Version | str]:
        try:
            return True, Version(text)
        except InvalidVersion:
            return False, text

    return sorted(available, key=order)[-_OFFERED:]
