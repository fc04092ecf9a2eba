"""A file's wishes, in the form that all of create understands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from python_package import toml
from python_package.environment.wheels import parse
from python_package.errors import InterpreterError, SpecError
from python_package.names.table import canonical
from python_package.spec import Pin, Spec


@dataclass(frozen=True)
class Given:
    """What a file asks for, and what the user must be told of the rest that it says."""

    spec: Spec
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """A package, as a dependency file writes it, and where it is if it is asked of no index: an address, or ''."""

    package: str
    url: str = ""

    @property
    def requirement(self) -> Requirement:
        """Return the package as PEP 508 has it."""
        return Requirement(self.package.removeprefix("pypi:"))


def spec(python: str, wishes: Iterable[Wish], channels: Sequence[str] = ()) -> Spec:
    """Return the dependency file that asks for the wishes."""
    wishes = sorted(set(wishes), key=lambda wish: wish.package)
    pins = []
    for wish in wishes:
        if wish.url:
            name = canonical(wish.requirement.name)
            pins.append(Pin(name.replace("-", "_"), name, "", "local", wish.url))
    return Spec(python, (), packages=tuple(wish.package for wish in wishes), pins=tuple(pins), channels=tuple(channels))


def wish(text: str, where: str, python: str, *, only: str = "", folder: Path | None = None) -> Wish | None:
    """Read a requirement (PEP 508, or a path as pip has it); None when its marker says that it is not for us.

    `only` is `pypi:` where no channel may be asked, `folder` is what paths are relative to. Raises SpecError for what
    is neither, and for a project whose name is not to be seen.
    """
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        if not _is_place(text):
            raise SpecError(f"{where}: {text!r} is not a requirement, such as numpy>=1.26") from None
        return _placed(text, where, only, folder or Path())
    if wanted.marker and not wanted.marker.evaluate(_markers(python)):
        return None
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return Wish(f"{only}{wanted.name}{extras}{wanted.specifier}", wanted.url or "")


def _is_place(text: str) -> bool:
    return text.startswith((".", "/", "~")) or "://" in text or "/" in text or text.endswith(".whl")


def _placed(text: str, where: str, only: str, folder: Path) -> Wish:
    """Read a path, or an address that tells the name of what is there."""
    text, _, marker = text.partition(" ;")
    bare, bracket, extras = text.strip().partition("[")
    place = bare.removeprefix("file://")
    if "://" in place:
        name = re.search(r"[#&]egg=([\w.-]+)", text)
        if marker or not name:
            raise SpecError(f"{where}: the name of {text.strip()!r} is not to be seen; write NAME @ {text.strip()}")
        return Wish(f"{only}{name[1]}", re.sub(r"[#&]egg=[^&]*", "", text.strip()))
    path = (folder / Path(place).expanduser()).resolve()
    found = _name(path)
    if marker or not found:
        raise SpecError(f"{where}: the name of {text.strip()!r} is not to be seen; write NAME @ {path.as_uri()}")
    return Wish(f"{only}{found}{bracket}{extras}", path.as_uri())


def _name(path: Path) -> str:
    """Return the name of a wheel's or a project's distribution, or ''."""
    if path.suffix == ".whl":
        return (parse(path.name) or ("",))[0]
    try:
        data = toml.loads((path / "pyproject.toml").read_text(encoding="utf-8"))
        return str(data["project"]["name"])
    except (OSError, UnicodeDecodeError, toml.TOMLDecodeError, KeyError, TypeError):
        return ""


def _markers(python: str) -> dict[str, str]:
    from python_package.channel.interpreter import ask  # its room takes long to import

    try:
        return {**ask(python).markers, "extra": ""}
    except InterpreterError:
        return {"extra": ""}
