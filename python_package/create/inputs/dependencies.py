"""What a file of another tool's asks for, in the form that all of create understands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement

from python_package.address import Address
from python_package.conda.records import PLATFORM
from python_package.create import machine
from python_package.errors import InterpreterError, SpecError
from python_package.files.disk import path_of
from python_package.pypi.uv_settings import read_pyproject
from python_package.pypi.wheel import parse_name
from python_package.spec import Index, Spec, canonical, placed
from python_package.target import Target
from python_package.target import markers as target_markers

# The folders in which Conda's packages are built, by Anaconda, by conda-forge and by conda-build at home; they end in
# NAME_TIMESTAMP/work, and `pip freeze` has them from the packages' own notes.
_CONDA_BUILD = re.compile(r"/(croot|feedstock_root|conda-bld)/|/tmp/build/|_\d{6,}/work(/|$)")


@dataclass(frozen=True)
class Given:
    """What a file asks for, and what the user must be told of the rest that it says."""

    spec: Spec
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """A package, as a dependency file writes it, and where it is if it is asked of no index: an address, or ''.

    `where` is the place in the file that asks for it, `index` the one that alone may have it.
    """

    package: str
    url: str = ""
    where: str = field(default="", compare=False)
    index: Index | None = None

    @property
    def only(self) -> str:
        """Return `pypi:` where no channel may be asked, else ''."""
        return "pypi:" if self.package.startswith("pypi:") else ""

    @property
    def requirement(self) -> Requirement:
        """Return the package as PEP 508 has it."""
        return Requirement(self.package.removeprefix(self.only))

    @property
    def name(self) -> str:
        """Return the project's canonical name."""
        return canonical(self.requirement.name)


@dataclass
class Dependencies:
    """What was found in a file so far.

    `source` is the file's path, or -; `python` the user's interpreter, of which environment markers are true or not,
    on this machine or on a target.
    `requires` is the version of Python that is asked for, `conda` are the packages that only a channel may have.
    """

    source: str
    python: str
    target: Target | None = None
    requires: str = ""
    wishes: list[Wish] = field(default_factory=list)
    conda: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Return the folder that paths in the file are relative to."""
        return Path() if self.source == "-" else Path(self.source).parent

    @cached_property
    def platform(self) -> str:
        """Return the platform that it is all for, as Conda names it."""
        return machine.platform(self.target)

    @cached_property
    def markers(self) -> Mapping[str, str]:
        """Return what environment markers are compared with."""
        own = _markers(self.python)
        return own if self.platform == PLATFORM else {**own, **target_markers(self.platform)}

    def note(self, text: str) -> None:
        """Keep what the user must be told of the file."""
        self.notes.append(f"{self.source}: {text}")

    def left_out(self, what: str, names: Iterable[str]) -> None:
        """Note which dependencies are left out, if any."""
        if listed := ", ".join(sorted(set(names))):
            self.note(f"{what}: {listed}")

    def given(self) -> Given:
        """Return the dependency file that asks for all this; raise SpecError for each file that is not there."""
        wishes = sorted(set(self.wishes), key=lambda wish: (wish.package, wish.where, wish.url))
        _refuse_rivals([wish for wish in wishes if wish.url or wish.index])
        _refuse_missing([wish for wish in wishes if wish.url.startswith("file:")])
        spec = Spec(
            self.requires,
            (),
            packages=tuple(sorted({*self.conda, *(wish.package for wish in wishes)})),
            pins=tuple(placed(wish.name, wish.url) for wish in wishes if wish.url),
            channels=tuple(dict.fromkeys(self.channels)),
            indexes=(*self.indexes, *_explicit(wishes)),
        )
        return Given(spec, tuple(dict.fromkeys(self.notes)))


def _refuse_rivals(wishes: Iterable[Wish]) -> None:
    found: dict[str, Wish] = {}
    for wish in wishes:
        other = found.setdefault(wish.name, wish)
        if (other.url, other.index) != (wish.url, wish.index):
            first, second = (Address(each.url or (each.index.url if each.index else "")) for each in (other, wish))
            raise SpecError(f"{wish.where}: {wish.name} is to come from {first}, and from {second}; name one place")


def _explicit(wishes: Iterable[Wish]) -> Iterator[Index]:
    """Yield the indexes that are for single packages, each with its own."""
    packages: dict[Index, set[str]] = {}
    for wish in wishes:
        if wish.index:
            packages.setdefault(wish.index, set()).add(wish.name)
    for index, names in packages.items():
        yield index.replace(use="explicit", packages=tuple(sorted(names)))


def _refuse_missing(wishes: Sequence[Wish]) -> None:
    missing = {wish: str(path_of(wish.url)) for wish in wishes}
    missing = {wish: path for wish, path in missing.items() if not os.path.exists(path)}  # noqa: PTH110  # a Path raises where it must not look
    built = [wish for wish, path in missing.items() if _CONDA_BUILD.search(path)]
    if built:
        raise SpecError(
            f"{_listed(built)}: pip freeze has written the folders in which Conda's packages were built, and they are "
            "not here; write the file with `pip list --format=freeze`, which writes versions instead"
        )
    if missing:
        raise SpecError(
            "; ".join(
                f"{wish.where}: {path}, where {wish.requirement.name} is to come from, does not exist"
                for wish, path in missing.items()
            )
        )


def _listed(wishes: Sequence[Wish]) -> str:
    """Return where wishes are asked for, with their names: the file once, then each line."""
    files: dict[str, list[str]] = {}
    for wish in wishes:
        file, colon, line = wish.where.rpartition(":")
        at = f" (line {line})" if line.isdigit() else ""
        files.setdefault(file if colon and line.isdigit() else wish.where, []).append(f"{wish.requirement.name}{at}")
    return "; ".join(f"{file}: {', '.join(names)}" for file, names in files.items())


def text_of(wanted: Requirement, only: str = "") -> str:
    """Return a requirement without its place and marker, as a dependency file of ours has it."""
    return f"{only}{wanted.name}{extras_of(wanted.extras)}{wanted.specifier}"


def extras_of(names: Iterable[str]) -> str:
    """Return extras as a requirement has them: [a,b], or ''."""
    listed = ",".join(sorted(names))
    return listed and f"[{listed}]"


def read_requirement(
    text: str, where: str, found: Dependencies, *, only: str = "", folder: Path | None = None
) -> Wish | None:
    """Read a requirement (PEP 508, or a path as pip has it); None when its marker says that it is not for us.

    `only` is `pypi:` where no channel may be asked, `folder` is what paths are relative to. Raises SpecError for what
    is neither, and for a project whose name is not to be seen.
    """
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        if not (text.startswith((".", "~")) or "/" in text or text.endswith(".whl")):
            raise SpecError(f"{where}: {text!r} is not a requirement, such as numpy>=1.26") from None
        return _placed(text, where, only, folder or Path())
    if wanted.marker and not wanted.marker.evaluate(found.markers):
        return None
    return Wish(text_of(wanted, only), wanted.url or "", where)


def _placed(text: str, where: str, only: str, folder: Path) -> Wish:
    """Read a path, or an address that tells the name of what is there."""
    text, _, marker = text.partition(" ;")
    bare, bracket, extras = text.strip().partition("[")
    place = bare.removeprefix("file://")
    if "://" in place:
        egg = re.search(r"[#&]egg=([\w.-]+)", text)
        name, url, place = egg[1] if egg else "", re.sub(r"[#&]egg=[^&]*", "", text.strip()), text.strip()
        bracket = extras = ""
    else:
        path = (folder / Path(place).expanduser()).resolve()
        name, url, place = _name(path), path.as_uri(), path.as_uri()
    if marker or not name:
        raise SpecError(f"{where}: the name of {text.strip()!r} is not to be seen; write NAME @ {place}")
    return Wish(f"{only}{name}{bracket}{extras}", url, where)


def _name(path: Path) -> str:
    """Return the name of a wheel's or a project's distribution, or ''."""
    if path.suffix == ".whl":
        return (parse_name(path.name) or ("",))[0]
    data = read_pyproject(path)
    with suppress(KeyError, TypeError, AttributeError):
        return str(data.get("project", {}).get("name") or data["tool"]["poetry"]["name"])
    return ""


@cache
def _markers(python: str) -> Mapping[str, str]:
    """Return what the user's interpreter has for environment markers, or our own if it does not answer."""
    from python_package.host_python.interpreter import ask  # takes long to import

    try:
        return {**ask(python).markers, "extra": ""}
    except InterpreterError:
        return {**{key: str(value) for key, value in default_environment().items()}, "extra": ""}
