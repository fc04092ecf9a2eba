"""uv's own tables, in pyproject.toml, a workspace or a script: where dependencies come from, and bounds of versions."""

from __future__ import annotations

import glob
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement

from python_package.errors import BoundError
from python_package.files import bounds
from python_package.files.disk import url_of
from python_package.files.documents import toml_value
from python_package.files.sections import Section
from python_package.spec import Index, canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

_CONDITIONS = {"marker", "extra", "group"}
_KEYS = {
    "path": {"path", "editable", "package", "subdirectory"},
    "workspace": {"workspace", "editable"},
    "git": {"git", "rev", "tag", "branch", "subdirectory", "lfs"},
    "url": {"url", "subdirectory"},
    "index": {"index"},
}


@dataclass(frozen=True)
class Source:
    """A place that a dependency may come from, under a condition: a URL (PEP 508's), or an index."""

    url: str = ""
    index: Index | None = None
    marker: str = ""


@dataclass(frozen=True)
class Settings:
    """What uv's tables say.

    `sources` pairs canonical names with their places, `indexes` are those for all packages, and `overrides` and
    `constraints` are requirements. `members` are the projects of the workspace, which need a source of their own.
    """

    sources: Mapping[str, tuple[Source, ...]]
    indexes: tuple[Index, ...] = ()
    overrides: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    members: tuple[str, ...] = ()

    def source(self, name: str, environment: Mapping[str, str]) -> Source | None:
        """Return where a dependency comes from in an environment of markers; None for the usual indexes.

        Raises ValueError for a project of the workspace that has no source, as uv does.
        """
        name = canonical(name)
        if name in self.members and name not in self.sources:
            raise ValueError(
                f"{name} is a member of the uv workspace, but has no entry in [tool.uv.sources]; "
                f"write {name} = {{ workspace = true }} there"
            )
        for source in self.sources.get(name, ()):
            if not source.marker or Marker(source.marker).evaluate({**environment, "extra": ""}):
                return source
        return None

    def bounded(self, wanted: Requirement, environment: Mapping[str, str]) -> Requirement:
        """Return a requirement with the versions that overrides put in place of its own, and that constraints add."""
        for override in self.overrides:
            if canonical(override.name) == canonical(wanted.name) and _holds(override, environment):
                wanted.specifier = override.specifier
        for constraint in self.constraints:
            if canonical(constraint.name) == canonical(wanted.name) and _holds(constraint, environment):
                wanted.specifier &= constraint.specifier
        return wanted

    def check(self, names: Collection[str]) -> tuple[str, ...]:
        """Return the constraints that do not count, because they are of none of the names (canonical).

        Raises ValueError for an override of another name, or to a place.
        """
        for override in self.overrides:
            if canonical(override.name) not in names or override.url:
                raise ValueError(
                    f"[tool.uv] override-dependencies: {str(override)!r} is not supported here; name {override.name} "
                    "in the dependencies themselves, and its place in [tool.uv.sources]"
                )
        return tuple(str(each) for each in self.constraints if canonical(each.name) not in names)


def of_script(uv: object, folder: Path) -> Settings:
    """Read the table [tool.uv] of a script in a folder; raises ValueError for what uv would refuse, or we cannot do."""
    return _TableReader(folder).settings(Section(uv, "tool.uv"))


def of_project(data: Mapping[str, Any], folder: Path) -> Settings:
    """Read [tool.uv] of a pyproject.toml in a folder, with what its workspace says; raises as `of_script` does."""
    own = _uv_table(data)
    root, table = _workspace_of(own, folder)
    if root is None:
        return _TableReader(folder).settings(own)
    members = dict(_members_of(root, table.table("workspace")))
    theirs = _TableReader(root, members).settings(table)
    if root == folder:
        return replace(theirs, members=tuple(members))
    indexes = {each.text("name"): each for each in table.tables("index")}
    mine = _TableReader(folder, members, indexes).settings(own)
    # uv takes indexes, overrides and constraints of the workspace's root alone.
    return replace(theirs, sources={**theirs.sources, **mine.sources}, members=tuple(members))


def in_folder(folder: Path) -> Settings:
    """Read the pyproject.toml of a folder, if there is one; raises as `of_project` does."""
    return of_project(read_pyproject(folder), folder)


class _TableReader:
    """Reads the tables of one file; paths in it are relative to its folder."""

    def __init__(
        self,
        folder: Path,
        members: Mapping[str, Path] | None = None,
        indexes: Mapping[str, Section] | None = None,
    ) -> None:
        self.folder = folder
        self.members = members
        self.indexes = dict(indexes or {})

    def settings(self, uv: Section) -> Settings:
        named = uv.tables("index")
        self.indexes.update({each.text("name"): each for each in named})
        of_all = [each for each in named if not each.data.get("explicit")]
        usual = [self._index(each, "default" if each.data.get("default") else "first") for each in of_all]
        for key, use in {"index-url": "default", "extra-index-url": "first", "find-links": "links"}.items():
            urls = [uv.text(key)] if isinstance(uv.data.get(key), str) else uv.texts(key)
            usual += [Index(url_of(url, self.folder), use) for url in urls]
        if uv.data.get("no-index"):
            usual = [each.replace(use="only-links") for each in usual if each.use == "links"]
        sources = uv.table("sources")
        return Settings(
            {canonical(name): self._sources(name, sources) for name in sources.data},
            tuple(usual),
            tuple(_requirements(uv, "override-dependencies")),
            tuple(_requirements(uv, "constraint-dependencies")),
        )

    def _sources(self, name: str, sources: Section) -> tuple[Source, ...]:
        tables = sources.each(name)
        if not tables:
            raise ValueError(f"{sources} {name} must have at least one source")
        found = [(self._source(name, table), table) for table in tables]
        # What is for an extra or a group of the project is not for the project itself.
        return tuple(source for source, table in found if "extra" not in table and "group" not in table)

    def _source(self, name: str, table: Section) -> Source:
        kinds = [kind for kind in _KEYS if kind in table]
        if len(kinds) != 1:
            raise ValueError(f"{table} must have one of {', '.join(_KEYS)}")
        (kind,) = kinds
        table.only(_KEYS[kind] | _CONDITIONS, f"does not belong in a source with {kind}")
        marker = table.marker(table.text("marker"))
        if kind == "workspace":
            return Source(self._member(name, table), marker=marker)
        if kind == "index":
            value = table.text(kind)
            if value not in self.indexes:
                raise ValueError(f"{table} there is no [[tool.uv.index]] named {value}")
            return Source(index=self._index(self.indexes[value], "explicit"), marker=marker)
        return Source(place(table, self.folder), marker=marker)

    def _member(self, name: str, table: Section) -> str:
        if self.members is None:
            raise ValueError(f"{table} there is no uv workspace here; say where it is with path = ...")
        if table.data["workspace"] is not True:
            raise ValueError(f"{table} workspace must be true")
        if canonical(name) not in self.members:
            raise ValueError(f"{table} the uv workspace has no member of that name")
        return self.members[canonical(name)].as_uri()

    def _index(self, table: Section, use: str) -> Index:
        if table.data.get("format", "simple") == "flat":
            if use == "explicit":
                raise ValueError(f"{table} {table.text('name')}: a flat index cannot be explicit here; use find-links")
            use = "links"
        return Index(url_of(table.text("url", needed=True), self.folder), use, table.text("name"))


def place(table: Section, folder: Path) -> str:
    """Return the URL of the path, the repository or the address that a dependency's table names, '' for none."""
    inside = table.text("subdirectory")
    for key in ("path", "file"):
        if key in table:
            path = table.text(key)
            return (folder / (Path(path).expanduser() if path.startswith("~/") else path) / inside).resolve().as_uri()
    url = _git(table) if "git" in table else table.text("url")
    return f"{url}#subdirectory={inside}" if url and inside else url


def _git(table: Section) -> str:
    """Return the URL of a repository at the revision that a table names, as a requirement has it (PEP 508)."""
    url, revisions = table.text("git"), [table.text(key) for key in ("rev", "tag", "branch") if key in table]
    if len(revisions) > 1:
        raise ValueError(f"{table} must have at most one of rev, tag and branch")
    if re.match(r"[\w.-]+@[\w.-]+:(?!//)", url):  # git's own short form of ssh
        url = "ssh://" + url.replace(":", "/", 1)
    if "://" not in url:
        raise ValueError(f"{table} {url!r} is not the URL of a repository")
    return f"git+{url.removeprefix('git+')}{'@' if revisions else ''}{''.join(revisions)}"


def _requirements(uv: Section, key: str) -> Iterator[Requirement]:
    for text in uv.texts(key):
        try:
            yield Requirement(text)
        except InvalidRequirement:
            raise ValueError(f"{uv} {key}: {text!r} is not a requirement (PEP 508)") from None


def _holds(wanted: Requirement, environment: Mapping[str, str]) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({**environment, "extra": ""})


# ---- The files of a project, and the workspace that it is in


def _workspace_of(own: Section, folder: Path) -> tuple[Path | None, Section]:
    """Return the folder of the workspace's root and its [tool.uv], None where there is no workspace."""
    if "workspace" in own:
        return folder, own
    for above in folder.parents:
        table = _uv_table(read_pyproject(above))
        if "workspace" in table:
            members = dict(_members_of(above, table.table("workspace")))
            return (above, table) if folder in members.values() else (None, own)
    return None, own


def _members_of(root: Path, workspace: Section) -> Iterator[tuple[str, Path]]:
    """Yield the names of a workspace's projects with their folders, the root's own among them."""
    folders = [root]
    for pattern in workspace.texts("members"):
        folders += _matching(root, pattern)
    left_out = {path for pattern in workspace.texts("exclude") for path in _matching(root, pattern)}
    for folder in dict.fromkeys(folders):
        project = read_pyproject(folder).get("project")
        if folder not in left_out and isinstance(project, dict) and isinstance(project.get("name"), str):
            yield canonical(project["name"]), folder


def _matching(root: Path, pattern: str) -> list[Path]:
    within = str(Path(glob.escape(str(root)), pattern))  # which may be absolute, or lead upwards
    return sorted(Path(path).resolve() for path in glob.glob(within))  # noqa: PTH207  # a Path's takes neither


def read_pyproject(folder: Path) -> Mapping[str, Any]:
    """Return what a folder's pyproject.toml says, nothing if there is none that can be read."""
    try:
        return toml_value(bounds.read(folder / "pyproject.toml", "pyproject.toml", bounds.DOCUMENT).decode())
    except (OSError, ValueError, BoundError):
        return {}


def _uv_table(data: Mapping[str, Any]) -> Section:
    """Return the table [tool.uv] of a pyproject.toml."""
    return Section(data).table("tool").table("uv")


def build_requirements(folder: Path) -> tuple[str, ...]:
    """Return what the project in a folder is built with."""
    with suppress(ValueError):  # whoever builds it says what is wrong
        return tuple(Section(read_pyproject(folder)).table("build-system").texts("requires"))
    return ()


def of_other_indexes(folder: Path) -> tuple[str, ...]:
    """Return the dependencies that Poetry takes from an index of their own, which no wheel of the project tells."""
    with suppress(ValueError):
        entries = Section(read_pyproject(folder)).table("tool").table("poetry").table("dependencies")
        named = [(name, each) for name in entries.data for each in entries.each(name, "version")]
        return tuple(canonical(name) for name, each in named if "source" in each and not each.data.get("optional"))
    return ()
