"""The user's own modules: one pure wheel, whose version is its content, so that they travel like any distribution."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from python_package.errors import SolveError, SpecError
from python_package.files import disk, scratch
from python_package.import_names import installed
from python_package.pypi.wheel_cache import Wheel, Wheels

NAME = "python-package-local"

_BLOCK = 1 << 20
_MODULE_SUFFIXES = (".py", ".so")


@dataclass(frozen=True)
class Member:
    """A file to ship: its path below site-packages, and where it is."""

    path: str
    file: Path

    @property
    def mode(self) -> int:
        """Return its mode, in which only the right to execute counts."""
        return 0o755 if self.file.stat().st_mode & 0o100 else 0o644


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


def build(files: Sequence[Member], *, wheels: Wheels | None = None) -> Wheel:
    """Make the wheel of the files; the same files give the same bytes."""
    hashed = [(member, disk.sha256(member.file), member.file.stat().st_size) for member in files]
    digest = hashlib.sha256()
    for member, sha256, size in hashed:
        digest.update(f"{member.path}\0{member.mode:o}\0{sha256}\0{size}\0".encode())
    version = f"0+{digest.hexdigest()[:16]}"
    stem = f"{NAME.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: python_package\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [_line(member.path, sha256, size) for member, sha256, size in hashed]
    record += [_line(path, hashlib.sha256(text.encode()).hexdigest(), len(text)) for path, text in texts.items()]
    texts[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"])
    with scratch.folder() as folder:
        file = folder / f"{stem}-py3-none-any.whl"
        with ZipFile(file, "w", ZIP_STORED) as archive:  # the tarball compresses it
            for member in files:
                with member.file.open("rb") as source, archive.open(_entry(member.path, member.mode), "w") as target:
                    shutil.copyfileobj(source, target, _BLOCK)
            for path, text in texts.items():
                archive.writestr(_entry(path, 0o644), text)
        cache = wheels or Wheels()
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


def _line(path: str, sha256: str, size: int) -> str:
    quoted = f'"{path.replace(chr(34), chr(34) * 2)}"' if "," in path or '"' in path else path
    return f"{quoted},sha256={base64.urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b'=').decode()},{size}\n"


def _entry(path: str, mode: int) -> ZipInfo:
    entry = ZipInfo(path)  # dated 1980, as is all that is reproducible
    entry.external_attr = (0o100000 | mode) << 16
    return entry
