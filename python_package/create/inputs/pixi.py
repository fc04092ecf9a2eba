"""pixi's tables, in pyproject.toml below [tool.pixi] or in pixi.toml: channels, Conda packages, packages of PyPI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from python_package.conda.records import PLATFORM
from python_package.create.inputs import environment_yml as conda
from python_package.create.inputs.given import Wish, markers
from python_package.errors import SpecError
from python_package.import_names.table import canonical
from python_package.pypi.uv_settings import git
from python_package.spec import Index

_CONDA = ("dependencies", "host-dependencies", "build-dependencies", "run-dependencies")
_PYPI = {
    "version", "extras", "path", "editable", "git", "branch", "tag", "rev", "subdirectory", "url", "index",
    "env-markers",
}  # fmt: skip
_LEFT_OUT = ("feature", "environments", "system-requirements", "activation")


@dataclass(frozen=True)
class Pixi:
    """What the tables of the default environment ask for, and what is left out."""

    conda: conda.Conda
    wishes: tuple[Wish, ...]
    channels: tuple[str, ...]
    indexes: tuple[Index, ...]
    notes: tuple[str, ...]


def read(table: Mapping[str, Any], source: str, folder: Path, python: str, top: str = "tool.pixi.") -> Pixi:
    """Read the tables, whose names `top` begins; raises SpecError with the place for what cannot be done."""
    reader = _Reader(table, source, folder, python, top)
    channels = tuple(reader.channels())
    packages = conda.packages(list(reader.match_specs()), source)
    left_out = ", ".join(f"[{top}{key}]" for key in _LEFT_OUT if table.get(key))
    notes = [f"{source}: {left_out}: left out; the default environment counts"] if left_out else []
    more = tuple(channel for channel in packages.channels if channel not in channels)
    return Pixi(packages, tuple(reader.wishes()), channels + more, tuple(reader.indexes()), (*notes, *packages.notes))


class _Reader:
    def __init__(self, table: Mapping[str, Any], source: str, folder: Path, python: str, top: str) -> None:
        self.source = source
        self.folder = folder
        self.python = python
        self.top = top
        self.workspace = self.table(table.get("workspace", table.get("project", {})), "workspace")
        # The tables of this platform count more than the general ones; pixi's own names for its families.
        targets = self.table(table.get("target", {}), "target")
        family = ("unix", PLATFORM.partition("-")[0], PLATFORM)
        self.tables = [table, *(self.table(targets[name], f"target.{name}") for name in family if name in targets)]
        self.options = self.table(table.get("pypi-options", {}), "pypi-options")
        self.general = self.table(self.workspace.get("pypi-options", {}), "workspace.pypi-options")

    def channels(self) -> Iterator[str]:
        """Yield the channels, highest priority first."""
        found = []
        for entry in self.list(self.workspace.get("channels", []), "workspace channels"):
            table = entry if isinstance(entry, dict) else {"channel": entry}
            priority = table.get("priority", 0)
            if not isinstance(priority, int):
                raise SpecError(f"{self.source}: [{self.top}workspace] channels: priority must be a number")
            channel = self.text(table.get("channel"), "workspace channels")
            if channel.startswith("."):
                channel = str((self.folder / channel).resolve())
            found.append((-priority, channel))
        yield from (channel for _, channel in sorted(found, key=lambda each: each[0]))

    def match_specs(self) -> Iterator[str]:
        """Yield the Conda packages as match specs."""
        for name, entry in self.merged(*_CONDA).items():
            where = f"dependencies {name}"
            table = {"version": entry} if isinstance(entry, str) else self.table(entry, where)
            if strange := sorted(set(table) - {"version", "build", "channel", "build-number"}):
                what = "a package that pixi builds" if strange[0] in ("path", "git") else f"bound by its {strange[0]}"
                raise SpecError(f"{self.source}: [{self.top}{where}] is {what}; name one that a channel has")
            version = self.text(table.get("version", "*"), where).replace(" ", "") or "*"
            channel = self.text(table.get("channel", ""), where)
            build = self.text(table.get("build", ""), where)
            yield f"{channel}{channel and '::'}{name} {version} {build}".strip()

    def wishes(self) -> Iterator[Wish]:
        """Yield the packages that PyPI, or a place that is named, is asked for."""
        for name, entry in self.merged("pypi-dependencies").items():
            where = f"pypi-dependencies {name}"
            table = {"version": entry} if isinstance(entry, str) else self.table(entry, where)
            if wish := self.wish(name, table, where):
                yield wish

    def wish(self, name: str, table: Mapping[str, Any], where: str) -> Wish | None:
        place = f"{self.source}: [{self.top}{where}]"
        if unknown := sorted(set(table) - _PYPI):
            raise SpecError(f"{place}: {unknown[0]} is no key that is read here")
        extras = ",".join(self.text(each, where) for each in self.list(table.get("extras", []), where))
        version = self.text(table.get("version", "*"), where)
        marker = self.text(table.get("env-markers", ""), where)
        version = "" if version == "*" else version
        text = f"{name}{extras and f'[{extras}]'}{version}"
        try:
            SpecifierSet(version)  # or `newest` would become part of the name
            wanted = Requirement(f"{text}{marker and ' ; '}{marker}")
        except (InvalidRequirement, InvalidSpecifier):
            raise SpecError(f"{place}: {text!r} is not a requirement, such as numpy>=1.26") from None
        if wanted.marker and not wanted.marker.evaluate(markers(self.python)):
            return None
        wish = Wish(f"pypi:{text}", where=place)
        within = self.text(table.get("subdirectory", ""), where)
        fragment = f"#subdirectory={within}" if within else ""
        if "path" in table:
            path = self.folder / self.text(table["path"], where) / within
            return replace(wish, url=path.expanduser().resolve().as_uri())
        if "git" in table:
            try:
                return replace(wish, url=git(self.text(table["git"], where), table, place) + fragment)
            except ValueError as error:
                raise SpecError(str(error)) from None
        if "url" in table:
            return replace(wish, url=self.text(table["url"], where) + fragment)
        if "index" in table:
            return replace(wish, index=Index(self.url(self.text(table["index"], where)), "explicit"))
        return wish

    def indexes(self) -> Iterator[Index]:
        """Yield the indexes of PyPI's packages."""
        for options in (self.general, self.options):
            if "dependency-overrides" in options:
                raise SpecError(f"{self.source}: [{self.top}pypi-options] dependency-overrides is not read here")
            if "index-url" in options:
                yield Index(self.url(self.text(options["index-url"], "pypi-options")), "default")
            for url in self.list(options.get("extra-index-urls", []), "pypi-options"):
                yield Index(self.url(self.text(url, "pypi-options")), "first")
            for links in self.list(options.get("find-links", []), "pypi-options"):
                table = self.table(links, "pypi-options find-links")
                yield Index(self.url(self.text(table.get("url", table.get("path")), "pypi-options")), "links")

    def merged(self, *keys: str) -> dict[str, Any]:
        """Return the entries of tables by name, those of this platform in place of the general ones."""
        found: dict[str, Any] = {}
        for table in self.tables:
            for key in keys:
                entries = self.table(table.get(key, {}), key)
                names = {canonical(name) for name in entries}
                found = {name: entry for name, entry in found.items() if canonical(name) not in names} | dict(entries)
        return found

    def url(self, text: str) -> str:
        return text if "://" in text else (self.folder / text).resolve().as_uri()

    def table(self, value: object, where: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise SpecError(f"{self.source}: [{self.top}{where}] must be a table")
        return value

    def list(self, value: object, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise SpecError(f"{self.source}: [{self.top}{where}] must be a list")
        return value

    def text(self, value: object, where: str) -> str:
        if not isinstance(value, str) or "\n" in value or "\0" in value:
            raise SpecError(f"{self.source}: [{self.top}{where}] must be one line of text")
        return value
