"""The user's own modules: one pure wheel, whose version is its content, so that they travel like any distribution."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from python_package.errors import SolveError, SpecError
from python_package.files import disk, scratch
from python_package.import_names import installed
from python_package.pypi import wheel
from python_package.pypi.wheel import Member
from python_package.pypi.wheel_cache import CachedWheel, WheelCache

NAME = "python-package-local"

_MODULE_SUFFIXES = (".py", ".so")


def members(local: Iterable[tuple[str, str]]) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Return the files of modules, given as pairs of import name and path, and the links that are left out.

    A package is shipped with all that its folder holds but hidden files and compiled modules; links are followed as
    long as they stay inside. Raises SpecError when a path does not exist or two modules claim one place.
    """
    found: dict[str, Path] = {}
    left_out: list[str] = []
    for name, path in local:
        place = Path(path).absolute()
        for member in _of_module(name, place, left_out):
            other = found.setdefault(member.path, member.file)
            if other.resolve() != member.file.resolve():
                raise SpecError(f"local modules: {other} and {member.file} both want to be {member.path}; rename one")
    return tuple(Member(path, found[path]) for path in sorted(found)), tuple(left_out)


def build(files: Sequence[Member], *, wheels: WheelCache | None = None) -> CachedWheel:
    """Make the wheel of the files; the same files give the same bytes."""
    digest = hashlib.sha256()
    for each in files:
        digest.update(f"{each.path}\0{each.mode:o}\0{disk.sha256(each.file)}\0{each.file.stat().st_size}\0".encode())
    with scratch.folder() as folder:
        file = wheel.write(folder, NAME, f"0+{digest.hexdigest()[:16]}", files)
        cache = wheels or WheelCache()
        cache.trim()
        return cache.put(file, "")


def refuse_collisions(
    local: Iterable[tuple[str, str]], files: Sequence[Member], site: Path, standard: Collection[str]
) -> None:
    """Raise SolveError if a local module would hide an installed one in site-packages, or be hidden by Python's own."""
    for name, path in local:
        top = name.partition(".")[0]
        if top in standard:
            raise SolveError(f"the local module {name} ({path}) has the name of one of Python's own; rename it")
        own = [member.path for member in files if member.path.partition("/")[0].partition(".")[0] == top]
        there = [place for place in site.glob(f"{top}.*") if place.suffix in _MODULE_SUFFIXES]
        there += [site / top] if (site / top).is_dir() else []
        # Folders without __init__.py are one namespace, which everybody may fill.
        first = f"{top}/__init__.py"
        shared = there == [site / top] and first not in own and not (site / first).exists()
        if there and (not shared or any((site / each).exists() for each in own)):
            owners = ", ".join(sorted(found.name for found in installed.find([top], [str(site)]).get(top, ())))
            of = f"of {owners} " if owners else ""
            raise SolveError(
                f"the local module {name} ({path}) has the name of one {of}in the environment; rename it, "
                'or take it out of "local"'
            )


def _of_module(name: str, place: Path, left_out: list[str]) -> Iterator[Member]:
    if place.name == "__init__.py":
        place = place.parent
    if not place.exists():
        raise SpecError(f'local module {name}: {place} does not exist; analyze again, or take it out of "local"')
    target = name.replace(".", "/")
    if place.is_file():
        yield Member(f"{target}.{place.name.partition('.')[2] or 'py'}", place)
    else:
        yield from _of_package(target, place, place.resolve(), (), left_out)


def _of_package(
    target: str, folder: Path, root: Path, above: tuple[Path, ...], left_out: list[str]
) -> Iterator[Member]:
    real = folder.resolve()
    for place in sorted(folder.iterdir()):
        if place.name.startswith(".") or place.name == "__pycache__" or place.suffix == ".pyc":
            continue
        if place.is_symlink() and not place.resolve().is_relative_to(root):
            left_out.append(str(place))
        elif place.is_dir():
            if place.resolve() not in (real, *above):
                yield from _of_package(f"{target}/{place.name}", place, root, (real, *above), left_out)
        elif place.is_file():
            yield Member(f"{target}/{place.name}", place)
