"""Poetry's own tables in pyproject.toml: what a project needs, in Poetry's words for versions, and where from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.markers import Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from python_package.create.inputs.dependencies import Dependencies, Wish, extras_of, text_of
from python_package.files.sections import Section
from python_package.pypi.uv_settings import place
from python_package.spec import Index, canonical

_USES = {"default": "default", "primary": "default", "supplemental": "extra", "secondary": "extra"}
_KEYS = {
    "version", "python", "platform", "markers", "extras", "optional", "allow-prereleases", "source",
    "path", "develop", "file", "git", "branch", "tag", "rev", "subdirectory", "url",
}  # fmt: skip
_CLAUSE = re.compile(r"(\^|~=|~|={1,3}|!=|<=?|>=?)?\s*([^\s,|<>=!~^]+)\s*,?\s*")


def read(table: Section, found: Dependencies) -> list[Wish]:
    """Return what [tool.poetry] asks for; the version of Python, the indexes and notes go to `found`."""
    named, usual = _indexes(table)
    wishes: list[Wish] = []
    optional = []
    dependencies = table.table("dependencies")
    for name in dependencies.data:
        if canonical(name) == "python":
            requires = constraint(dependencies.text(name), f"{dependencies} {name}")
            found.requires = ",".join(filter(None, [found.requires, requires]))
            continue
        for each in dependencies.each(name, "version"):
            if each.data.get("optional"):
                optional.append(name)
            else:
                wishes += _wishes(name, each, found, named)
    found.indexes += usual
    found.left_out("of its dependencies the optional ones are left out", optional)
    groups = [*table.table("group").data, *(["dev"] if "dev-dependencies" in table else [])]
    found.left_out("the groups of its dependencies are left out", groups)
    return wishes


def enriched(wishes: list[Wish], of_poetry: list[Wish]) -> list[Wish]:
    """Return the dependencies of [project] with the places and versions that Poetry's table adds to them.

    As for Poetry, its own table stands for them if there are none.
    """
    added: dict[str, list[Wish]] = {}
    for wish in of_poetry:
        added.setdefault(wish.name, []).append(wish)
    return [_joined(wish, more) for wish in wishes for more in added.get(wish.name, [wish])] or of_poetry


def _joined(wish: Wish, more: Wish) -> Wish:
    if more is wish:
        return wish
    wanted, added = wish.requirement, more.requirement
    wanted.specifier &= added.specifier
    wanted.extras |= added.extras
    return replace(more, package=text_of(wanted, "pypi:" if more.index else ""), url=more.url or wish.url)


def _wishes(name: str, fields: Section, found: Dependencies, named: Mapping[str, Index]) -> Iterator[Wish]:
    """Yield a dependency, if it is one here."""
    fields.only(_KEYS, "is no key of a dependency of Poetry's")
    if not all(Marker(fields.marker(each)).evaluate(found.markers) for each in _markers(fields)):
        return
    package, where = name + extras_of(fields.texts("extras")), f"{found.source}: {fields}"
    if url := place(fields, found.folder.resolve()):
        yield Wish(package, url, where)
        return
    package += constraint(fields.text("version") or "*", str(fields))
    chosen = fields.text("source").lower()
    if chosen and chosen not in named and chosen != "pypi":
        raise ValueError(f"{fields} there is no [[tool.poetry.source]] of the name {fields.text('source')}")
    yield Wish(f"pypi:{package}" if chosen else package, where=where, index=named.get(chosen))


def _markers(fields: Section) -> Iterator[str]:
    if text := fields.text("markers"):
        yield text
    if platform := fields.text("platform"):
        yield f"sys_platform == {platform!r}"
    for clause in SpecifierSet(constraint(fields.text("python"), f"{fields} python")):
        yield f"python_full_version {clause.operator} '{clause.version}'"


def _indexes(table: Section) -> tuple[dict[str, Index], list[Index]]:
    """Return the sources by name, in small letters, and those that are for all packages."""
    named, usual = {}, []
    for fields in table.tables("source"):
        name, url = fields.text("name"), fields.text("url")
        if name.lower() == "pypi" and "url" not in fields:
            usual.append("")
            continue
        if not url or not name:
            raise ValueError(f"{fields} each must have a name and a url")
        old = (key for key in ("default", "secondary") if fields.data.get(key))
        priority = next(old, fields.text("priority").lower() or "primary")
        if priority not in (*_USES, "explicit"):
            raise ValueError(f"{fields} {name}: {priority!r} is no priority of Poetry's")
        named[name.lower()] = Index(url, _USES.get(priority, priority), name)
        usual.append(name.lower())
    # A primary one takes PyPI's place, unless that is named, too; of several the best version counts.
    chosen = [named[name] for name in usual if name and named[name].use != "explicit"]
    defaults = [index for index in chosen if index.use == "default"]
    beside = defaults if "" in usual else defaults[1:]
    return named, [index.replace(use="extra") if index in beside else index for index in chosen]


def constraint(text: str, where: str) -> str:
    """Return Poetry's constraint on a version in the words of PEP 440; raise ValueError for what these cannot say."""
    if "|" in text:
        raise ValueError(f"{where}: {text!r} has alternatives, which a requirement cannot; name one range")
    clauses, at = [], 0
    text = text.strip()
    while at < len(text):
        found = _CLAUSE.match(text, at)
        if not found:
            raise ValueError(f"{where}: {text!r} is not a version of Poetry's, such as ^1.2")
        clauses += _clauses(found[1] or "", found[2], where)
        at = found.end()
    try:
        return str(SpecifierSet(",".join(clauses)))
    except InvalidSpecifier:
        raise ValueError(f"{where}: {text!r} is not a version of Poetry's, such as ^1.2") from None


def _clauses(operator: str, version: str, where: str) -> list[str]:
    if version in ("*", "x", "X") and not operator:
        return []
    if operator not in ("^", "~"):
        version = re.sub(r"(\.[*xX])+$", ".*", version)
        return [f"{operator if operator not in ('', '=') else '=='}{version}"]
    try:
        release = Version(version).release
    except InvalidVersion:
        raise ValueError(f"{where}: {version!r} is not a version") from None
    if operator == "~":
        last = 0 if len(release) == 1 else 1
    else:
        last = next((at for at, part in enumerate(release) if part), len(release) - 1)
    upper = [*release[:last], release[last] + 1, *(0 for _ in release[last + 1 :])]
    return [f">={version}", f"<{'.'.join(map(str, upper))}"]
