"""What create imports of an environment before it ships, and how messages tell of what does not import.

An import is written `module`, or `module:name` for `from module import name`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from python_package.environment import provided
from python_package.lock import Lock
from python_package.names import installed, table


@dataclass(frozen=True)
class Imports:
    """The imports without which nothing ships, and those whose failure is a note: of optional modules, or deferred."""

    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()


def imports(prefix: Path, made: Lock) -> Imports:
    """Return what to import in an environment: modules first, then what is below them."""
    spec = made.spec
    sites = _sites(prefix) if spec.packages else ()
    named = {module for site in sites for module in provided.modules(site, spec.packages)}
    modules = sorted(named.union(made.modules))
    had = [module for module in spec.submodules if not _within(module, made.dropped)]
    names = [f"{module}:{name}" for module, name in spec.names if not _within(module, made.dropped)]
    needed = [module for module in modules if module not in spec.optional]
    needed += [module for module in had if module not in spec.deferred]
    optional = [module for module in modules if module in spec.optional]
    deferred = [module for module in had if module in spec.deferred]
    return Imports((*needed, *names), tuple(optional), tuple(deferred))


def above(wanted: str) -> Iterator[str]:
    """Yield the packages that an import is below, and of a name the module that it is taken from, outermost first."""
    module, _, name = wanted.partition(":")
    parts = module.split(".")
    yield from (".".join(parts[:length]) for length in range(1, len(parts) + bool(name)))


def faults(broken: Mapping[str, str], prefix: Path) -> str:
    """Return what does not import and why, with what is installed instead and how to ask for another version."""
    texts, advice = [], []
    for wanted in sorted(broken):
        module, _, name = wanted.partition(":")
        text, why = f"from {module} import {name}" if name else module, broken[wanted]
        # That a module is missing is no matter of its version.
        owner = next((found for found in _owners(module, prefix) if found.version), None) if [*above(wanted)] else None
        if owner:
            why += f"; {owner.name.removeprefix('conda:')} {owner.version} is installed"
            advice.append(f"--map '{table.load().significant(module)}={owner.name}<{_major(owner.version)}'")
        texts.append(f"{text} ({why})")
    other = f"; where another version has it, ask for that: {' '.join(dict.fromkeys(advice))}" if advice else ""
    return "; ".join(texts) + other


def _owners(module: str, prefix: Path) -> tuple[installed.Found, ...]:
    return installed.find([module], [str(site) for site in _sites(prefix)]).get(module, ())


def _sites(prefix: Path) -> Iterator[Path]:
    return prefix.glob("lib/python3*/site-packages")


def _within(module: str, modules: tuple[str, ...]) -> bool:
    return any(each in modules for each in (*above(module), module))


def _major(version: str) -> str:
    """Return as much of a version as tells it from its first releases: 3 of 3.1.2, 0.24 of 0.24.1."""
    parts = version.split(".")
    length = next((at for at, part in enumerate(parts, 1) if part.strip("0")), len(parts))
    return ".".join(parts[:length])
