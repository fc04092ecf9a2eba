"""Which modules came with the packages of an environment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path, PurePosixPath

from python_package.import_names.package import Package, parse
from python_package.import_names.table import canonical


def modules(site: Path, packages: Iterable[str]) -> tuple[str, ...]:
    """Return the top-level modules in site-packages that have the name of one of the packages, as they are spelled.

    That is what the names themselves tell of packages that were asked for by name.

    A folder without __init__.py may be a namespace or mere data, and is none.
    """
    wanted = {canonical(parse(package).name) for package in packages}
    found = set()
    for place in site.iterdir():
        name = place.name.partition(".")[0]
        is_module = place.suffix in (".py", ".so") or (place / "__init__.py").is_file()
        if is_module and name.isidentifier() and canonical(name) in wanted:
            found.add(name)
    return tuple(sorted(found))


def by(prefix: Path, package: Package) -> tuple[str, ...]:
    """Return the modules that a package brought, without what is inside them; none where it is not installed.

    What is shared with others, the packages that the module it was installed for is in, is passed over.
    """
    shared = {*map(str, PurePosixPath(package.module.replace(".", "/")).parents)}
    found = {name for file in _files(prefix, package) if (name := _module(file)) and name not in shared}
    outermost = {name for name in found if found.isdisjoint(map(str, PurePosixPath(name).parents))}
    return tuple(sorted(name.replace("/", ".") for name in outermost))


def _files(prefix: Path, package: Package) -> Iterable[str]:
    """Return the files of a package below site-packages."""
    for name in package.conda:
        for file in (prefix / "conda-meta").glob(f"{name}-*.json"):
            record = json.loads(file.read_text(encoding="utf-8"))
            if record["name"] == name:
                return [path.partition("/site-packages/")[2] for path in record["files"]]
    for site in prefix.glob("lib/python3*/site-packages"):
        for distribution in metadata.distributions(path=[str(site)]):
            if package.pypi and canonical(distribution.metadata["Name"] or "") == package.pypi:
                return [file.as_posix() for file in distribution.files or ()]
    return []


def _module(file: str) -> str:
    """Return the module that a file is, with slashes, or ''."""
    path = PurePosixPath(file)
    name = path.with_name(path.name.partition(".")[0]) if path.name else path
    if path.suffix not in (".py", ".so") or not all(part.isidentifier() for part in name.parts):
        return ""
    return str(name.parent if name.name == "__init__" else name)
