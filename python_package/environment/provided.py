"""Which modules came with the packages that were asked for by name, as far as the names themselves tell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from python_package.names.package import parse
from python_package.names.table import canonical


def modules(site: Path, packages: Iterable[str]) -> tuple[str, ...]:
    """Return the top-level modules in site-packages that have the name of one of the packages, as they are spelled.

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
