"""uv's lock of what it will install (pylock.toml, PEP 751) <-> the one file of each distribution."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable
from dataclasses import replace
from urllib.parse import quote, urlsplit

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockValidationError,
)

from python_package.errors import SolveError
from python_package.files.disk import path_of
from python_package.files.documents import toml_value
from python_package.lock import Distribution
from python_package.pypi.platforms import markers_of, tags_of
from python_package.target import Target


def parse(
    text: str, version: str, abi: str, *, without: Collection[str] = (), machine: Target | None = None
) -> tuple[Distribution, ...]:
    """Return the file that each distribution is to be installed from by a CPython of that version and ABI.

    It is for a `machine`, or this one. `without` are the canonical names of those that are there already. The lock is
    uv's, which may be large. Raises SolveError when one has none that fits, or one that is named as no file of it can
    be.
    """
    markers = markers_of(version, machine.subdir if machine else "")
    try:
        lock = Pylock.from_dict(toml_value(text, most=sys.maxsize))
        lock = replace(lock, packages=[each for each in lock.packages if each.name not in without])
        chosen = list(lock.select(environment=markers, tags=tags_of(version, abi, machine)))
    except (PylockSelectError, PylockValidationError) as error:
        raise SolveError(f"cannot install from PyPI: {error}") from None
    return tuple(sorted((_distribution(*each) for each in chosen), key=lambda each: each.name))


def to_text(distributions: Iterable[Distribution]) -> str:
    """Return a pylock.toml that installs just these files."""
    lines = ['lock-version = "1.0"', 'created-by = "python-packaging-utilities"']
    for each in distributions:
        lines += ["", "[[packages]]", f"name = {_string(each.name)}"]
        lines += [f"version = {_string(each.version)}"] if each.version else []
        lines.append(_source(each))
    return "\n".join([*lines, ""])


def _source(distribution: Distribution) -> str:
    location = distribution.location
    if location.startswith("git+"):
        url, _, commit = location.removeprefix("git+").rpartition("@")
        commit, _, inside = commit.partition("#subdirectory=")
        more = f", subdirectory = {_string(inside)}" if inside else ""
        return f'vcs = {{ type = "git", url = {_string(url)}, commit-id = {_string(commit)}{more} }}'
    if not distribution.sha256:
        return f"directory = {{ path = {_string(str(path_of(location)))} }}"
    hashes = f"hashes = {{ sha256 = {_string(distribution.sha256)} }}"
    if distribution.direct and location.startswith("file:"):
        return f"archive = {{ path = {_string(str(path_of(location)))}, {hashes} }}"
    file = f"{{ url = {_string(location)}, {hashes} }}"
    if distribution.direct:
        return f"archive = {file}"
    return f"wheels = [{file}]" if urlsplit(location).path.endswith(".whl") else f"sdist = {file}"


def _distribution(
    package: Package, file: PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist
) -> Distribution:
    version = str(package.version or "")
    if isinstance(file, PackageVcs):
        inside = f"#subdirectory={file.subdirectory}" if file.subdirectory else ""
        return Distribution(package.name, version, f"git+{file.url}@{file.commit_id}{inside}", "", direct=True)
    if isinstance(file, PackageDirectory):
        return Distribution(package.name, version, _uri(file.path), "", direct=True)
    location = file.url or _uri(file.path or "")
    path = path_of(location)
    size = file.size or (path.stat().st_size if location.startswith("file:") and path.is_file() else None)
    direct = isinstance(file, PackageArchive)
    return Distribution(package.name, version, location, file.hashes.get("sha256", ""), direct, size)


def _uri(path: str) -> str:
    return "file://" + quote(path)


def _string(text: str) -> str:
    """Quote for TOML, of whose strings JSON's are a part."""
    return json.dumps(text, ensure_ascii=False)
