"""pixi's tables, in pyproject.toml below [tool.pixi] or in pixi.toml: channels, Conda packages, packages of PyPI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from python_package.create.inputs.dependencies import Dependencies, Wish, extras_of
from python_package.create.inputs.environment_yml import match_specs
from python_package.files.disk import url_of
from python_package.files.sections import Section
from python_package.pypi.uv_settings import place
from python_package.spec import Index, canonical

_CONDA = ("dependencies", "host-dependencies", "build-dependencies", "run-dependencies")
_PYPI = {
    "version", "extras", "path", "editable", "git", "branch", "tag", "rev", "subdirectory", "url", "index",
    "env-markers",
}  # fmt: skip
_LEFT_OUT = ("feature", "environments", "system-requirements", "activation")


def read(table: Section, found: Dependencies) -> None:
    """Read what the tables of the default environment ask for."""
    workspace = table.table("workspace" if "workspace" in table else "project")
    found.channels += _channels(workspace, found)
    if left_out := [f"[{table.child(key)}]" for key in _LEFT_OUT if table.data.get(key)]:
        found.note(f"{', '.join(left_out)}: left out; the default environment counts")
    # The tables of this platform count more than the general ones; pixi's own names for its families.
    targets = table.table("target")
    family = ("unix", found.platform.partition("-")[0], found.platform)
    tables = [table, *(targets.table(name) for name in family if name in targets)]
    match_specs([_match_spec(each) for each in _merged(tables, *_CONDA)], found)
    for each in _merged(tables, "pypi-dependencies"):
        found.wishes += _wishes(each, found)
    for options in (workspace.table("pypi-options"), table.table("pypi-options")):
        found.indexes += _indexes(options, found)


def _channels(workspace: Section, found: Dependencies) -> list[str]:
    """Return the channels, highest priority first."""
    channels = []
    for each in workspace.entries("channels"):
        entry = Section({"channel": each} if isinstance(each, str) else each, workspace.child("channels"))
        priority, channel = entry.data.get("priority", 0), entry.text("channel", needed=True)
        if not isinstance(priority, int):
            raise ValueError(f"{entry} priority must be a number")
        channels.append((-priority, str((found.folder / channel).resolve()) if channel.startswith(".") else channel))
    return [channel for _, channel in sorted(channels, key=lambda each: each[0])]


def _merged(tables: list[Section], *keys: str) -> list[tuple[str, Section]]:
    """Return the entries of tables with their names, those of this platform in place of the general ones."""
    found: dict[str, tuple[str, Section]] = {}
    for table in tables:
        for entries in map(table.table, keys):
            for name, value in entries.data.items():
                entry = {"version": value} if isinstance(value, str) else value
                found[canonical(name)] = name, Section(entry, entries.child(name))
    return list(found.values())


def _match_spec(named: tuple[str, Section]) -> str:
    """Return a Conda package as a match spec."""
    name, table = named
    if strange := sorted(set(table.data) - {"version", "build", "channel", "build-number"}):
        what = "a package that pixi builds" if strange[0] in ("path", "git") else f"bound by its {strange[0]}"
        raise ValueError(f"{table} is {what}; name one that a channel has")
    version = table.text("version").replace(" ", "") or "*"
    channel = table.text("channel")
    return f"{channel}{channel and '::'}{name} {version} {table.text('build')}".strip()


def _wishes(named: tuple[str, Section], found: Dependencies) -> Iterator[Wish]:
    """Yield a package that PyPI, or a place that is named, is asked for, if its marker is true here."""
    name, table = named
    table.only(_PYPI, "is no key that is read here")
    version = table.text("version").removeprefix("*")
    text = f"{name}{extras_of(table.texts('extras'))}{version}"
    marker = table.text("env-markers")
    try:
        SpecifierSet(version)  # or `newest` would become part of the name
        wanted = Requirement(f"{text}{marker and ' ; '}{marker}")
    except (InvalidRequirement, InvalidSpecifier):
        raise ValueError(f"{table} {text!r} is not a requirement, such as numpy>=1.26") from None
    if wanted.marker and not wanted.marker.evaluate(found.markers):
        return
    wish = Wish(f"pypi:{text}", place(table, found.folder), f"{found.source}: {table}")
    if not wish.url and "index" in table:
        wish = replace(wish, index=Index(url_of(table.text("index"), found.folder), "explicit"))
    yield wish


def _indexes(options: Section, found: Dependencies) -> Iterator[Index]:
    """Yield the indexes of PyPI's packages."""
    if "dependency-overrides" in options:
        raise ValueError(f"{options} dependency-overrides is not read here")
    if "index-url" in options:
        yield Index(url_of(options.text("index-url"), found.folder), "default")
    for url in options.texts("extra-index-urls"):
        yield Index(url_of(url, found.folder), "first")
    for links in options.tables("find-links"):
        yield Index(url_of(links.text("url" if "url" in links else "path", needed=True), found.folder), "links")
