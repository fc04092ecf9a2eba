"""Poetry's own tables in pyproject.toml: what a project needs, in Poetry's words for versions, and where from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from python_package.create.inputs.given import Wish, markers, text_of
from python_package.errors import SpecError
from python_package.import_names.table import canonical
from python_package.pypi.uv_settings import git
from python_package.pypi.uv_workspace import as_table, as_text
from python_package.spec import Index

_USES = {"default": "default", "primary": "default", "supplemental": "extra", "secondary": "extra"}
_KEYS = {
    "version", "python", "platform", "markers", "extras", "optional", "allow-prereleases", "source",
    "path", "develop", "file", "git", "branch", "tag", "rev", "subdirectory", "url",
}  # fmt: skip
_CLAUSE = re.compile(r"(\^|~=|~|={1,3}|!=|<=?|>=?)?\s*([^\s,|<>=!~^]+)\s*,?\s*")


@dataclass(frozen=True)
class Poetry:
    """What the tables ask for: packages, the Python, the indexes for all packages, and what is left out."""

    wishes: tuple[Wish, ...]
    python: str
    indexes: tuple[Index, ...]
    notes: tuple[str, ...]

    def enrich(self, wishes: list[Wish]) -> list[Wish]:
        """Return the dependencies of [project] with the places and versions that Poetry's table adds to them."""
        added: dict[str, list[Wish]] = {}
        for wish in self.wishes:
            added.setdefault(canonical(wish.requirement.name), []).append(wish)
        return [_joined(wish, more) for wish in wishes for more in added.get(canonical(wish.requirement.name), [wish])]


def read(table: Mapping[str, Any], source: str, folder: Path, python: str) -> Poetry:
    """Read [tool.poetry]; raises SpecError with the place for what is not valid, or cannot be done."""
    try:
        return _read(table, source, folder, python)
    except ValueError as error:
        raise SpecError(str(error)) from None


def _read(table: Mapping[str, Any], source: str, folder: Path, python: str) -> Poetry:
    where = f"{source}: [tool.poetry.dependencies]"
    named, indexes = _indexes(table, source)
    wishes: list[Wish] = []
    optional, requires = [], ""
    for name, entry in as_table(table.get("dependencies", {}), where).items():
        entries = entry if isinstance(entry, list) else [entry]
        if canonical(name) == "python":
            if len(entries) != 1 or not isinstance(entries[0], str):
                raise SpecError(f'{where}: python must be a text such as "^3.10"')
            requires = constraint(entries[0], f"{where}: python")
            continue
        for each in entries:
            fields = {"version": each} if isinstance(each, str) else as_table(each, f"{where} {name}")
            if fields.get("optional"):
                optional.append(name)
            elif found := _wish(name, fields, f"{where} {name}", folder, python, named):
                wishes.append(found)
    groups = [*as_table(table.get("group", {}), f"{source}: [tool.poetry.group]")]
    groups += ["dev"] if "dev-dependencies" in table else []
    notes = []
    if optional:
        notes.append(f"{source}: of its dependencies the optional ones are left out: {', '.join(sorted(optional))}")
    if groups:
        notes.append(f"{source}: the groups of its dependencies are left out: {', '.join(sorted(set(groups)))}")
    return Poetry(tuple(wishes), requires, indexes, tuple(notes))


def _joined(wish: Wish, more: Wish) -> Wish:
    if more is wish:
        return wish
    wanted, added = wish.requirement, more.requirement
    wanted.specifier &= added.specifier
    wanted.extras |= added.extras
    return replace(more, package=text_of(wanted, "pypi:" if more.index else ""), url=more.url or wish.url)


def _wish(
    name: str, fields: Mapping[str, Any], where: str, folder: Path, python: str, named: Mapping[str, Index]
) -> Wish | None:
    if unknown := sorted(set(fields) - _KEYS):
        raise SpecError(f"{where}: {unknown[0]} is no key of a dependency of Poetry's")
    if not all(_holds(marker, where, python) for marker in _markers(fields, where)):
        return None
    extras = fields.get("extras", [])
    if not isinstance(extras, list) or not all(isinstance(each, str) for each in extras):
        raise SpecError(f"{where}: extras must be a list of names")
    package = name + (f"[{','.join(sorted(extras))}]" if extras else "")
    within = as_text(fields.get("subdirectory", ""), f"{where}: subdirectory")
    fragment = f"#subdirectory={within}" if within else ""
    if "git" in fields:
        return Wish(package, git(as_text(fields["git"], f"{where}: git"), fields, where) + fragment, where)
    for key in ("path", "file"):
        if key in fields:
            place = folder / as_text(fields[key], f"{where}: {key}") / within
            return Wish(package, place.resolve().as_uri(), where)
    if "url" in fields:
        return Wish(package, as_text(fields["url"], f"{where}: url") + fragment, where)
    version = constraint(as_text(fields.get("version", "*"), f"{where}: version"), where)
    if "source" not in fields:
        return Wish(package + version, where=where)
    chosen = as_text(fields["source"], f"{where}: source").lower()
    if chosen == "pypi" and chosen not in named:
        return Wish(f"pypi:{package}{version}", where=where)
    if chosen not in named:
        raise SpecError(f"{where}: there is no [[tool.poetry.source]] of the name {fields['source']}")
    return Wish(f"pypi:{package}{version}", where=where, index=named[chosen])


def _markers(fields: Mapping[str, Any], where: str) -> Iterator[str]:
    if text := as_text(fields.get("markers", ""), f"{where}: markers"):
        yield text
    if platform := as_text(fields.get("platform", ""), f"{where}: platform"):
        yield f"sys_platform == {platform!r}"
    if "python" in fields:
        for clause in SpecifierSet(constraint(as_text(fields["python"], f"{where}: python"), where)):
            yield f"python_full_version {clause.operator} '{clause.version}'"


def _holds(marker: str, where: str, python: str) -> bool:
    try:
        return Marker(marker).evaluate(markers(python))
    except InvalidMarker:
        raise SpecError(f"{where}: {marker!r} is not a marker (PEP 508)") from None


def _indexes(table: Mapping[str, Any], source: str) -> tuple[dict[str, Index], tuple[Index, ...]]:
    """Return the sources by name, in small letters, and those that are for all packages."""
    where = f"{source}: [[tool.poetry.source]]"
    named, usual = {}, []
    entries = table.get("source", [])
    if not isinstance(entries, list):
        raise SpecError(f"{where} must be an array of tables")
    for entry in entries:
        fields = as_table(entry, where)
        name = as_text(fields.get("name", ""), f"{where}: name")
        priority = as_text(fields.get("priority", "primary"), f"{where} {name}: priority").lower()
        if name.lower() == "pypi" and "url" not in fields:
            usual.append("")
            continue
        url = as_text(fields.get("url", ""), f"{where} {name}: url")
        if not url or not name:
            raise SpecError(f"{where}: each must have a name and a url")
        priority = "default" if fields.get("default") else "supplemental" if fields.get("secondary") else priority
        if priority not in (*_USES, "explicit"):
            raise SpecError(f"{where} {name}: {priority!r} is no priority of Poetry's")
        named[name.lower()] = Index(url, _USES.get(priority, priority), name)
        usual.append(name.lower())
    # A primary one takes PyPI's place, unless that is named, too; of several the best version counts.
    chosen = [named[name] for name in usual if name and named[name].use != "explicit"]
    defaults = [index for index in chosen if index.use == "default"]
    beside = defaults if "" in usual else defaults[1:]
    return named, tuple(index.replace(use="extra") if index in beside else index for index in chosen)


def constraint(text: str, where: str) -> str:
    """Return Poetry's constraint on a version in the words of PEP 440; raise SpecError for what these cannot say."""
    if "|" in text:
        raise SpecError(f"{where}: {text!r} has alternatives, which a requirement cannot; name one range")
    clauses, at = [], 0
    text = text.strip()
    while at < len(text):
        found = _CLAUSE.match(text, at)
        if not found:
            raise SpecError(f"{where}: {text!r} is not a version of Poetry's, such as ^1.2")
        clauses += _clauses(found[1] or "", found[2], where)
        at = found.end()
    try:
        return str(SpecifierSet(",".join(clauses)))
    except InvalidSpecifier:
        raise SpecError(f"{where}: {text!r} is not a version of Poetry's, such as ^1.2") from None


def _clauses(operator: str, version: str, where: str) -> list[str]:
    if version in ("*", "x", "X") and not operator:
        return []
    if operator not in ("^", "~"):
        version = re.sub(r"(\.[*xX])+$", ".*", version)
        return [f"{operator if operator not in ('', '=') else '=='}{version}"]
    try:
        release = Version(version).release
    except InvalidVersion:
        raise SpecError(f"{where}: {version!r} is not a version") from None
    if operator == "~":
        last = 0 if len(release) == 1 else 1
    else:
        last = next((at for at, part in enumerate(release) if part), len(release) - 1)
    upper = [*release[:last], release[last] + 1, *(0 for _ in release[last + 1 :])]
    return [f">={version}", f"<{'.'.join(map(str, upper))}"]
