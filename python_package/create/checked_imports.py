"""What create imports of an environment before it ships, and how messages tell of what does not import.

An import is written `module`, or `module:name` for `from module import name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from python_package.files.prefix import Prefix
from python_package.import_names import installed, table
from python_package.import_names.package import Package, parse
from python_package.lock import Lock
from python_package.spec import canonical

_FEW = 5

# What glibc's loader says, and nearly everybody passes on.
_MISSING = re.compile(r"([^\s:'\"(]+): cannot open shared object file")


@dataclass(frozen=True)
class Imports:
    """The imports without which nothing ships, and those whose failure is a note: of optional modules, or deferred.

    `chosen` are the packages that were installed for modules, where that is known.
    """

    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()
    chosen: Mapping[str, Package] = field(default_factory=dict)


def imports(prefix: Path, made: Lock, chosen: Iterable[Package] = ()) -> Imports:
    """Return what to import in an environment: modules first, then what is below them."""
    spec = made.spec
    named = modules_named(Prefix(prefix).site_packages, spec.packages) if spec.packages else ()
    modules = sorted({*named, *made.modules})
    had = [module for module in spec.submodules if not _within(module, made.dropped)]
    names = [f"{module}:{name}" for module, name in spec.names if not _within(module, made.dropped)]
    needed = [module for module in modules if module not in spec.optional]
    needed += [module for module in had if module not in spec.deferred]
    optional = [module for module in modules if module in spec.optional]
    deferred = [module for module in had if module in spec.deferred]
    return Imports((*needed, *names), tuple(optional), tuple(deferred), {each.module: each for each in chosen})


def modules_named(site: Path, packages: Iterable[str]) -> tuple[str, ...]:
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


def above(wanted: str) -> Iterator[str]:
    """Yield the packages that an import is below, and of a name the module that it is taken from, outermost first."""
    module, _, name = wanted.partition(":")
    parts = module.split(".")
    yield from (".".join(parts[:length]) for length in range(1, len(parts) + bool(name)))


def missing_libraries(why: str) -> frozenset[str]:
    """Return the libraries that an import failed for want of, by the text of its error."""
    return frozenset(_MISSING.findall(why))


def faults(broken: Mapping[str, str], prefix: Path, chosen: Mapping[str, Package] | None = None) -> str:
    """Return what does not import and why, with what is installed instead and how to ask for something else.

    `chosen` are the packages that were installed for modules.
    """
    texts, advice = [], []
    lacking = sorted({library for why in broken.values() for library in missing_libraries(why)})
    for wanted in sorted(broken):
        module, _, name = wanted.partition(":")
        text, why = f"from {module} import {name}" if name else module, broken[wanted]
        # That a module is missing is no matter of its version.
        found = installed.find([module], [str(Prefix(prefix).site_packages)]).get(module, ())
        owner = next((each for each in found if each.version), None) if [*above(wanted)] else None
        package = (chosen or {}).get(wanted)
        if package and not found:
            why += _instead(package, prefix)
        elif owner:
            why += f"; {owner.name.removeprefix('conda:')} {owner.version} is installed"
            if not missing_libraries(why):
                advice.append(f"--map '{table.load().significant(module)}={owner.name}<{_major(owner.version)}'")
        texts.append(f"{text} ({why})")
    other = f"; where another version has it, ask for that: {' '.join(dict.fromkeys(advice))}" if advice else ""
    if lacking:
        other += (
            f"; where the workers have what this machine lacks: {' '.join(f'--allow-missing {n}' for n in lacking)}"
        )
    return "; ".join(texts) + other


def _instead(package: Package, prefix: Path) -> str:
    """Return what was installed for a module that nothing has, what that has, and which other packages may have it."""
    had = _provided_by(prefix, package)
    if not had:
        return ""
    name, known = package.pypi or package.conda[0], table.load()
    inside = [package.module, *reversed([*above(package.module)])]
    others = [each for each in dict.fromkeys(p for prefix in inside for p in known.portions(prefix)) if each != name]
    may = f" ({_few(others)})" if others else ""
    return f"; {name} was installed for it and has {_few(had)}: choose another with --map {package.module}=PACKAGE{may}"


def _provided_by(prefix: Path, package: Package) -> tuple[str, ...]:
    """Return the modules that a package brought, without what is inside them; none where it is not installed.

    What is shared with others, the packages that the module it was installed for is in, is passed over.
    """
    shared = {*map(str, PurePosixPath(package.module.replace(".", "/")).parents)}
    found = {name for file in _files(prefix, package) if (name := _module(file)) and name not in shared}
    outermost = {name for name in found if found.isdisjoint(map(str, PurePosixPath(name).parents))}
    return tuple(sorted(name.replace("/", ".") for name in outermost))


def _files(prefix: Path, package: Package) -> Iterable[str]:
    """Return the files of a package below site-packages."""
    files = {record["name"]: record["files"] for record in Prefix(prefix).conda_packages()}
    for name in package.conda:
        if name in files:
            return [path.partition("/site-packages/")[2] for path in files[name]]
    found = installed.named(Prefix(prefix).distributions()).get(package.pypi)
    return [file.as_posix() for file in (found and found.files) or ()]


def _module(file: str) -> str:
    """Return the module that a file is, with slashes, or ''."""
    path = PurePosixPath(file)
    name = path.with_name(path.name.partition(".")[0]) if path.name else path
    if path.suffix not in (".py", ".so") or not all(part.isidentifier() for part in name.parts):
        return ""
    return str(name.parent if name.name == "__init__" else name)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (", ..." if len(names) > _FEW else "")


def _within(module: str, modules: tuple[str, ...]) -> bool:
    return any(each in modules for each in (*above(module), module))


def _major(version: str) -> str:
    """Return as much of a version as tells it from its first releases: 3 of 3.1.2, 0.24 of 0.24.1."""
    parts = version.split(".")
    length = next((at for at, part in enumerate(parts, 1) if part.strip("0")), len(parts))
    return ".".join(parts[:length])
